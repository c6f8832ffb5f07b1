"""The out file: every finished trial, found again by what it was, and written whole or not at all."""

import hashlib
import json
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

import psutil

PACKAGES = ("foresell", "numpy", "polars", "scipy", "torch", "implicit")
Trial = dict[str, Any]


class Ledger:
    """Trials of one out file. A trial is found again by model, config (its seed among them) and data hash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self.record: dict[str, Any] = {"trials": {}, "results": {}}
        if path.exists():
            self.record = json.loads(path.read_text(encoding="utf-8"))

    def find(self, key: str, *, with_test: bool) -> Trial | None:
        trial: Trial | None = self.record["trials"].get(key)
        return trial if trial and ("test" in trial or not with_test) else None

    def keep(self, key: str, trial: Trial) -> None:
        with self._lock:
            self.record["trials"][key] = trial
            self._write()

    def save(self) -> None:
        with self._lock:
            self._write()

    def _write(self) -> None:
        work = self.path.with_name(self.path.name + ".part")
        work.write_text(json.dumps(self.record, indent=1) + "\n", encoding="utf-8")
        work.replace(self.path)


def key_of(model: str, config: dict[str, Any], data_hash: str) -> str:
    told = json.dumps([model, config, data_hash], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "processors": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "packages": _versions(),
    }


def commit() -> str:
    """The commit that is measured; + stands for uncommitted changes; "unknown" where there is no git."""
    if shutil.which("git") is None:
        return "unknown"
    here = Path(__file__).parent
    told = [
        subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=False).stdout.strip()
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "-uno"])
    ]
    return told[0] + ("+" if told[1] else "")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
