"""What each recommender is meant to see."""

import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
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


SHELF = pl.DataFrame(
    {
        "product_id": ["red nail polish", "blue nail polish", "pan", "green nail polish", "unheard of"],
        "labels": [["category:nails"], ["category:nails"], ["category:kitchen"], ["category:nails"], []],
        "price": [None, 4.0, 20.0, None, None],
        "text": ["nail polish, red", "nail polish, blue", "a pan of iron", "nail polish, green", None],
    },
    schema={
        "product_id": pl.String,
        "labels": pl.List(pl.String),
        "price": pl.Float64,
        "text": pl.String,
    },
)


def nail_shop() -> pl.DataFrame:
    often = [(f"c{i}", "pan", day) for i in range(9) for day in range(2)]
    return history([*often, ("x", "red nail polish", 0), ("y", "blue nail polish", 0)])


def test_transition_recommends_what_is_alike_where_nothing_followed_and_says_so() -> None:
    model = load_model("transition")
    fitted = model.fit(nail_shop(), model.config(), SHELF)
    me = history([("me", "red nail polish", 5)])
    found = fitted.recommend(me, 3, exclude=me)
    likely = found.filter(pl.col("score") > 0).select("product_id", "reason_code", "because_product_id")
    # One that nobody ever bought is among them; of equals the first by id.
    assert likely.rows() == [
        ("blue nail polish", "similar_to", "red nail polish"),
        ("green nail polish", "similar_to", "red nail polish"),
    ]


@pytest.mark.parametrize("shelf", [None, SHELF.clear()])
def test_transition_without_content_knows_steps_only(shelf: pl.DataFrame | None) -> None:
    model = load_model("transition")
    fitted = model.fit(nail_shop(), model.config(), shelf)
    me = history([("me", "red nail polish", 5)])
    assert fitted.recommend(me, 3, exclude=me)["reason_code"].unique().to_list() == ["popular"]
    plain = model.fit(nail_shop(), model.config(content_weight=0.0), SHELF)
    assert plain.recommend(me, 3).equals(fitted.recommend(me, 3))


def test_transition_prefers_what_followed_to_what_is_alike() -> None:
    steps = [
        (f"c{i}", product, day) for i in range(5) for day, product in enumerate(["red nail polish", "pan"])
    ]
    model = load_model("transition")
    fitted = model.fit(history([*steps, ("y", "blue nail polish", 0)]), model.config(), SHELF)
    me = history([("me", "red nail polish", 5)])
    found = fitted.recommend(me, 2, exclude=me).select("product_id", "reason_code").rows()
    assert found == [("pan", "bought_after"), ("blue nail polish", "similar_to")]


def test_transition_counts_steps_backward_where_it_is_told_to() -> None:
    steps = [(f"c{i}", product, day) for i in range(5) for day, product in enumerate(["printer", "ink"])]
    me = history([("me", "ink", 5)])
    model = load_model("transition")
    forward = model.fit(history(steps), model.config()).recommend(me, 1, exclude=me)
    both = model.fit(history(steps), model.config(backward=0.5)).recommend(me, 1, exclude=me)
    assert forward["reason_code"].to_list() == ["popular"]
    assert both.select("product_id", "reason_code").rows() == [("printer", "bought_after")]


def test_session_knn_follows_those_who_did_lately_what_the_customer_does() -> None:
    cooks = [(f"cook{i}", p, d) for i in range(4) for d, p in enumerate(["pan", "knife"])]
    readers = [(f"reader{i}", p, d) for i in range(4) for d, p in enumerate(["book", "lamp"])]
    model = load_model("session_knn")
    fitted = model.fit(history(cooks + readers), model.config())
    me = history([("me", "book", 1), ("me", "pan", 5)])
    found = fitted.recommend(me, 2, exclude=me)
    assert found.select("product_id", "because_product_id").rows() == [("knife", "pan"), ("lamp", "book")]
    assert set(found["reason_code"]) == {"bought_with"}
    assert "buy_again" in set(fitted.recommend(me, 4)["reason_code"])


def test_session_knn_hears_only_the_newest_sessions_of_a_product() -> None:
    old = [(f"old{i}", p, 0) for i in range(5) for p in ("tent", "stove")]
    new = [(f"new{i}", p, 300) for i in range(3) for p in ("tent", "lamp")]
    model = load_model("session_knn")
    me = history([("me", "tent", 301)])
    all_of_them = model.fit(history(old + new), model.config(idf_power=0.0))
    newest = model.fit(history(old + new), model.config(idf_power=0.0, num_recent=3))
    assert all_of_them.recommend(me, 1, exclude=me)["product_id"].to_list() == ["stove"]
    assert newest.recommend(me, 2, exclude=me).filter(pl.col("score") > 0)["product_id"].to_list() == ["lamp"]


def test_session_knn_ends_a_session_at_a_long_pause() -> None:
    past = history([(f"c{i}", p, d) for i in range(4) for p, d in (("pan", 0), ("knife", 1), ("book", 90))])
    model = load_model("session_knn")
    fitted = model.fit(past, model.config(gap_days=30))
    me = history([("me", "pan", 95)])
    opinions = fitted.recommend(me, 3, exclude=me).filter(pl.col("score") > 0)
    assert opinions["product_id"].to_list() == ["knife"]
    assert fitted.to_tables()["sessions"]["session"].n_unique() == 8


def test_als_finds_the_taste_a_customer_shares_with_others() -> None:
    cooks = [(f"cook{i}", f"kitchen{(i + j) % 5}", j) for i in range(12) for j in range(4)]
    readers = [(f"reader{i}", f"book{(i + j) % 5}", j) for i in range(12) for j in range(4)]
    model = load_model("als")
    fitted = model.fit(history(cooks + readers), model.config(factors=2))
    me = history([("me", "kitchen0", 1), ("me", "kitchen1", 2)])
    found = fitted.recommend(me, 3, exclude=me)
    assert set(found["product_id"]) == {"kitchen2", "kitchen3", "kitchen4"}
    assert set(found["reason_code"]) == {"bought_with"}
    assert set(found["because_product_id"]) <= {"kitchen0", "kitchen1"}


def test_als_gives_the_same_factors_for_the_same_seed_and_any_number_of_threads() -> None:
    past = history([(f"c{i}", f"p{(i * j) % 7}", j) for i in range(30) for j in range(1, 5)])
    model = load_model("als")
    tables = [
        model.fit(past, model.config(factors=4, seed=seed, num_threads=threads)).to_tables()["products"]
        for seed, threads in ((1, 1), (1, 2), (2, 1))
    ]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_als_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    model = load_model("als")
    past = history([(f"c{i}", p, 0) for i in range(3) for p in ("a", "b")])
    with pytest.raises(InputError, match=r"foresell\[als\]"):
        model.fit(past, model.config())
