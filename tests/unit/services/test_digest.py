"""The digest: ten lines about a day, by hand, and its way to a file and a chat."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import BackendError, InputError
from foresell.quality.alerts.watched import Alert
from foresell.quality.finding import Severity, Words
from foresell.services.digest import make_digest
from foresell.services.digest.delivery import deliver
from foresell.services.digest.lines import MOST_LINES, Line, choose_lines, html_page, markdown_page
from foresell.services.report.page.language import Language
from foresell.services.shop import Shop

FRIDAY = date(2025, 3, 28)
ORDERS = "order_id,customer_id,created_at,status,total_amount,currency"
Received = list[tuple[int, dict[str, object]]]


@pytest.fixture
def told_shop(shop: Shop, import_rows: Callable[..., object]) -> Shop:
    """Four Fridays of 100 from customer a; on the fifth 100 from a and 50 from b, who is new."""
    rows = [f"o{week},a,{FRIDAY - timedelta(weeks=week)}T12:00:00Z,completed,100,USD" for week in range(5)]
    import_rows(*rows, f"new,b,{FRIDAY}T13:00:00Z,completed,50,USD", header=ORDERS, preset="orders")
    return shop


@pytest.fixture
def chat() -> Iterator[tuple[str, Received, list[int]]]:
    """A webhook on this machine: its address, what it received, and the statuses it will answer."""
    received: Received = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = statuses.pop(0) if statuses else 200
            received.append((status, body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-token", received, statuses
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def texts(shop: Shop, day: date, language: str = "en") -> list[str]:
    return [str(line["text"]) for line in make_digest(shop, day, language).as_record()["lines"]]


def test_the_day_stands_against_the_usual_for_its_weekday(told_shop: Shop) -> None:
    lines = texts(told_shop, FRIDAY)
    assert lines[0] == "Net sales were $150.00, +50.0% against the usual for this weekday."
    assert lines[1] == "2 orders (+100.0%), $75.00 on average."
    assert lines[2] == "2 customers bought, 1 of them for the first time."
    assert any(line.startswith("+$50.00 against Fri, Mar 21, 2025") for line in lines)
    assert any("Mar 2025 so far: $450.00" in line for line in lines)


def test_a_day_without_sales_is_a_day_of_the_usual(shop: Shop, import_rows: Callable[..., object]) -> None:
    """Three Fridays out of four sold nothing: 100 is not what is usual."""
    days = [FRIDAY, *(FRIDAY - timedelta(days=ago) for ago in (1, 8, 15, 22, 28))]
    rows = [f"o{day},a,{day}T12:00:00Z,completed,100,USD" for day in days]
    import_rows(*rows, header=ORDERS, preset="orders")
    assert texts(shop, FRIDAY)[0] == "Net sales were $100.00."


def test_a_month_is_compared_with_days_that_are_known_only(
    shop: Shop, import_rows: Callable[..., object]
) -> None:
    def rows(first: date) -> list[str]:
        days = [first + timedelta(days=number) for number in range((FRIDAY - first).days + 1)]
        return [f"o{day},a,{day}T12:00:00Z,completed,100,USD" for day in days]

    import_rows(*rows(date(2025, 2, 20)), header=ORDERS, preset="orders")
    assert any(line.startswith("Mar 2025 so far") and "against" not in line for line in texts(shop, FRIDAY))
    import_rows(*rows(date(2025, 2, 1)), header=ORDERS, preset="orders")
    assert any(line.startswith("Mar 2025 so far") and "against" in line for line in texts(shop, FRIDAY))


def test_the_chinese_digest_holds_the_same_figures(told_shop: Shop) -> None:
    lines = texts(told_shop, FRIDAY, "zh")
    assert "150.00" in lines[0]
    assert "+50.0%" in lines[0]
    assert not any(character in "".join(lines) for character in "{}")


def test_a_day_without_orders_says_when_the_last_ones_were(told_shop: Shop) -> None:
    lines = texts(told_shop, FRIDAY + timedelta(days=3))
    assert lines[0] == "No orders on Mon, Mar 31, 2025; the last were on Mar 28, 2025."


def test_an_empty_store_has_a_digest(shop: Shop) -> None:
    assert texts(shop, FRIDAY)[0] == "The store holds no orders yet."


def test_a_day_that_is_not_over_is_refused(told_shop: Shop) -> None:
    with pytest.raises(InputError, match="is not over"):
        make_digest(told_shop, date(2999, 1, 1))


@given(st.integers(0, 9), st.integers(0, 30))
def test_ten_lines_hold_the_worst_alerts_and_count_the_rest(num_figures: int, num_alerts: int) -> None:
    figures = [Line("digest.never") for _ in range(num_figures)]
    severities: list[Severity] = ["note", "warning", "error"]
    words = Words("what", "do", "what", "do")
    alerts = [Alert("a", severities[i % 3], "s", str(i), words) for i in range(num_alerts)]
    language = Language("en", "USD", "UTC")
    told = [
        line.text(language) for line in choose_lines(figures, Line("digest.no_imports"), alerts, language)
    ]
    assert len(told) <= MOST_LINES
    listed = [line for line in told if line.endswith(": what.")]
    assert sorted(listed, key=["Look at this: what.", "Unusual: what.", "Note: what."].index) == listed
    if len(listed) < num_alerts:
        assert told[-1].startswith(f"And {num_alerts - len(listed)} more alerts")
        assert len(told) == MOST_LINES


def test_what_a_product_is_called_cannot_break_the_markdown_or_the_page() -> None:
    language = Language("en", "USD", "UTC")
    line = Line("digest.sales", {"sales": "<b>*[x](javascript:1)*"})
    assert "\\<b\\>\\*\\[x\\]" in markdown_page("a", [line], language)
    assert "<b>" not in html_page("<b>", FRIDAY, [line], language)


def test_a_digest_is_written_and_sent(
    told_shop: Shop,
    tmp_path: Path,
    chat: tuple[str, Received, list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, received, _ = chat
    monkeypatch.setenv("FORESELL_DIGEST_WEBHOOK", address)
    digest = make_digest(told_shop, FRIDAY)
    delivered = deliver(told_shop, digest, tmp_path / "d" / "digest.md", is_sent=True)
    assert delivered.is_sent
    assert (tmp_path / "d" / "digest.md").read_text(encoding="utf-8") == digest.markdown()
    assert received == [(200, {"text": digest.markdown()})]
    deliver(told_shop, digest, tmp_path / "digest.html", is_sent=False)
    assert "<li" in (tmp_path / "digest.html").read_text(encoding="utf-8")
    assert len(received) == 1


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_refused_digest_is_an_error_that_keeps_the_secret(
    told_shop: Shop,
    status: int,
    chat: tuple[str, Received, list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, received, statuses = chat
    statuses.append(status)
    monkeypatch.setenv("FORESELL_DIGEST_WEBHOOK", address)
    with pytest.raises(BackendError) as caught:
        deliver(told_shop, make_digest(told_shop, FRIDAY), None, is_sent=True)
    assert "secret-token" not in str(caught.value)
    assert [code for code, _ in received] == [status]


@pytest.mark.parametrize("address", ["http://example.invalid/x", "ftp://localhost/x", "secret-token"])
def test_an_address_without_https_is_refused(
    told_shop: Shop, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_DIGEST_WEBHOOK", address)
    with pytest.raises(InputError) as caught:
        deliver(told_shop, make_digest(told_shop, FRIDAY), None, is_sent=True)
    assert "secret-token" not in str(caught.value)


def test_another_kind_of_file_is_refused(told_shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.pdf"):
        deliver(told_shop, make_digest(told_shop, FRIDAY), tmp_path / "digest.pdf", is_sent=False)
