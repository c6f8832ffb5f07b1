"""The demo: the whole road on The Complete Journey, through the services that everyone uses."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from foresell.contracts.records import IngestRun
from foresell.contracts.settings import FILE_NAME
from foresell.services.customers.fit import fit_customers
from foresell.services.customers.profile import tag_customers
from foresell.services.customers.segment import segment_customers
from foresell.services.customers.value import fit_value
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.leaderboards import VALUE
from foresell.services.measure import check_quality
from foresell.services.predict import TASKS, fit
from foresell.services.report import write_report
from foresell.services.shop import Progress, create_shop, open_shop

PRESET = "completejourney"
SEGMENTATION = "features"
SETTINGS: dict[str, dict[str, object]] = {
    "store": {
        "name": "The Complete Journey",
        "time_zone": "America/New_York",
        "currency": "USD",
        "week_start": "monday",
    },
    "behavior": {"preset": "tiny"},
}

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class DemoSummary:
    """What the demo did, how long each step took, and what this shop should know."""

    store: Path
    report: Path
    runs: tuple[IngestRun, ...]
    headline: tuple[str, ...]
    seconds: dict[str, float]

    def as_record(self) -> dict[str, object]:
        return {
            "store": str(self.store),
            "report": str(self.report),
            "runs": [run.as_record() for run in self.runs],
            "headline": list(self.headline),
            "seconds": {step: round(seconds, 1) for step, seconds in self.seconds.items()},
        }

    def as_text(self) -> str:
        read = sum(run.counts.rows_read for run in self.runs)
        usable = read - sum(run.counts.rows_quarantined for run in self.runs)
        steps = ", ".join(f"{step} {seconds:.0f} s" for step, seconds in self.seconds.items())
        lines = [
            "What this shop should know",
            *(f"  • {sentence}" for sentence in self.headline),
            "",
            f"{read:,} rows read, {usable:,} usable, none lost ({steps}).",
            f"Report: {self.report}",
            f"Ask on: foresell kpi net_sales --by department --period month --store {self.store}",
        ]
        return "\n".join(lines)


def run_demo(folder: Path, progress: Progress) -> DemoSummary:
    """Import, check, measure, fit, evaluate and report, into a store at `folder`, made if it is not there.

    Run again it imports nothing twice. InputError where the extra `demo` is not installed.
    """
    shop = open_shop(folder) if (folder / FILE_NAME).exists() else create_shop(folder, SETTINGS)
    seconds: dict[str, float] = {}

    def timed(step: str, work: Callable[[], Answer]) -> Answer:
        started = time.monotonic()
        answer = work()
        seconds[step] = time.monotonic() - started
        return answer

    runs = timed("import", lambda: import_files(shop, ImportRequest(None, PRESET), progress))
    timed("check", lambda: check_quality(shop, progress=progress))
    for task in TASKS:
        timed(f"fit {task}", partial(fit, shop, task, progress))
    timed("fit churn", lambda: fit_customers(shop, "churn", progress=progress))
    timed(f"fit {VALUE}", lambda: fit_value(shop, progress=progress))
    timed("segment", lambda: segment_customers(shop, SEGMENTATION, progress=progress))
    timed("profile", lambda: tag_customers(shop, progress))
    report = timed("report", lambda: write_report(shop, folder / "report.html", progress=progress))
    return DemoSummary(folder, report.path, tuple(runs), report.headline, seconds)
