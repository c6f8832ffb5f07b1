"""The leaderboard of a small shop whose customers have a clear habit; reasons in both languages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.evaluation.compare import choose
from foresell.predict.recommend import competing
from foresell.predict.recommend.backtest import backtest, main_score

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
    hits = {"recall@2", "ndcg@2", "mrr@2", "novelty@2", "coverage@2", "stratified_recall@2"}
    assert set(board["score"]) == hits | {"revenue@2"}
    revenue = dict(board.filter(split="test", score="revenue@2").select("model", "value").iter_rows())
    assert revenue["item_knn"] > revenue["popularity"]
    assert (board["fit_seconds"] > 0).all()


def test_excluded_repeats_are_neither_recommended_nor_expected(make_tables: Any) -> None:
    board = backtest(make_tables(shop()), EXCLUDE, models=["popularity"])
    assert board["note"].str.contains("repeats excluded").all()
    assert board.filter(score="recall@2")["value"].max() <= 1  # type: ignore[operator]


def test_an_empty_shop_is_told_what_to_import(make_tables: Any) -> None:
    with pytest.raises(InputError, match="Import orders"):
        backtest(make_tables({}), INCLUDE)
