"""Habit decides where customers buy again, and is silent where nobody does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.habit import Habit, learn_habit, taken_again
from foresell.predict.recommend.rank import Floats, Ints

START = datetime(2026, 1, 1, tzinfo=UTC)
NUM_PRODUCTS = 6


def bought(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    """(customer, product, day)"""
    return pl.DataFrame(
        [(customer, product, START + timedelta(days=day), 1.0) for customer, product, day in rows],
        schema={
            "customer_id": pl.String,
            "product_id": pl.String,
            "occurred_at": pl.Datetime("us", "UTC"),
            "weight": pl.Float64,
        },
        orient="row",
    )


def all_alike(size: int) -> Callable[[pl.Series, pl.DataFrame], Iterator[tuple[Ints, Floats]]]:
    def chances_of(customers: pl.Series, histories: pl.DataFrame) -> Iterator[tuple[Ints, Floats]]:
        yield np.arange(len(customers)), np.full((len(customers), size), 1 / size, np.float32)

    return chances_of


@pytest.fixture
def habitual() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each customer takes one product of their own every week, and another one once."""
    rows = [(f"c{who:02}", f"p{who % NUM_PRODUCTS}", 7 * week) for who in range(30) for week in range(6)]
    rows += [(f"c{who:02}", f"p{(who + 1) % NUM_PRODUCTS}", 3) for who in range(30)]
    return bought(rows), bought([(f"c{who:02}", f"p{who % NUM_PRODUCTS}", 42) for who in range(30)])


def applied(habit: Habit, catalog: Catalog, history: pl.DataFrame) -> Floats:
    taken = habit.taken(history["customer_id"].unique().sort(), history, catalog)
    chances = np.full((history["customer_id"].n_unique(), catalog.size), 1 / catalog.size, np.float32)
    return habit.apply(chances, taken)


def test_what_is_taken_again_and_again_comes_first(habitual: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    learned, later = habitual
    catalog = Catalog.from_interactions(learned, 30.0)
    habit = learn_habit(catalog, learned, later, all_alike(catalog.size))
    assert habit is not None
    scores = applied(habit, catalog, learned)
    assert scores.argmax(axis=1).tolist() == [who % NUM_PRODUCTS for who in range(30)]
    assert ((scores > 0) & (scores < 1)).all()
    kept = Habit.from_tables(habit.to_tables(catalog))
    assert kept is not None
    assert (applied(kept, catalog, learned) == scores).all()


def test_a_shop_without_repeats_has_no_habit(habitual: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    learned, _ = habitual
    later = bought([(f"c{who:02}", f"p{(who + 3) % NUM_PRODUCTS}", 42) for who in range(30)])
    catalog = Catalog.from_interactions(learned, 30.0)
    assert learn_habit(catalog, learned, later, all_alike(catalog.size)) is None


def test_where_few_take_again_what_was_taken_falls_behind() -> None:
    """One of fifty customers repeats; the others take something new."""
    learned = bought([(f"c{who:02}", f"p{who % NUM_PRODUCTS}", who % 5) for who in range(50)])
    later = bought([(f"c{who:02}", f"p{(who + 1 + who % 5) % NUM_PRODUCTS}", 42) for who in range(1, 50)])
    later = pl.concat([later, bought([("c00", "p0", 42)])])
    catalog = Catalog.from_interactions(learned, 30.0)
    habit = learn_habit(catalog, learned, later, all_alike(catalog.size))
    assert habit is not None
    scores = applied(habit, catalog, learned)
    own = np.arange(50) % NUM_PRODUCTS
    assert (scores[np.arange(50), own] < np.delete(scores[0], own[0]).max()).all()


def test_a_customer_without_a_history_keeps_no_opinion(
    habitual: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    learned, later = habitual
    catalog = Catalog.from_interactions(learned, 30.0)
    habit = learn_habit(catalog, learned, later, all_alike(catalog.size))
    assert habit is not None
    nobody = habit.taken(pl.Series("customer_id", ["new"]), learned, catalog)
    assert not habit.apply(np.zeros((1, catalog.size), np.float32), nobody).any()


def test_the_share_of_a_rare_product_is_drawn_to_that_of_all() -> None:
    often = [(f"c{who:02}", "tea", day) for who in range(40) for day in (1, 9)]
    once = [(f"c{who:02}", "pan", 1) for who in range(40)]
    history = bought([*often, *once, ("c00", "rare", 1)])
    catalog = Catalog.from_interactions(history, 30.0)
    shares = dict(zip(catalog.product_ids, taken_again(history, catalog), strict=True))
    assert shares["pan"] < shares["rare"] < shares["tea"]
