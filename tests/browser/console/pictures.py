"""The pictures of the README, made again from a store with models.

    FORESELL_PASSWORD=… python -m tests.browser.console.pictures --store DIR --account NAME --customer 1035
        --profile 1010 --series GROCERY --out docs/images

A store with models, such as that of `foresell demo`, after `foresell account add NAME --role admin`. Each is
a WebP of at most 120 kB; the lines for the README are printed.
"""

import argparse
import io
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import sync_playwright

from ..chromium import chromium
from ..conftest import FLAGS
from .running import Watched, running_console

MOST_BYTES = 120_000
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


class Picture(NamedTuple):
    """`sign`: what stands on the page when it is whole; `alt`: what one who cannot see it is told."""

    path: str
    sign: str
    kind: dict[str, Any]
    alt: str


PICTURES = {
    "console-today": Picture(
        "/",
        ".tile",
        {**DESK, "locale": "en-US"},
        "Today: key figures against the days before, net sales day by day, what to look at",
    ),
    "console-recommendations": Picture(
        "/products?customer={customer}",
        ".picks li",
        {**DESK, "locale": "en-US"},
        "Products: ten recommendations for one customer, each with its reason, and a form that says why not",
    ),
    "console-customer": Picture(
        "/customers/{profile}",
        ".pairs",
        {**DESK, "locale": "en-US", "color_scheme": "dark"},
        "A customer in the dark colors: worth, what is known in words, sales by month, what models expect",
    ),
    "console-demand": Picture(
        "/demand?series={series}",
        ".sentences li",
        {**DESK, "locale": "en-US"},
        "Demand: the forecast of a series with intervals of 80 and 95 percent, and what it is made of",
    ),
    "console-why": Picture(
        "/kpi/net_sales?by=department",
        ".splits",
        {**DESK, "locale": "zh-CN"},
        "A figure opened, in Chinese: its course, its definition, its parts by department",
    ),
    "console-phone": Picture(
        "/",
        ".tile",
        {**PHONE, "locale": "zh-CN", "color_scheme": "dark"},
        "Today on a phone, in Chinese and dark colors",
    ),
}


def main() -> None:
    given = _arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    with running_console(given.store, given.out / "console.log") as address, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=FLAGS)
        for name, picture in ((name, PICTURES[name]) for name in given.only):
            path = given.out / f"{name}.webp"
            path.write_bytes(_compressed(_taken(browser, address, picture, given)))
            sys.stdout.write(f"![{picture.alt}]({path})\n")
        browser.close()
    (given.out / "console.log").unlink()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--account", default="admin")
    parser.add_argument("--customer", required=True, help="a customer to recommend to")
    parser.add_argument("--profile", required=True, help="a customer whose profile is shown")
    parser.add_argument("--series", required=True)
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=list(PICTURES))
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    return parser.parse_args()


def _taken(browser: Any, address: str, picture: Picture, given: argparse.Namespace) -> bytes:
    """What stands in the window when every part of the page has its answer."""
    one = Watched(browser, address, **picture.kind)
    one.sign_in(given.account, os.environ["FORESELL_PASSWORD"], "/models")
    one.page.goto(picture.path.format(**vars(given)))
    one.page.wait_for_selector(picture.sign)
    one.settle()
    # A chart is drawn after its place is there.
    one.page.wait_for_timeout(600)
    taken: bytes = one.page.screenshot()
    one.context.close()
    return taken


def _compressed(png: bytes) -> bytes:
    """As good as fits."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in (90, 80, 70, 60, 50):
        written = io.BytesIO()
        picture.save(written, "WEBP", quality=quality, method=6)
        if written.tell() <= MOST_BYTES:
            break
    return written.getvalue()


if __name__ == "__main__":
    main()
