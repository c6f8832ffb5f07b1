"""What people do in the console, as they do it: in Chromium, with no other host asked and no error told."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .running import Watched
from .shop import DAMAGED_ROW, PASSWORD

pytestmark = pytest.mark.browser

Window = Callable[..., Watched]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PAGES = ("/", "/customers/c01", "/data?tab=quarantine")
MORE_PAGES = (
    *("/kpi/net_sales", "/products", "/products?tab=rules", "/products?tab=compare", "/customers"),
    *(
        "/customers?tab=segments",
        "/demand",
        "/data",
        "/data?tab=runs",
        "/data?tab=quality",
        "/models",
        "/models?tab=experiments",
        "/models?tab=drift",
        "/start",
    ),
)


def test_a_first_start_leads_from_an_own_file_to_figures(
    window: Window, empty_console: str, orders: Path
) -> None:
    one = window(empty_console)
    one.enter_as("analyst")
    page = one.page
    page.get_by_role("link", name="Bring in my own file").click()
    page.set_input_files("input[type=file]", orders)
    page.get_by_text("What was understood of").first.wait_for()
    assert page.get_by_role("cell", name="order_lines.quantity").is_visible()
    page.get_by_role("button", name="Import the whole file").click()
    page.get_by_text("is in", exact=False).first.wait_for()
    page.locator(".tile", has_text="Net sales").first.wait_for()
    page.get_by_role("link", name="Open Today").click()
    one.settle()
    assert "until Nov 15, 2026" in page.inner_text("#content")


def test_nobody_comes_in_without_a_password(window: Window, full_console: str) -> None:
    one = window(full_console)
    page = one.page
    page.goto("/customers?text=c0")
    assert page.url.endswith("/sign-in?next=/customers%3Ftext%3Dc0")
    page.fill("#name", "admin")
    page.fill("#password", "not the password")
    page.click("form button")
    assert page.locator("[role=alert]").inner_text() == "Name and password do not fit together."
    socket = page.request.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling")
    assert socket.status == 401
    away = page.request.get("/sign-in?next=//elsewhere.example")
    assert away.status == 200
    # The browser itself notes the answer 401 as an error.
    one.faults = [fault for fault in one.faults if "401" not in fault]


def test_after_signing_in_nobody_is_led_to_another_host(window: Window, full_console: str) -> None:
    one = window(full_console)
    one.sign_in("viewer", PASSWORD, "//elsewhere.example/")
    assert one.page.url == f"{full_console}/"
    one.page.get_by_role("button", name="Sign out").click()
    one.page.wait_for_selector("#password")
    one.page.goto("/")
    assert "/sign-in" in one.page.url


def test_a_quarantined_row_is_corrected_and_comes_in(window: Window, full_console: str) -> None:
    one = window(full_console)
    one.enter_as("analyst", "/data?tab=quarantine")
    one.settle()
    page = one.page
    row = page.locator("article.waiting", has_text=f"row {DAMAGED_ROW}")
    wrong = row.get_by_label("Total")
    assert wrong.input_value() == "n/a"
    wrong.fill("11.00")
    row.get_by_role("button", name="Correct and bring in").click()
    page.get_by_text("The row is in.").wait_for()
    page.reload()
    one.settle()
    assert page.locator("article.waiting").count() == 0
    assert "brought in" in page.inner_text("#content")


def test_a_recommendation_has_a_reason_and_a_rule_hides_it(window: Window, full_console: str) -> None:
    one = window(full_console)
    one.enter_as("analyst", "/products?customer=c01")
    page = one.page
    first = page.locator(".picks li").first
    first.wait_for()
    name, product = first.locator("strong").inner_text(), first.locator("code").inner_text()
    assert first.locator("p").inner_text() != ""
    first.get_by_role("button", name=f"Never show {name} anywhere").click()
    page.get_by_text(f"A rule hides {name}").wait_for()
    page.wait_for_function(f"!document.querySelector('.picks')?.innerText.includes('{product}')")
    page.get_by_label("Product id", exact=True).fill(product)
    page.get_by_role("button", name="Say why").click()
    assert f"hide {product}" in page.locator(".said p").inner_text()
    page.goto("/products?tab=rules")
    one.settle()
    assert page.get_by_label("Rules as TOML").input_value().count("[[rules]]") == 1


def test_profiles_are_for_analysts_and_not_for_viewers(window: Window, full_console: str) -> None:
    analyst = window(full_console)
    analyst.enter_as("analyst", "/customers")
    analyst.settle()
    analyst.page.get_by_role("link", name="c01", exact=True).click()
    analyst.settle()
    analyst.page.get_by_role("heading", name="In words").wait_for()

    viewer = window(full_console)
    viewer.enter_as("viewer", "/customers/c01")
    assert "Your role does not allow this" in viewer.page.inner_text("[role=alert]")
    assert viewer.page.get_by_role("link", name="Customers").count() == 0
    viewer.page.goto("/kpi/orders")
    viewer.settle()
    assert "hidden from your role" in viewer.page.inner_text("#content")
    assert not re.search(r"\bc\d\d\b", viewer.page.inner_text("#content"))


def test_a_forecast_shows_what_is_expected_of_each_series_and_what_drives_it(
    window: Window, full_console: str
) -> None:
    one = window(full_console)
    one.enter_as("viewer", "/demand")
    one.settle()
    page = one.page
    assert "are expected in the next 8 weeks" in page.inner_text("#content")
    page.get_by_role("rowheader").first.get_by_role("link").click()
    drivers = page.locator("section.card", has=page.get_by_role("heading", name="What it is made of"))
    drivers.locator("li").first.wait_for()
    one.settle()
    assert re.search(r"\d", drivers.locator("li").first.inner_text())
    page.locator(".q-expansion-item .q-item").first.click()
    page.get_by_role("cell").first.wait_for()


def test_a_model_is_rolled_back_and_put_to_work_again(window: Window, full_console: str) -> None:
    one = window(full_console)
    one.enter_as("admin", "/models?model=recommend")
    one.settle()
    page = one.page
    page.get_by_role("button", name="Roll back to 0001").click()
    page.get_by_role("button", name="Put 0002 to work").wait_for()
    assert "at work" in page.get_by_role("row", name="0001").inner_text()
    page.get_by_role("button", name="Put 0002 to work").click()
    page.get_by_role("button", name="Roll back to 0001").wait_for()

    analyst = window(full_console)
    analyst.enter_as("analyst", "/models?model=recommend")
    analyst.settle()
    assert analyst.page.get_by_role("button", name="Roll back").count() == 0


def test_figures_can_be_taken_away_and_text_is_no_formula(window: Window, full_console: str) -> None:
    one = window(full_console)
    one.enter_as("admin", "/kpi/net_sales?days=364")
    one.settle()
    page = one.page
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these figures as CSV: The rows behind it").click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert rows[0][:3] == ["Day", "Order", "Product"]
    titles = {row[2] for row in rows[1:]}
    assert "'=1+1 cake" in titles
    assert "Green tea <b>loose</b>" in titles
    with page.expect_download() as picture:
        page.get_by_role("button", name="Download this chart as a picture: Net sales").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")


def test_chinese_in_the_dark_on_a_phone(window: Window, full_console: str) -> None:
    _fits_a_phone(window(full_console, **PHONE, color_scheme="dark", locale="zh-CN"), PAGES)


@pytest.mark.slow
def test_every_page_fits_a_phone(window: Window, full_console: str) -> None:
    _fits_a_phone(window(full_console, **PHONE, color_scheme="dark", locale="zh-CN"), MORE_PAGES)


# axe-core's rule → the part of the component library (Quasar, as NiceGUI 3 ships it) that breaks it; of what
# is ours it may complain of nothing.
OF_THE_LIBRARY = {
    "aria-command-name": ".q-uploader",  # its button is named by an icon's font alone
    "label": ".q-uploader",  # its input lies unseen beneath that button
    "nested-interactive": ".q-uploader",  # and inside of it
}


def _is_the_librarys(page: Any, rule: str, place: str) -> bool:
    """`place`: a selector."""
    inside = "([place, part]) => document.querySelector(place).closest(part) !== null"
    return rule in OF_THE_LIBRARY and bool(page.evaluate(inside, [place, OF_THE_LIBRARY[rule]]))


def _fits_a_phone(one: Watched, paths: tuple[str, ...]) -> None:
    """No page is wider than the window, and everybody can use it, as far as axe-core tells."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    for path in paths:
        one.enter_as("admin", path)
        one.settle()
        found = axe.run(one.page).response["violations"]
        faults = [
            (fault["id"], node["target"][0], node["html"]) for fault in found for node in fault["nodes"]
        ]
        assert [fault for fault in faults if not _is_the_librarys(one.page, *fault[:2])] == [], path
        wide = one.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} pixels too wide"
        assert one.page.evaluate("document.documentElement.lang") == "zh"
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 20, 28)"


def test_the_language_is_changed_by_keyboard(window: Window, full_console: str) -> None:
    one = window(full_console)
    one.enter_as("viewer")
    page = one.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    page.get_by_role("button", name="Switch to Chinese").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="今日", exact=True).wait_for()
