"""How soon the console paints, how long its pages take, and whether its memory stays flat.

    python -m benchmarks.speed.console --store DIR --views 1000 --out FILE.json

The store needs an account: its name is --account, its password stands in $FORESELL_PASSWORD. A store of ten
million events: `foresell simulate --store DIR --customers 160000 --days 180`, then `foresell segment rfm`,
`foresell fit forecast`, `foresell fit recommend`, `foresell fit churn`, `foresell account add`.

The console is started; Today is opened as soon as it answers (`early`: told, and its first paint is judged).
When it says that it is ready (`ready_seconds` after its start), every page is opened once cold and --repeats
times warm; then --views pages are opened one after the other, and the resident memory of the console is read
every 50 of them. Exit code 1: a goal is missed; the goals stand in GOALS.
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
from urllib.parse import quote

import psutil
from benchmarks.quality.sequential.ledger import commit, machine
from playwright.sync_api import Page, sync_playwright

from foresell.services.demand import demand
from foresell.services.shop import open_shop

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Pages, and what stands on them when they are whole; `{customer}` and `{series}` are of the store.
WHOLE = "#content"
PAGES = {
    "/": WHOLE,
    "/?days=91": WHOLE,
    "/kpi/net_sales": WHOLE,
    "/kpi/conversion_rate": WHOLE,
    "/kpi/net_sales?by=category": WHOLE,
    "/products": WHOLE,
    "/products?customer={customer}": ".picks li",
    "/products?tab=rules": WHOLE,
    "/products?tab=compare": WHOLE,
    "/customers": WHOLE,
    "/customers?text=77": WHOLE,
    "/customers?tab=segments": WHOLE,
    "/customers/{customer}": WHOLE,
    "/demand": WHOLE,
    "/demand?series={series}": WHOLE,
    "/data": WHOLE,
    "/data?tab=runs": WHOLE,
    "/data?tab=quality": WHOLE,
    "/data?tab=quarantine": WHOLE,
    "/models": WHOLE,
    "/models?model=recommend": WHOLE,
}
GOALS = {"paint_seconds": 1.5, "whole_seconds": 3.0, "events": 10_000_000, "growth": 0.05}
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
    shop = _asked_of_shop(given.store)
    pages = {path.format(**shop): sign for path, sign in PAGES.items()}
    with _console(given.store, given.port) as (process, address, began), sync_playwright() as started:
        program = next(path for name in BROWSERS if (path := shutil.which(name)))
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=address)
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        _sign_in(page, given.account)
        early = _open(page, "/", WHOLE)
        ready_seconds = _ready(address, began)
        opened = {path: _opened(page, path, sign, given.repeats) for path, sign in pages.items()}
        memory = _walk(page, process, pages, given.views)
        browser.close()
    result = {
        "machine": machine(),
        "commit": commit(),
        "load_before": load_before,
        "events": shop["events"],
        "early": early,
        "ready_seconds": ready_seconds,
        "pages": opened,
        "views": given.views,
        "memory": memory,
        "growth": _growth(memory),
        "goals": GOALS,
    }
    result["missed"] = _missed(result)
    text = json.dumps(result, indent=1)
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(1 if result["missed"] else 0)


def _asked_of_shop(store: Path) -> dict[str, Any]:
    """A customer who has ordered and the series of whom most is expected, for the pages about one; and how
    many events there are."""
    shop = open_shop(store)
    with shop.reading() as tables:
        events = int(tables.current("events").count().execute())
        orders = tables.current("orders")
        known = orders.filter(orders.customer_id.notnull())
        bought = known.group_by("customer_id").agg(times=known.count())
        most = bought.order_by(bought.times.desc(), "customer_id").limit(1).to_pyarrow().to_pylist()
    series = demand(shop).series
    return {
        "events": events,
        "customer": quote(most[0]["customer_id"], safe=""),
        "series": quote(series[0].series_id) if series else "",
    }


def _ready(address: str, began: float) -> float:
    while not _answers(f"{address}/readyz"):
        time.sleep(0.5)
    return time.perf_counter() - began


def _growth(memory: list[dict[str, float]]) -> float | None:
    """The last quarter of the views against the second, relative: the first fills what is kept."""
    quarter = len(memory) // 4
    if not quarter:
        return None
    of = [statistics.median(row["rss_mb"] for row in memory[k * quarter : (k + 1) * quarter]) for k in (1, 3)]
    return of[1] / of[0] - 1


def _missed(result: dict[str, Any]) -> list[str]:
    missed = []
    if result["events"] < GOALS["events"]:
        missed.append(f"{result['events']:,} events are fewer than {GOALS['events']:,}")
    seen = {("/", "early"): {"paint": result["early"]["paint"], "whole": 0.0}}
    seen |= {(path, kind): times for path, one in result["pages"].items() for kind, times in one.items()}
    for (path, kind), times in seen.items():
        for what in ("paint", "whole"):
            if times and times[what] > GOALS[f"{what}_seconds"]:
                missed.append(f"{path} {kind}: {what} after {times[what]:.2f} s")
    if result["growth"] is None or result["growth"] > GOALS["growth"]:
        missed.append(f"memory grew by {result['growth']} over {result['views']} views")
    return missed


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
def _console(store: Path, port: int) -> Iterator[tuple[psutil.Process, str, float]]:
    if not port:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
    command = [sys.executable, "-m", "foresell.console", "--store", str(store), "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command)
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(f"{address}/healthz"):
            time.sleep(0.1)
        yield psutil.Process(process.pid), address, began
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


def _open(page: Page, path: str, sign: str) -> dict[str, float]:
    """Seconds to the first paint, to the frame of the page, and until every part has its answer."""
    began = time.perf_counter()
    page.goto(path)
    page.wait_for_selector("#content")
    framed = time.perf_counter() - began
    page.wait_for_function("!document.querySelector('[aria-busy]')")
    page.wait_for_selector(sign)
    whole = time.perf_counter() - began
    return {"paint": page.evaluate(PAINT) / 1000, "frame": framed, "whole": whole}


def _opened(page: Page, path: str, sign: str, repeats: int) -> dict[str, Any]:
    cold = _open(page, path, sign)
    warm = [_open(page, path, sign) for _ in range(repeats)]
    middle = {name: statistics.median(one[name] for one in warm) for name in cold} if warm else {}
    return {"cold": cold, "warm_median": middle}


def _walk(page: Page, process: psutil.Process, pages: dict[str, str], views: int) -> list[dict[str, float]]:
    read, every = [], list(pages.items())
    for number in range(views):
        _open(page, *every[number % len(every)])
        if (number + 1) % EVERY == 0 or number + 1 == views:
            read.append({"views": number + 1, "rss_mb": process.memory_info().rss / 1e6})
    return read


if __name__ == "__main__":
    main()
