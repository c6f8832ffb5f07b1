"""The report: what a shop owner would miss if it were wrong, and what must never happen on the page."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from foresell.contracts.errors import DeniedError, InputError
from foresell.contracts.settings import make_settings
from foresell.services.report import read_language, write_report
from foresell.services.report.gather import gather
from foresell.services.report.gather.measures import recent_spans, whole_months, whole_weeks
from foresell.services.report.page import headline, render
from foresell.services.report.page.document import SECTIONS
from foresell.services.report.page.reasons import reason_in
from foresell.services.report.sections import Report, Span
from foresell.services.shop import create_shop, silent

EVIL = '<script>alert("x")</script> & <b>茶</b>'
FIRST = date(2024, 1, 1)
SETTINGS = make_settings(
    {"store": {"name": "Tea & <i>Co</i>", "time_zone": "Europe/Berlin", "currency": "EUR"}}
)


def shop_rows(num_weeks: int = 12) -> dict[str, list[dict[str, object]]]:
    """Two orders a day of 30 and 20 EUR (10 discount on the first), by six customers in turn."""
    orders, lines = [], []
    for number in range(num_weeks * 7 * 2):
        day = FIRST + timedelta(days=number // 2)
        customer = f"c{number % 6}"
        order = {"order_id": f"o{number}", "customer_id": customer, "created_at": f"{day}T12:00:00Z"}
        orders.append({**order, "local_date": day, "currency": "EUR", "location_id": "L1"})
        amount, discount = ("30", "10") if number % 2 == 0 else ("20", None)
        bought = ("p1", "p2") if number % 2 == 0 else ("p3",)
        for product in bought:
            line = {"order_line_id": f"o{number}-{product}", "order_id": f"o{number}", "product_id": product}
            share = {"line_amount": float(amount) / len(bought)}
            given = {"discount_amount": float(discount) / len(bought)} if discount else {}
            lines.append({**line, "quantity": 1, **share, **given})
    products = [
        {"product_id": "p1", "title": EVIL, "category": "Tea", "department": "Drinks"},
        {"product_id": "p2", "title": "Cup 🍵", "category": "Cups", "department": "Kitchen"},
        {"product_id": "p3", "title": None, "category": "Cake", "department": "Bakery"},
    ]
    return {"orders": orders, "order_lines": lines, "products": products}


def prediction_rows() -> dict[str, list[dict[str, object]]]:
    forecasts = [
        {
            "series_id": "Drinks",
            "model": "ets/1",
            "cutoff_date": "2024-03-24",
            "date": date(2024, 3, 25) + timedelta(weeks=week),
            "series_by": "department",
            "period": "week",
            "measure": "net_sales",
            "mean": 100.0,
            "lower_80": 80,
            "upper_80": 120,
            "lower_95": 60,
            "upper_95": 140,
        }
        for week in range(4)
    ]
    recommendations = [
        {
            "customer_id": "c5",
            "model": "item_knn/1",
            "rank": rank,
            "product_id": product,
            "score": 1 / rank,
            "reason": f"Because you bought {EVIL}",
            "made_at": "2024-03-25T00:00:00Z",
        }
        for rank, product in enumerate(("p2", "p1"), 1)
    ]
    scores = [
        ("ets", "mase", 0.8),
        ("croston", "mase", 1.2),
        ("ets", "coverage_80", 0.95),
        ("croston", "coverage_80", 0.7),
    ]
    leaderboard = [
        {
            "task": "forecast",
            "model": model,
            "split": "test",
            "score": score,
            "value": value,
            "fit_seconds": 1.5,
            "predict_seconds": 0.25,
            "made_at": "2024-03-25T00:00:00Z",
        }
        for model, score, value in scores
    ]
    return {"forecasts": forecasts, "recommendations": recommendations, "leaderboard": leaderboard}


def import_rows() -> dict[str, list[dict[str, object]]]:
    run = {"source": "mapping", "status": "finished", "started_at": "2024-03-25T00:00:00Z"}
    counts = {
        "rows_read": 10,
        "rows_accepted": 5,
        "rows_updated": 1,
        "rows_duplicate": 2,
        "rows_quarantined": 2,
    }
    runs = [
        {**run, **counts, "run_id": "r1", "source_file": "orders.csv", "finished_at": "2024-03-25T00:01:00Z"}
    ]
    rejected = [
        {
            "quarantine_id": f"r1-{n}",
            "run_id": "r1",
            "source_file": "orders.csv",
            "error_code": code,
            "column": "when",
        }
        for n, code in enumerate(("not_a_date", "not_a_date"))
    ]
    return {"ingest_runs": runs, "quarantine": rejected}


def gather_rows(
    make_tables: Callable[[Mapping[str, Any]], Any], rows: Mapping[str, Any], **dates: date
) -> Report:
    return gather(make_tables(rows), SETTINGS, dates.get("start"), dates.get("end"), silent)


# Reports never change, and gathering one asks the engine some hundred questions.
GATHERED: dict[str, Report] = {}


@pytest.fixture
def full_report(make_tables: Callable[[Mapping[str, Any]], Any]) -> Report:
    if "full" not in GATHERED:
        rows = {**shop_rows(), **prediction_rows(), **import_rows()}
        GATHERED["full"] = gather_rows(make_tables, rows)
    return GATHERED["full"]


def page_of(report: Report, language: str) -> Any:
    return html.document_fromstring(render(report, language))


def text_of(page: Any, section: str) -> str:
    return " ".join(page.get_element_by_id(section).text_content().split())


def test_headline_states_the_money(full_report: Report) -> None:
    said = text_of(page_of(full_report, "en"), "headline")
    # 84 days × (30 + 20); a fifth of the gross sales of 60 a day is discount of 10.
    assert "€4,200 net in 168 orders: €25.00 an order" in said
    assert "In the last four weeks net sales were €1,400, ±0.0%" in said
    assert "Discounts gave away €840.00, 16.7% of gross sales" in said
    assert "For the 4 weeks from Mar 25, 2024 the models expect €400.00" in said


def test_headline_is_also_plain_text(full_report: Report) -> None:
    first, *_ = headline(full_report, "en")
    assert first == "From Jan 1, 2024 to Mar 24, 2024 you sold €4,200 net in 168 orders: €25.00 an order."


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_section_speaks_the_language(full_report: Report, language: str) -> None:
    page = page_of(full_report, language)
    for section in ("headline", *SECTIONS):
        assert page.get_element_by_id(section).find("h2").text_content().strip(), section
    headings = " ".join(h.text_content() for h in page.iter("h2", "h3", "h4", "th", "summary", "figcaption"))
    headings = headings.replace(EVIL, "")
    letters = re.sub(
        r"Drinks|Bakery|Kitchen|Tea|Cups|Cake|ets|croston|mase|coverage_80|orders.csv|c5", "", headings
    )
    if language == "zh":
        assert re.findall(r"[A-Za-z]{2,}", letters) == []
    else:
        assert re.findall(r"[\u4e00-\u9fff]", letters) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_titles_from_the_data_are_never_markup(full_report: Report, language: str) -> None:
    text = render(full_report, language)
    page = html.document_fromstring(text)
    assert not list(page.iter("script"))
    assert "<script" not in text
    assert "<i>Co</i>" not in text
    assert EVIL in page.get_element_by_id("recommendations").text_content()


def test_page_forbids_itself_every_request(full_report: Report) -> None:
    text = render(full_report, "en")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert "default-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]
    assert "http://" not in text
    assert "https://" not in text
    assert " style=" not in text


def test_customers_appear_by_id_beside_what_they_bought(full_report: Report) -> None:
    (sample,) = full_report.predictions.customers
    assert sample.customer_id == "c5"
    assert [item.title for item in sample.recommended] == ["Cup 🍵", EVIL]
    assert [purchase.title for purchase in sample.purchases] == ["Cake"]
    assert sample.purchases[0].bought_on == FIRST + timedelta(days=83)


def test_reasons_are_said_in_the_language_of_the_page() -> None:
    assert reason_in("Customers who buy Tea {0} buy this too", "zh") == "购买Tea {0}的顾客也会买"
    assert reason_in("近期热销", "en") == "Popular right now"
    assert reason_in("Because we say so", "zh") == "Because we say so"


def test_pairs_have_names_and_come_once(full_report: Report) -> None:
    (pair,) = full_report.pairs
    assert {pair.antecedent, pair.consequent} == {EVIL, "Cup 🍵"}
    assert pair.confidence == 1.0


def test_imports_balance_and_reasons_are_counted(full_report: Report) -> None:
    said = text_of(page_of(full_report, "en"), "quality")
    assert "10 rows were read: 5 accepted, 1 updated, 2 duplicates, 2 in quarantine" in said
    assert "Every row read is accounted for" in said
    assert [(reason.error_code, reason.num_rows) for reason in full_report.quality.reasons] == [
        ("not_a_date", 2)
    ]


def test_best_score_is_the_one_nearest_its_goal(full_report: Report) -> None:
    board = page_of(full_report, "en").get_element_by_id("leaderboards")
    # Of mase the lowest, of an 80% interval's coverage the nearest 0.8: 0.7, not 0.95.
    assert [best.text for best in board.iter("b")] == ["0.7000", "0.8000"]


def test_history_of_a_forecast_is_what_was_sold(full_report: Report) -> None:
    (series,) = full_report.predictions.forecasts
    assert len(series.history) == 12
    assert {value for _, value in series.history} == {105.0}
    assert series.same_length_before == 420.0


def test_unmeasurable_kpis_name_what_they_lack(full_report: Report) -> None:
    said = text_of(page_of(full_report, "en"), "kpis")
    assert "Bounce rate · needs events" in said


def test_asked_dates_bound_every_figure(make_tables: Any) -> None:
    report = gather_rows(make_tables, shop_rows(), start=FIRST, end=FIRST + timedelta(days=6))
    assert report.span == Span(FIRST, FIRST + timedelta(days=6))
    assert "€350.00 net in 14 orders" in text_of(page_of(report, "en"), "headline")
    assert "At least eight whole weeks" in text_of(page_of(report, "en"), "change")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_empty_shop_says_how_to_fill_each_section(make_tables: Any, language: str) -> None:
    page = page_of(gather_rows(make_tables, {}), language)
    assert "foresell import" in text_of(page, "headline")
    assert "foresell fit recommend" in text_of(page, "recommendations")
    assert "foresell fit forecast" in text_of(page, "forecasts")
    for section in SECTIONS:
        assert text_of(page, section)


@pytest.mark.parametrize("num_days", [1, 9])
def test_young_shop_gets_a_page(make_tables: Any, num_days: int) -> None:
    rows = shop_rows()
    rows["orders"] = rows["orders"][: num_days * 2]
    rows["order_lines"] = rows["order_lines"][: num_days * 3]
    for language in ("en", "zh"):
        assert "€" in render(gather_rows(make_tables, rows), language)


def test_recent_weeks_are_whole_and_equally_long() -> None:
    spans = recent_spans(Span(date(2024, 1, 3), date(2024, 3, 20)), SETTINGS)
    assert spans == (Span(date(2024, 2, 19), date(2024, 3, 17)), Span(date(2024, 1, 22), date(2024, 2, 18)))


def test_cut_weeks_and_months_are_left_out() -> None:
    span = Span(date(2024, 1, 31), date(2024, 3, 31))
    assert sorted(whole_months(span)) == [date(2024, 2, 1), date(2024, 3, 1)]
    weeks = sorted(whole_weeks(span, SETTINGS))
    assert (weeks[0], weeks[-1]) == (date(2024, 2, 5), date(2024, 3, 25))


def test_report_of_a_store_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    shop = create_shop(tmp_path / "store", {"store": {"language": "zh"}})
    path = write_report(shop, tmp_path / "new" / "report.html").path
    page = html.fromstring(path.read_bytes())
    assert page.get("lang") == "zh-Hans"
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DeniedError, match="cannot be written"):
        write_report(shop, blocked / "report.html")


def test_unknown_language_names_the_valid_ones() -> None:
    assert read_language("zh") == "zh"
    assert read_language(None) is None
    with pytest.raises(InputError, match="Valid: en, zh"):
        read_language("fr")


def test_page_says_when_it_was_made_in_the_shop_s_time(full_report: Report) -> None:
    footer = page_of(full_report, "en").find(".//footer").text_content()
    assert "Europe/Berlin" in footer
    assert full_report.made_at <= datetime.now(UTC)
    assert full_report.version in footer
