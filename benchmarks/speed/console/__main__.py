"""How soon the console paints, how long its pages take, and whether its memory stays flat.

    python -m benchmarks.speed.console --store DIR --views 1000 --out FILE.json

The store needs an account: its name is --account, its password stands in $FORESELL_PASSWORD. Every page is
opened once cold and --repeats times warm; then --views pages are opened one after the other, and the resident
memory of the console's process is read every 50 of them.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from benchmarks.quality.sequential.ledger import commit, machine
from playwright.sync_api import Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGES = ("/", "/kpi/net_sales", "/products?tab=rules", "/customers", "/demand", "/data?tab=runs", "/models")
PAINT = """
() => new Promise(done => {
  const told = performance.getEntriesByName('first-contentful-paint')[0];
  if (told) return done(told.startTime);
  const watch = new PerformanceObserver(list => done(list.getEntries()[0].startTime));
  watch.observe({type: 'paint', buffered: true});
})
"""
EVERY = 50
PATIENCE_SECONDS = 600


def main() -> None:
    given = _arguments()
    load_before = os.getloadavg()[0]
    with _console(given.store, given.port) as (process, address), sync_playwright() as started:
        program = next(path for name in BROWSERS if (path := shutil.which(name)))
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=address)
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        _sign_in(page, given.account)
        pages = {path: _opened(page, path, given.repeats) for path in PAGES}
        memory = _walk(page, process, given.views)
        browser.close()
    settled = [row["rss_mb"] for row in memory[len(memory) // 4 :]]
    result = {
        "machine": machine(),
        "commit": commit(),
        "load_before": load_before,
        "pages": pages,
        "views": given.views,
        "memory": memory,
        "growth_mb_after_a_quarter": settled[-1] - settled[0] if settled else None,
    }
    text = json.dumps(result, indent=1)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--account", default="admin")
    parser.add_argument("--views", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


@contextmanager
def _console(store: Path, port: int) -> Iterator[tuple[psutil.Process, str]]:
    if not port:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
    command = [sys.executable, "-m", "foresell.console", "--store", str(store), "--port", str(port)]
    process = subprocess.Popen(command)
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(f"{address}/healthz"):
            time.sleep(0.1)
        yield psutil.Process(process.pid), address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1):  # noqa: S310  # our own process
            return True
    except OSError:
        return False


def _sign_in(page: Page, account: str) -> None:
    page.goto("/sign-in?next=/models")
    page.fill("#name", account)
    page.fill("#password", os.environ["FORESELL_PASSWORD"])
    page.click("form button")
    page.wait_for_selector("#content")


def _open(page: Page, path: str) -> dict[str, float]:
    """Seconds to the first paint, to the frame of the page, and until every part has its answer."""
    began = time.perf_counter()
    page.goto(path)
    page.wait_for_selector("#content")
    framed = time.perf_counter() - began
    page.wait_for_function("!document.querySelector('[aria-busy]')")
    whole = time.perf_counter() - began
    return {"paint": page.evaluate(PAINT) / 1000, "frame": framed, "whole": whole}


def _opened(page: Page, path: str, repeats: int) -> dict[str, Any]:
    cold = _open(page, path)
    warm = [_open(page, path) for _ in range(repeats)]
    middle = {name: statistics.median(one[name] for one in warm) for name in cold} if warm else {}
    return {"cold": cold, "warm_median": middle}


def _walk(page: Page, process: psutil.Process, views: int) -> list[dict[str, float]]:
    read = []
    for number in range(views):
        _open(page, PAGES[number % len(PAGES)])
        if (number + 1) % EVERY == 0 or number + 1 == views:
            read.append({"views": number + 1, "rss_mb": process.memory_info().rss / 1e6})
    return read


if __name__ == "__main__":
    main()
