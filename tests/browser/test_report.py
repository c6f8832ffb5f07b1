"""The report in Chromium, as its readers meet it: languages, light and dark, desktop and phone."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from foresell.contracts.settings import make_settings
from foresell.services.report.gather import gather
from foresell.services.report.page import render
from foresell.services.report.page.document import SECTIONS
from foresell.services.shop import silent

from .chromium import chromium_tab
from .shop_rows import shop_rows

pytestmark = pytest.mark.browser

DESKTOP, PHONE = 1280, 390
MOST_BYTES = 3_000_000
SETTINGS = make_settings({"store": {"name": "茶 & Cup", "time_zone": "Asia/Shanghai", "currency": "CNY"}})
PAGES: dict[str, str] = {}

# Elements that stick out of the window, but for those inside something that scrolls by itself.
STICKING_OUT = """
[...document.body.querySelectorAll('*')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || e.closest('.scroll') || e.closest('nav') || e.closest('title')) return false;
  return box.right > document.documentElement.clientWidth + 1 || box.left < -1;
}).map(e => e.outerHTML.slice(0, 120))
"""
# Pairs of labels on one axis that overlap.
COLLIDING_LABELS = """
[...document.querySelectorAll('svg.plot')].flatMap(plot => {
  const boxes = [...plot.querySelectorAll('text.tick')].map(t => [t.textContent, t.getBoundingClientRect()])
    .filter(([_, box]) => box.width > 0);
  return boxes.flatMap(([a, one], i) => boxes.slice(i + 1).filter(([b, two]) =>
    one.left < two.right && two.left < one.right && one.top + 2 < two.bottom && two.top + 2 < one.bottom
  ).map(([b]) => a + ' | ' + b));
})
"""
# Words whose contrast with what lies behind them is below WCAG's 4.5.
FAINT_WORDS = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgb = color => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll('*')].filter(e =>
    [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.getClientRects().length
  ).map(e => {
    const style = getComputedStyle(e);
    const [a, b] = [light(rgb(e.closest('svg') ? style.fill : style.color)), light(behind(e))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 90)];
  }).filter(([ratio]) => ratio < 4.5);
})()
"""


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    with chromium_tab() as opened:
        yield opened


@pytest.fixture
def page_url(make_tables: Callable[[Mapping[str, Any]], Any], tmp_path: Path) -> Callable[[str], str]:
    """Writes the page in a language; what it shows is gathered once."""
    if not PAGES:
        report = gather(make_tables(shop_rows()), SETTINGS, None, None, silent)
        PAGES.update({language: render(report, language) for language in ("en", "zh")})

    def write(language: str) -> str:
        path = tmp_path / f"{language}.html"
        path.write_text(PAGES[language], encoding="utf-8")
        return path.as_uri()

    return write


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_asks_nobody_and_complains_of_nothing(tab: Any, page_url: Any, language: str) -> None:
    url = page_url(language)
    tab.show(DESKTOP, "light")
    tab.open(url)
    assert tab.run("document.styleSheets.length") == 1
    assert tab.requests() == [url]
    assert tab.complaints() == []
    assert len(PAGES[language].encode()) < MOST_BYTES


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_section_is_there_and_has_height(tab: Any, page_url: Any, language: str) -> None:
    tab.show(DESKTOP, "light")
    tab.open(page_url(language))
    for section in ("headline", *SECTIONS):
        heading, height = tab.run(
            f"(s => [s.querySelector('h2').innerText, s.offsetHeight])(document.getElementById('{section}'))"
        )
        assert height > 60, section
        assert any("\u4e00" <= letter <= "\u9fff" for letter in heading) == (language == "zh"), heading
    assert tab.run("document.querySelectorAll('svg.plot').length") >= 5


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_sticks_out_or_overlaps(tab: Any, page_url: Any, language: str, width: int) -> None:
    tab.show(width, "light")
    tab.open(page_url(language))
    tab.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run(STICKING_OUT) == []
    assert tab.run(COLLIDING_LABELS) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read(tab: Any, page_url: Any, scheme: str) -> None:
    tab.show(DESKTOP, scheme)
    tab.open(page_url("en"))
    brightness = tab.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (brightness > 128) == (scheme == "light")
    assert tab.run(FAINT_WORDS) == []


def test_every_chart_tells_those_who_cannot_see_it(tab: Any, page_url: Any) -> None:
    tab.show(DESKTOP, "light")
    tab.open(page_url("en"))
    silent_charts = (
        "[...document.querySelectorAll('svg.plot, svg.spark, .bars ol')].filter(c => !c.ariaLabel).length"
    )
    assert tab.run(silent_charts) == 0
    assert tab.run(
        "[...document.querySelectorAll('svg.plot')].every(p => p.closest('figure').querySelector('table'))"
    )


def test_prints_on_white_paper(tab: Any, page_url: Any) -> None:
    tab.show(DESKTOP, "dark")
    tab.send(
        "Emulation.setEmulatedMedia",
        media="print",
        features=[{"name": "prefers-color-scheme", "value": "dark"}],
    )
    tab.open(page_url("en"))
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.run(FAINT_WORDS) == []
    tab.send("Emulation.setEmulatedMedia", media="")
