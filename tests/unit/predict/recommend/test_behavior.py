"""The behavior model as a shop has it: habit, and products that nobody has taken, through one small fit."""

from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import polars as pl
import pytest
import torch

from foresell.contracts.errors import InputError
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.held_back import held_back, to_judge
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.models.behavior import MODEL
from foresell.predict.recommend.newcomers import share_of_newcomers
from foresell.predict.recommend.sequence_model import FittedSequenceModel, vocabulary_of

START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("tea", "pan")
NUM_CUSTOMERS = 120


def shop() -> pl.DataFrame:
    """Customers buy every third day: half of them tea of all sorts, half pans; each has a favorite."""
    rows, chance = [], Random(1)
    for who in range(NUM_CUSTOMERS):
        kind = KINDS[who % 2]
        for number in range(20):
            sort = who % 8 if number % 2 else chance.randrange(12)
            rows.append((f"c{who:03}", f"{kind}{sort:02}", START + timedelta(days=3 * number), 1.0))
    return pl.DataFrame(rows, INTERACTIONS, orient="row").unique().sort("customer_id", "occurred_at")


def catalog() -> pl.DataFrame:
    ids = [f"{kind}{sort:02}" for kind in KINDS for sort in range(14)]
    labels = [[f"category:{one[:3]}"] for one in ids]
    return pl.DataFrame(
        {"product_id": ids, "labels": labels, "price": None, "text": None},
        {"product_id": pl.String, "labels": pl.List(pl.String), "price": pl.Float64, "text": pl.String},
    )


@pytest.fixture(scope="module")
def fitted() -> FittedSequenceModel:
    config = MODEL.config(
        preset="tiny",
        text_encoder="",
        width=16,
        max_epochs=15,
        num_negatives=32,
        learning_rate=0.01,
        id_dropout=0.3,
        target_horizon_days=14.0,
        only_new_targets=True,
        use_habit=True,
        use_newcomers=True,
        newcomers_share=0.25,
    )
    found: FittedSequenceModel = MODEL.fit(shop(), config, catalog())
    return found


def test_favorites_come_first_and_are_said_to_be_bought_again(fitted: FittedSequenceModel) -> None:
    top = fitted.recommend(shop(), 1)
    favorites = [f"{KINDS[who % 2]}{who % 8:02}" for who in range(NUM_CUSTOMERS)]
    assert (top["product_id"] == pl.Series(favorites)).sum() > 108
    assert set(top["reason_code"]) == {"buy_again"}
    assert (top["because_product_id"] == top["product_id"]).all()


def test_a_product_nobody_took_is_ranked_by_its_content(fitted: FittedSequenceModel) -> None:
    sold = shop().select(customer_id=pl.lit(None, pl.String), product_id="product_id").unique()
    top = fitted.recommend(shop(), 2, exclude=sold)
    assert not set(top["product_id"]) & set(sold["product_id"])
    kinds = pl.Series([KINDS[int(customer[1:]) % 2] for customer in top["customer_id"]])
    assert (top["product_id"].str.head(3) == kinds).sum() > 216


def test_newcomers_have_the_share_of_chance_that_they_are_given(fitted: FittedSequenceModel) -> None:
    assert fitted.newcomers is not None
    assert fitted.newcomers.share == 0.25
    assert fitted.newcomers.is_new.sum() == 4
    chances = fitted.newcomers.chances(torch.randn(5, fitted.catalog.size))
    np.testing.assert_allclose(chances[:, fitted.newcomers.is_new].sum(axis=1), 0.25, rtol=1e-5)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_cannot_be_is_refused(share: float) -> None:
    with pytest.raises(InputError):
        MODEL.config(newcomers_share=share)


def test_a_saved_model_says_the_same(fitted: FittedSequenceModel) -> None:
    loaded = MODEL.load(
        {name: getattr(fitted.config, name) for name in fitted.config.__slots__},
        fitted.to_tables(),
        fitted.to_weights(),
    )
    assert loaded.recommend(shop(), 5).equals(fitted.recommend(shop(), 5))


def test_of_held_back_customers_the_newest_days_are_judged_and_never_learned() -> None:
    learned, later = held_back(shop(), 14.0)
    assert learned.height + later.height == shop().height
    assert later["customer_id"].n_unique() == 12
    assert later["occurred_at"].min() >= shop()["occurred_at"].max() - timedelta(days=14)
    vocabulary = vocabulary_of(Catalog.from_interactions(shop(), 30.0))
    judged = to_judge(learned, later, vocabulary, 14.0, only_new=True)
    before = set(learned.select("customer_id", "product_id").iter_rows())
    pairs = set(later.select("customer_id", "product_id").iter_rows()) - before
    assert len(judged.targets) == len(pairs)
    assert not judged.repeats


def test_the_share_of_newcomers_is_what_they_sold_lately() -> None:
    old = shop()
    new = old.tail(40).with_columns(product_id=pl.lit("new"), occurred_at=old["occurred_at"].max())
    share = share_of_newcomers(pl.concat([old, new]), 14.0)
    late = old.filter(pl.col("occurred_at") > pl.col("occurred_at").max() - timedelta(days=14)).height
    assert share == 41 / (late + 42)
    assert share_of_newcomers(old, 14.0) == 1 / (late + 2)
