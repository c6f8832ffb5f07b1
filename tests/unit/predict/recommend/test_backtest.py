"""The leaderboard of a small shop whose customers have a clear habit; reasons in both languages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.results import recommendations
from foresell.contracts.settings import Settings
from foresell.evaluation.compare import choose
from foresell.predict.recommend import competing, load_model
from foresell.predict.recommend.backtest import backtest, config_of, main_score
from foresell.predict.recommend.interactions import interactions
from foresell.predict.recommend.reasons import as_results, product_names

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
TINY = {"behavior": {"preset": "tiny"}}
EXCLUDE = Settings.model_validate({"recommend": {"repeats": "exclude", "k": 2}, **TINY})
INCLUDE = Settings.model_validate({"recommend": {"repeats": "include", "k": 2}, **TINY})


def shop() -> dict[str, list[dict[str, object]]]:
    """Twenty customers buy the same thing of their own every fifth day."""
    orders: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    for who in range(20):
        for number in range(24):
            key = f"o{who:02}-{number:02}"
            created = START + timedelta(days=5 * number, minutes=who)
            orders.append(
                {
                    "order_id": key,
                    "customer_id": f"c{who:02}",
                    "created_at": created.isoformat(),
                    "currency": "USD",
                }
            )
            product = f"p{who % 5}" if number % 3 else f"q{(who + number) % 20:02}"
            lines.append(
                {
                    "order_line_id": key,
                    "order_id": key,
                    "product_id": product,
                    "quantity": 1,
                    "line_amount": 2,
                }
            )
    products = [{"product_id": f"p{i}", "title": f"Tea {i}"} for i in range(5)]
    products += [{"product_id": f"q{i:02}", "category": "toys"} for i in range(20)]
    return {"orders": orders, "order_lines": lines, "products": products}


def test_habits_beat_popularity_and_the_rule_for_repeats_is_stated(make_tables: Any) -> None:
    steps: list[str] = []
    board = backtest(make_tables(shop()), INCLUDE, say=steps.append)
    assert len(steps) == 2 * len(competing())
    assert main_score(INCLUDE) == "ndcg@2"
    assert choose(board, "ndcg@2", higher_is_better=True) != "popularity"
    for split in ("validation", "test"):
        found = dict(board.filter(split=split, score="ndcg@2").select("model", "value").iter_rows())
        assert found["item_knn"] > found["popularity"]
        assert found["transition"] > found["popularity"]
    assert board["note"].str.contains("repeats included; 20 customers").all()
    assert set(board["score"]) == {"recall@2", "ndcg@2", "mrr@2", "novelty@2", "coverage@2"}
    assert (board["fit_seconds"] > 0).all()


def test_excluded_repeats_are_neither_recommended_nor_expected(make_tables: Any) -> None:
    board = backtest(make_tables(shop()), EXCLUDE, models=["popularity"])
    assert board["note"].str.contains("repeats excluded").all()
    assert board.filter(score="recall@2")["value"].max() <= 1  # type: ignore[operator]


def test_an_empty_shop_is_told_what_to_import(make_tables: Any) -> None:
    with pytest.raises(InputError, match="Import orders"):
        backtest(make_tables({}), INCLUDE)


@pytest.mark.parametrize(
    ("language", "again", "popular"),
    [("en", "You have bought this before", "Popular right now"), ("zh", "您曾购买过此商品", "近期热销")],
)
def test_reasons_are_words_a_shopper_reads(make_tables: Any, language: Any, again: str, popular: str) -> None:
    tables = make_tables(shop())
    past = interactions(tables)
    fitted = load_model("item_knn").fit(past, config_of("item_knn", INCLUDE))
    whom = pl.Series(["c00", "new customer"])
    found = fitted.recommend(past, 2, customers=whom)
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    rows = as_results(found, product_names(tables), language, "item_knn/0001", moment)
    assert rows.columns == [column.name for column in recommendations.columns]
    reasons = dict(rows.filter(rank=1).select("customer_id", "reason").iter_rows())
    assert reasons == {"c00": again, "new customer": popular}


def test_a_reason_names_the_product_by_title_else_category_else_id(make_tables: Any) -> None:
    names = product_names(make_tables(shop()))
    because = ["p1", "q01", "gone"]
    frame = pl.DataFrame(
        {
            "customer_id": ["c"] * 3,
            "product_id": ["x"] * 3,
            "rank": [1, 2, 3],
            "score": [1.0] * 3,
            "reason_code": ["bought_after"] * 3,
            "because_product_id": because,
        }
    )
    found = as_results(frame, names, "en", "m/1", datetime(2026, 7, 1, tzinfo=UTC))["reason"].to_list()
    assert found == [f"Often bought after {name}" for name in ("Tea 1", "toys", "gone")]
