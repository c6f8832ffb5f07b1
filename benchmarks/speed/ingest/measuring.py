"""Running commands one after another and seeing what they take: wall time, processor time, memory."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05
KIB = 1024


class CommandFailedError(Exception):
    """A contestant's command ended with an error."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took. `peak_bytes`: the resident memory of it and its children, together."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Taken:
    """Run a command to its end in `folder`; CommandFailedError with its last words if it fails.

    The peak is the largest of the sums sampled over the tree of processes, or what the kernel kept
    as the largest of any one of them, which no sampling can miss.
    """
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as output, err.open("wb") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=errors)
        sampled = _Sampler(process.pid)
        sampled.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        sampled.stop()
    if process.returncode != 0:
        words = (err.read_text(errors="replace") + out.read_text(errors="replace"))[-2000:]
        raise CommandFailedError(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    return Taken(
        wall_seconds=wall,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=max(sampled.peak_bytes, usage.ru_maxrss * KIB),
        output=out.read_text(encoding="utf-8"),
    )


class _Sampler(threading.Thread):
    """Adds up the resident memory of a process and all below it, again and again."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._pid = pid
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, _tree_bytes(self._pid))

    def stop(self) -> None:
        self._is_over.set()
        self.join()


def _tree_bytes(pid: int) -> int:
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total
