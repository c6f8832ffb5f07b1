"""Kill an import from a database anywhere: what comes after it ends with the rows of an undisturbed one.

More kills: FORESELL_KILLS=100 pytest THIS_FILE. The full size: benchmarks/speed/sql_sources.
"""

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from foresell.services.rebuild import table_contents_hash
from foresell.services.shop import create_shop, open_shop

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("FORESELL_KILLS", "10"))
NUM_ORDERS = 20_000
COMMAND = (sys.executable, "-m", "foresell")
# Before it the process has not begun to write, on any machine.
LEAST_SECONDS, MOST_SECONDS = 0.02, 1.5


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


big_shop = load("big_shop")


@pytest.mark.parametrize(
    "database",
    [
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)
def test_kills_at_random_times_leave_no_trace(
    database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    source = big_shop.BigShop(database, NUM_ORDERS)
    source.make()
    mappings = big_shop.write_mappings(tmp_path / "mappings")
    command = [*COMMAND, "import", database.url, "--mapping", str(mappings), "--batch-rows", "4000"]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    create_shop(undisturbed)
    # With the same key, so that tokens are the same too.
    shutil.copytree(undisturbed, killed)
    chance = random.Random(database.scheme)
    finish(command, undisturbed)
    landed = kill_often(command, killed, chance, KILLS)
    finish(command, killed)
    assert contents(killed) == contents(undisturbed)
    source.change()
    finish(command, undisturbed)
    kill_often(command, killed, chance, 2)
    finish(command, killed)
    assert contents(killed) == contents(undisturbed)
    assert landed == KILLS


def finish(command: list[str], store: Path) -> None:
    ended = subprocess.run([*command, "--store", str(store)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def kill_often(command: list[str], store: Path, chance: random.Random, wanted: int) -> int:
    """Start the import again and again, and kill it while it writes; how often that was so."""
    landed = 0
    for _ in range(wanted * 5):
        if landed == wanted:
            break
        process = subprocess.Popen(
            [*command, "--store", str(store)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until_it_writes(store, process)
        time.sleep(chance.uniform(LEAST_SECONDS, MOST_SECONDS))
        process.kill()
        landed += process.wait() != 0
    return landed


def wait_until_it_writes(store: Path, process: "subprocess.Popen[bytes]") -> None:
    lock = store / ".lock"
    while process.poll() is None:
        text = lock.read_text() if lock.exists() else ""
        if f'"pid": {process.pid}' in text:
            return
        time.sleep(0.002)


def contents(store: Path) -> dict[str, str]:
    shop = open_shop(store)
    names = [name for name in shop.folder.tables.names() if name != "ingest_runs"]
    return {name: table_contents_hash(shop, name) for name in names}
