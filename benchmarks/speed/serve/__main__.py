"""How many recommendations and events a second `foresell serve` answers, asked from another process.

    python -m benchmarks.speed.serve --out FILE.json                  # some 5 minutes, after the shop is made
    python -m benchmarks.speed.serve --seconds 3 --products 5000 --work DIR     # a first look

The shop: 100,000 products, rules that forbid, weigh and cap, a session model. Every request is about another
customer, and nothing is cached. Requests leave on a fixed schedule, and a latency is counted from when its
request was due, so that a server that falls behind is not spared. Beside it, asked in the same way: a bare
FastAPI route that returns a constant of the same size.

`logged`: recommendations that are in the served log, and on the disk, when they are given.
Events go in batches of 50, and are on the disk when the answer comes; then ten times as many for ten seconds.
`processor_ms_a_request`: of the server, and apart from it of whoever asks: both share the cores.
Exit code 1: a goal is missed.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.quality.sequential.ledger import commit, machine
from benchmarks.speed.serve.load import ask
from benchmarks.speed.serve.servers import Server, bare, foresell
from benchmarks.speed.serve.shop import event_batches, make_shop, recommendation_requests

GOAL_RATE, GOAL_P90_MS = 300, 7.0
EVENT_RATE, BATCH, GOAL_P99_MS = 5_000, 50, 50.0
BURST_TIMES, GOAL_BURST = 10, 15_000
# Asked before anything is measured: caches of the machine, not of answers.
WARM_SECONDS = 2.0


def main() -> None:
    given = _arguments()
    store, key = make_shop(given.work, given.products, given.customers)
    record: dict[str, Any] = {
        "machine": machine(),
        "commit": commit(),
        "load_before": os.getloadavg()[0],
        "products": given.products,
        "customers": given.customers,
        "seconds": given.seconds,
        "workers": given.workers,
    }
    requests = recommendation_requests(key, given.customers)
    with foresell(store, given.workers) as server:
        ask(server.port, requests, GOAL_RATE / 4, WARM_SECONDS)
        record["recommendations"] = [measured(server, requests, rate, given.seconds) for rate in given.rates]
        served = recommendation_requests(key, given.customers, is_served=True)
        record["logged"] = measured(server, served, given.rates[0], given.seconds)
        steady, burst = event_batches(key, "steady"), event_batches(key, "burst")
        rate = EVENT_RATE / BATCH
        record["events"] = measured(server, steady, rate, given.seconds, BATCH)
        record["burst"] = measured(server, burst, BURST_TIMES * rate, given.burst_seconds, BATCH)
    record["answer_bytes"] = record["recommendations"][0]["answer_bytes"]
    with bare(record["answer_bytes"]) as server:
        ask(server.port, requests, GOAL_RATE / 4, WARM_SECONDS)
        record["bare_route"] = [measured(server, requests, rate, given.seconds) for rate in given.rates]
    record["met"] = _judged(record)
    print(json.dumps(record, indent=1))
    if given.out:
        given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.exit(not all(record["met"].values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--burst-seconds", type=float, default=10.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[300.0, 500.0, 1000.0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--work", type=Path, default=Path("/tmp/foresell-serve"))  # noqa: S108
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def measured(
    server: Server,
    requests: Iterator[bytes],
    rate: float,
    seconds: float,
    each: int = 1,
) -> dict[str, Any]:
    """`each`: events in a request."""
    before = server.processor_seconds()
    load = ask(server.port, requests, rate, seconds)
    used = server.processor_seconds() - before
    return {
        "processor_ms_a_request": round(1000 * used / max(load.asked, 1), 3),
        "processor_ms_of_asking": round(1000 * load.processor_seconds / max(load.asked, 1), 3),
        "answer_bytes": round(sum(load.sizes) / max(load.good, 1)),
        "asked_a_second": round(load.asked / load.seconds * each, 1),
        "answered_a_second": round(load.good / load.seconds * each, 1),
        "told_to_retry": load.retries,
        "errors": load.errors,
        **{f"p{level}_ms": round(load.percentile(level), 2) for level in (50, 90, 99)},
    }


def _judged(record: dict[str, Any]) -> dict[str, bool]:
    steady, burst = record["events"], record["burst"]
    first = record["recommendations"][0]
    return {
        f"{GOAL_RATE} recommendations a second at p90 under {GOAL_P90_MS} ms": (
            first["answered_a_second"] >= GOAL_RATE * 0.99
            and first["p90_ms"] < GOAL_P90_MS
            and not first["errors"]
        ),
        f"{EVENT_RATE:,} events a second at p99 under {GOAL_P99_MS} ms": (
            steady["answered_a_second"] >= EVENT_RATE * 0.99
            and steady["p99_ms"] < GOAL_P99_MS
            and not steady["errors"]
        ),
        f"at least {GOAL_BURST:,} a second accepted in the burst, the rest told to retry": (
            burst["answered_a_second"] >= GOAL_BURST and not burst["errors"]
        ),
    }


if __name__ == "__main__":
    main()
