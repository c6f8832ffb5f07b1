"""The file of results: it grows by one measurement at a time, and a rerun goes on where it ended."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("foresell", "duckdb", "deltalake", "ibis-framework", "pandas", "pyarrow")


def machine() -> dict[str, Any]:
    """What the numbers depend on, apart from the code."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    """The commit measured, with "+" if the working tree differs from it."""
    here = Path(__file__).parent
    head = _git(here, "rev-parse", "--short", "HEAD")
    return f"{head}+" if _git(here, "status", "--porcelain", "--", ":/src") else head


def _git(folder: Path, *words: str) -> str:
    try:
        ended = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return ended.stdout.strip()


class Results:
    """`tree`: the machine, the limits, the measurements, and what follows from them."""

    def __init__(self, path: Path, limits: dict[str, Any]) -> None:
        self.path = path
        made_on = {"machine": machine(), "limits": limits}
        self.tree: dict[str, Any] = {**made_on, "measurements": []}
        if path.exists():
            self.tree = json.loads(path.read_text(encoding="utf-8"))
            if any(self.tree.get(key) != value for key, value in made_on.items()):
                sys.exit(f"{path} comes from another machine, other packages or limits: name another --out.")

    @property
    def measurements(self) -> list[dict[str, Any]]:
        measurements: list[dict[str, Any]] = self.tree["measurements"]
        return measurements

    def has(self, contestant: str, num_rows: int, repeat: int) -> bool:
        wanted = (contestant, num_rows, repeat)
        return any((m["contestant"], m["num_rows"], m["repeat"]) == wanted for m in self.measurements)

    def add(self, measurement: dict[str, Any]) -> None:
        self.measurements.append(measurement)
        self.save()

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + ".new")
        temporary.write_text(json.dumps(self.tree, indent=1), encoding="utf-8")
        temporary.replace(self.path)
