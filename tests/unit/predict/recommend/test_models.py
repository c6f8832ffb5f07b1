"""What each recommender is meant to see."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from foresell.contracts.errors import NotFoundError
from foresell.predict.recommend import load_model
from foresell.predict.recommend.model import INTERACTIONS

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)


def history(rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    """(customer, product, day) → interactions of weight 1."""
    full = [(customer, product, DAY_0 + timedelta(days=day), 1.0) for customer, product, day in rows]
    return pl.DataFrame(full, schema=INTERACTIONS, orient="row")


def test_what_sells_now_beats_what_sold_more_long_ago() -> None:
    past = history([(f"c{i}", "old hit", 0) for i in range(10)] + [("c1", "new", 365), ("c2", "new", 365)])
    model = load_model("popularity")
    found = model.fit(past, model.config(half_life_days=30)).recommend(past, 1, customers=pl.Series(["any"]))
    assert found.select("product_id", "reason_code").rows() == [("new", "popular")]
    patient = model.fit(past, model.config(half_life_days=3650)).recommend(
        past, 1, customers=pl.Series(["any"])
    )
    assert patient["product_id"].to_list() == ["old hit"]


def test_transition_recommends_what_followed_the_last_basket() -> None:
    steps = [
        (f"c{i}", product, day) for i in range(5) for day, product in enumerate(["printer", "ink", "paper"])
    ]
    crowd = [(f"x{i}", "bread", 2) for i in range(9)]
    model = load_model("transition")
    fitted = model.fit(history(steps + crowd), model.config())
    me = history([("me", "printer", 5)])
    found = fitted.recommend(me, 2, exclude=me)
    assert found["product_id"].to_list() == ["ink", "paper"]
    assert found.select("reason_code", "because_product_id").row(0) == ("bought_after", "printer")


def test_transition_does_not_run_over_from_one_customer_to_the_next() -> None:
    past = history([("a", "first", 0), ("b", "second", 1)])
    model = load_model("transition")
    assert model.fit(past, model.config(min_customers=1)).to_tables()["neighbors"].is_empty()


def test_transition_keeps_nothing_of_a_product_of_fewer_customers_than_asked() -> None:
    past = history([(who, product, day) for who in ("a", "b") for day, product in enumerate(["p", "q"])])
    model = load_model("transition")
    assert model.fit(past, model.config(min_customers=3)).to_tables()["neighbors"].is_empty()
    assert not model.fit(past, model.config(min_customers=2)).to_tables()["neighbors"].is_empty()


def test_transition_listens_to_the_newest_basket_most() -> None:
    steps = [("a", "x", 0), ("a", "after x", 1), ("b", "y", 0), ("b", "after y", 1)]
    model = load_model("transition")
    fitted = model.fit(history(steps), model.config(min_customers=1))
    newest_y = history([("me", "x", 8), ("me", "y", 9)])
    newest_x = history([("me", "y", 8), ("me", "x", 9)])
    assert fitted.recommend(newest_y, 1, exclude=newest_y)["product_id"].to_list() == ["after y"]
    assert fitted.recommend(newest_x, 1, exclude=newest_x)["product_id"].to_list() == ["after x"]


def test_item_knn_recommends_what_like_minded_customers_have_and_says_because_of_what() -> None:
    cooks = [(f"cook{i}", product, i) for i in range(4) for product in ("pan", "knife")]
    readers = [(f"reader{i}", product, i) for i in range(9) for product in ("book", "lamp")]
    model = load_model("item_knn")
    fitted = model.fit(history(cooks + readers), model.config())
    me = history([("me", "pan", 5)])
    found = fitted.recommend(me, 2, exclude=me)
    assert found.select("product_id", "reason_code", "because_product_id").rows()[0] == (
        "knife",
        "bought_with",
        "pan",
    )
    assert found["reason_code"].to_list()[1] == "popular"
    again = fitted.recommend(me, 1)
    assert again.select("product_id", "reason_code").rows() == [("pan", "buy_again")]


def test_item_knn_keeps_no_pair_of_fewer_customers_than_asked() -> None:
    past = history([(who, product, 0) for who in ("a", "b") for product in ("p", "q")])
    model = load_model("item_knn")
    others = model.fit(past, model.config(min_customers=3)).to_tables()["neighbors"]
    assert others.filter(pl.col("product_id") != pl.col("neighbor_id")).is_empty()


def test_item_knn_learns_from_the_heaviest_products_of_a_customer_only() -> None:
    crowd = [(f"c{i}", product, 0) for i in range(4) for product in ("often", "often too", "rare")]
    more = [(f"c{i}", product, day) for i in range(4) for day in (1, 2) for product in ("often", "often too")]
    model = load_model("item_knn")
    fitted = model.fit(history(crowd + more), model.config(max_products_a_customer=2))
    others = fitted.to_tables()["neighbors"].filter(pl.col("product_id") != pl.col("neighbor_id"))
    assert set(others["product_id"]) == {"often", "often too"}


def test_an_unknown_model_names_the_closest() -> None:
    with pytest.raises(NotFoundError, match="item_knn"):
        load_model("item_kn")
