"""The report: everything found, worst first, in words and as JSON, the same on both engines."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from foresell.contracts.errors import NotFoundError
from foresell.contracts.settings import Settings
from foresell.quality import CHECKS
from foresell.quality.finding import SEVERITIES
from foresell.quality.report import check_tables, share_text

Shop = dict[str, list[dict[str, Any]]]
MakeTables = Callable[[Shop], Any]


@pytest.fixture
def faulty(shop: Shop) -> Shop:
    """Faults of every severity, in several tables."""
    shop["orders"][0]["currency"] = "US$"
    shop["orders"][1].update(total_amount=35.5, customer_id=None)
    shop["orders"][2].update(payment_method=None, channel="n/a")
    shop["orders"][3].update(payment_method=None, paid_at="2024-02-01T00:00:00Z")
    shop["order_lines"][0].update(quantity=0, line_amount=0)
    shop["order_lines"][1]["product_id"] = "p9"
    shop["order_lines"][2].update(quantity=-1, line_amount=-10)
    shop["order_lines"] += [
        {**shop["order_lines"][5], "order_line_id": f"o4-{i}", "quantity": 1 + i % 3} for i in range(40)
    ]
    shop["order_lines"].append({**shop["order_lines"][5], "order_line_id": "o4-40", "quantity": 12000})
    shop["products"][0]["title"] = "CrÃ¨me brÃ»lÃ©e"
    shop["products"][1]["title"] = "Salt &amp; pepper???"
    shop["products"].append({"product_id": "fuel", "is_service": True})
    shop["events"].append({**shop["events"][1], "event_id": "buy1-again"})
    shop["events"][5]["value"] = 20
    shop["refunds"].append({**shop["refunds"][0], "refund_id": "r2", "amount": 100, "currency": "EUR"})
    shop["promotions"][0]["discount_rate"] = 15
    shop["customers"][0]["erased_at"] = "2024-03-01T00:00:00Z"
    recorded = {"recorded_at": "2024-03-09T00:00:00Z"}
    return {name: [{**recorded, **row} for row in rows] for name, rows in shop.items()}


def test_findings_come_worst_first(faulty: Shop, make_tables: MakeTables) -> None:
    report = check_tables(make_tables(faulty), Settings())
    ranks = [SEVERITIES.index(finding.severity) for finding in report.findings]
    assert ranks == sorted(ranks)
    assert all(report.count(severity) for severity in SEVERITIES)
    assert sum(report.count(severity) for severity in SEVERITIES) == len(report.findings)


def test_the_record_is_json_and_holds_every_table(faulty: Shop, make_tables: MakeTables) -> None:
    record = json.loads(json.dumps(check_tables(make_tables(faulty), Settings()).as_record()))
    assert record["checks"] == list(CHECKS)
    orders = next(table for table in record["tables"] if table["table"] == "orders")
    assert orders["num_rows"] == 8
    assert orders["missing"]["payment_method"] == 0.25
    assert orders["missing"]["order_id"] == 0
    assert orders["missing"]["cancelled_at"] == 1
    assert {table["table"] for table in record["tables"]} == {name for name, rows in faulty.items() if rows}
    assert {"message", "message_zh", "advice", "advice_zh", "examples"} <= record["findings"][0].keys()


def test_a_person_can_read_it_in_both_languages(faulty: Shop, make_tables: MakeTables) -> None:
    report = check_tables(make_tables(faulty), Settings())
    english, chinese = report.as_text("en"), report.as_text("zh")
    assert "orders.currency: The currency is no ISO 4217 code (1 row, 12.50%)" in english
    assert "for example: o1" in english
    assert "orders.currency: 币种不是 ISO 4217 代码（1 行，12.50%）" in chinese
    assert "orders: 8 rows" in english
    assert "orders：8 行" in chinese


def test_no_content_of_a_row_reaches_the_report_but_ids(faulty: Shop, make_tables: MakeTables) -> None:
    faulty["reviews"][0]["body"] = "Call me: \ufffd +1 555 0100"
    report = check_tables(make_tables(faulty), Settings())
    assert any(finding.table == "reviews" for finding in report.findings)
    assert "555" not in json.dumps(report.as_record())


def test_chosen_checks_run_alone_and_announce_themselves(faulty: Shop, make_tables: MakeTables) -> None:
    seen: list[str] = []
    report = check_tables(make_tables(faulty), Settings(), checks=["signs", "currency"], on_check=seen.append)
    assert seen == ["signs", "currency"]
    assert {finding.check for finding in report.findings} == {"signs", "currency"}


def test_an_unknown_check_names_the_closest(make_tables: MakeTables) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'outliers'"):
        check_tables(make_tables({}), Settings(), checks=["outlier"])


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.00%"), (1e-9, "<0.01%"), (0.25, "25.00%"), (1 - 1e-9, ">99.99%"), (1, "100.00%")],
)
def test_a_share_never_rounds_to_none_or_all(share: float, text: str) -> None:
    assert share_text(share) == text


@pytest.mark.spark
def test_spark_finds_the_same(faulty: Shop, make_tables: MakeTables, make_spark_tables: MakeTables) -> None:
    here = check_tables(make_tables(faulty), Settings()).as_record()
    there = check_tables(make_spark_tables(faulty), Settings()).as_record()
    assert there["tables"] == here["tables"]
    assert [finding | {"share": 0} for finding in there["findings"]] == [
        finding | {"share": 0} for finding in here["findings"]
    ]
    assert [finding["share"] for finding in there["findings"]] == pytest.approx(
        [finding["share"] for finding in here["findings"]]
    )
