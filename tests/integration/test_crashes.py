"""Kill the process anywhere: the next run ends with the rows of an undisturbed one.

At every named point between two durable writes, and at random times, at least KILLS of which land in
each of import, replay and rebuild. A longer campaign: FORESELL_KILLS=100 pytest THIS_FILE
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from foresell.services.rebuild import table_contents_hash
from foresell.services.shop import create_shop, open_shop
from foresell.services.upkeep import verify
from foresell.store.crash_points import POINTS

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("FORESELL_KILLS", "10"))
NUM_LINES = 4000
COMMAND = (sys.executable, "-m", "foresell")

REPLAY_POINTS = [point for point in POINTS if point.startswith("replay.")]
REBUILD_POINTS = [point for point in POINTS if point.startswith("rebuild.")]
IMPORT_POINTS = [point for point in POINTS if point.startswith("import.")]


def run(store: Path, *arguments: str, kill_at: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FORESELL_KILL_AT": kill_at}
    return subprocess.run(
        [*COMMAND, *arguments, "--store", str(store)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@dataclass(frozen=True)
class Ready:
    """A folder with a store that holds one import, and a second file that corrects it."""

    folder: Path
    foresell: Callable[..., Any]

    def succeed(self, store: Path, *arguments: str) -> str:
        """In this process, which is quicker to start; only who is killed needs one of its own."""
        ended = self.foresell(*arguments, "--store", store)
        assert ended.code == 0, ended.err
        return str(ended.out)


def write_lines(path: Path, *, changed: bool) -> None:
    """Order lines of which some repeat, some are damaged and, if `changed`, some say something new."""
    rows = ["order_line_id,order_id,product_id,quantity,line_amount"]
    for number in range(NUM_LINES):
        amount = (
            "oops" if number % 500 == 0 else f"{number % 90 + (1 if changed and number % 7 == 0 else 0)}.50"
        )
        rows.append(f"l{number},o{number // 4},p{number % 50},1,{amount}")
    rows += rows[1:20]
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, foresell: Callable[..., Any]) -> Ready:
    folder = tmp_path_factory.mktemp("crashes")
    write_lines(folder / "first.csv", changed=False)
    write_lines(folder / "second.csv", changed=True)
    create_shop(folder / "store")
    made = Ready(folder, foresell)
    made.succeed(folder / "store", "import", str(folder / "first.csv"), "--as", "order_lines")
    return made


def contents(store: Path) -> dict[str, str]:
    """What the tables hold, run ids and times apart: those differ between any two runs."""
    shop = open_shop(store)
    names = [name for name in shop.folder.tables.names() if name != "ingest_runs"]
    return {name: table_contents_hash(shop, name) for name in names}


def copy_of(ready: Ready, name: str) -> Path:
    target = ready.folder / name
    shutil.copytree(ready.folder / "store", target)
    return target


def import_second(ready: Ready) -> Sequence[str]:
    return ("import", str(ready.folder / "second.csv"), "--as", "order_lines")


def with_a_fix(ready: Ready, store: Path) -> None:
    listed = json.loads(ready.succeed(store, "quarantine", "list", "--json"))
    for row in listed["rows"][:3]:
        ready.succeed(store, "quarantine", "fix", row["quarantine_id"], "--set", "line_amount=7.25")


def check_points(
    ready: Ready, points: Sequence[str], prepare: Callable[[Ready, Path], None], *command: str
) -> None:
    prepared = copy_of(ready, f"prepared-{points[0]}-{prepare.__name__}")
    prepare(ready, prepared)
    undisturbed = ready.folder / f"undisturbed-{points[0]}-{prepare.__name__}"
    shutil.copytree(prepared, undisturbed)
    ready.succeed(undisturbed, *command)
    expected = contents(undisturbed)
    for point in points:
        store = ready.folder / f"killed-{point}"
        shutil.copytree(prepared, store)
        ended = run(store, *command, kill_at=point)
        assert ended.returncode == -signal.SIGKILL, f"{point} was not reached: {ended.stderr}"
        ready.succeed(store, *command)
        assert contents(store) == expected, point
        assert verify(open_shop(store)).problems == (), point
        shutil.rmtree(store)


def no_preparation(_ready: Ready, _store: Path) -> None:
    """The store as it is."""


def test_import_survives_a_kill_at_every_point(ready: Ready) -> None:
    check_points(ready, IMPORT_POINTS, no_preparation, *import_second(ready))


def with_a_newer_dump(ready: Ready, store: Path) -> None:
    """The full dumps of two days, so that the one between them is late."""
    for day, products in ((1, "abcdefgh"), (3, "abcdefxy")):
        write_dump(store.parent, day, products)
        ready.succeed(store, *import_dump(store.parent, day))


def write_dump(folder: Path, day: int, products: str) -> None:
    rows = [f"{product},{number + day}" for number, product in enumerate(products)]
    (folder / f"products_2024-05-0{day}.csv").write_text("\n".join(["product_id,price", *rows]) + "\n")


def import_dump(folder: Path, day: int) -> Sequence[str]:
    path = folder / f"products_2024-05-0{day}.csv"
    return ("import", str(path), "--as", "products", "--snapshot", "--allow-shrinking")


def test_a_late_full_dump_survives_a_kill_at_every_point(ready: Ready) -> None:
    write_dump(ready.folder, 2, "abcdefgxz")
    check_points(ready, IMPORT_POINTS, with_a_newer_dump, *import_dump(ready.folder, 2))


def test_replay_survives_a_kill_at_every_point(ready: Ready) -> None:
    check_points(ready, REPLAY_POINTS, with_a_fix, "quarantine", "replay")


def test_rebuild_survives_a_kill_at_every_point(ready: Ready) -> None:
    check_points(ready, REBUILD_POINTS, no_preparation, "rebuild")


@pytest.mark.parametrize("phase", ["import", "replay", "rebuild"])
def test_kills_at_random_times_leave_no_trace(ready: Ready, phase: str) -> None:
    prepare = with_a_fix if phase == "replay" else no_preparation
    commands = {
        "import": import_second(ready),
        "replay": ("quarantine", "replay"),
        "rebuild": ("rebuild",),
    }
    prepared = copy_of(ready, f"prepared-{phase}")
    prepare(ready, prepared)
    undisturbed = ready.folder / f"undisturbed-random-{phase}"
    shutil.copytree(prepared, undisturbed)
    duration = seconds_of_writing(undisturbed, phase, commands[phase])
    expected = contents(undisturbed)
    chance = random.Random(phase)
    landed = 0
    for attempt in range(KILLS * 5):
        if landed == KILLS:
            break
        store = ready.folder / f"random-{phase}-{attempt}"
        shutil.copytree(prepared, store)
        if killed_while_writing(store, phase, commands[phase], chance.uniform(0, duration)):
            landed += 1
            ready.succeed(store, *commands[phase])
            assert contents(store) == expected, f"attempt {attempt}"
        shutil.rmtree(store)
    assert landed == KILLS


def start(store: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *command, "--store", str(store)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_for_phase(store: Path, phase: str, process: subprocess.Popen[bytes]) -> None:
    """Until the process holds the store's lock and says that it is in this phase."""
    lock = store / ".lock"
    while process.poll() is None:
        text = lock.read_text() if lock.exists() else ""
        if f'"doing": "{phase}"' in text and f'"pid": {process.pid}' in text:
            return
        time.sleep(0.002)


def seconds_of_writing(store: Path, phase: str, command: Sequence[str]) -> float:
    process = start(store, command)
    wait_for_phase(store, phase, process)
    began = time.monotonic()
    assert process.wait(timeout=120) == 0
    return time.monotonic() - began


def killed_while_writing(store: Path, phase: str, command: Sequence[str], after: float) -> bool:
    process = start(store, command)
    wait_for_phase(store, phase, process)
    time.sleep(after)
    process.kill()
    return process.wait(timeout=120) == -signal.SIGKILL
