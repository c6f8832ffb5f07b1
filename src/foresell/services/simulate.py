"""Simulate: a shop with known truth becomes a store like any other, and its truth lies beside the data.

The store is made under another name, in a folder that says that it is unfinished, and takes its own name when
it is whole: a kill leaves a finished store or such a folder, which the next run begins anew.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import BusyError, ConflictError, DeniedError, InputError
from foresell.contracts.settings import tree_toml
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import Progress, Shop, create_shop, silent
from foresell.simulator.settings import WorldSettings
from foresell.store.crash_points import reached
from foresell.store.folder import UNFINISHED_MARK

if TYPE_CHECKING:
    from foresell.simulator.world import World

UNFINISHED = ".unfinished"
TRUTH = "truth"
HEADING = "The world of a simulated shop; `foresell simulate --world THIS --seed N` lives it again."


@dataclass(frozen=True)
class Lived:
    """`num_rows`: canonical table → rows written. `totals`: the ledger over all days. `num_processes`: in how
    many processes the people lived."""

    num_rows: dict[str, int]
    totals: dict[str, float]
    num_processes: int


@dataclass(frozen=True)
class Simulated:
    """A finished store, and what was lived for it."""

    store: Path
    seed: int
    lived: Lived

    def as_record(self) -> dict[str, object]:
        return {
            "store": str(self.store),
            "seed": self.seed,
            "processes": self.lived.num_processes,
            "rows": self.lived.num_rows,
            "totals": self.lived.totals,
        }


def simulate_store(
    root: Path,
    settings: WorldSettings,
    seed: int,
    processes: int | None = None,
    progress: Progress = silent,
) -> Simulated:
    """Live a world under the rules of thumb, and import what the shop saw of it into a new store.

    `ROOT/truth/` holds what it could not see, and the world's settings. What an earlier run left unfinished
    is removed. Errors: ConflictError where something else lies at `root`; BusyError where another process
    is making the same store; see also `live_world`.
    """
    from foresell.simulator.dirt import spoil_folder

    with unfinished_folder(root) as folder:
        chosen = settings.shop
        store = {"name": chosen.name, "time_zone": chosen.time_zone, "currency": chosen.currency}
        shop = create_shop(folder, {"store": dict(store)})
        exports = folder / "exports"
        lived = live_world(settings, seed, exports, folder / TRUTH, processes, progress)
        reached("simulate.lived")
        spoil_folder(exports, folder / TRUTH, settings.dirt, seed)
        _import_tables(shop, exports, progress)
        shutil.rmtree(exports)
        reached("simulate.imported")
    return Simulated(root, seed, lived)


@contextmanager
def unfinished_folder(root: Path) -> Iterator[Path]:
    """An empty folder beside `root` that takes its name when the block ends well, and goes if it fails.

    Its mark, which this process holds a lock on, tells whoever opens it what it is.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise ConflictError(f"{root} is not empty", do="Name a new folder.")
    folder = root.absolute().with_name(root.absolute().name + UNFINISHED)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / UNFINISHED_MARK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DeniedError(
            f"{folder} cannot be made", received=error.strerror, do="Choose a folder that you may write."
        ) from error
    try:
        _take(lock, folder)
        _empty(folder)
        yield folder
        (folder / UNFINISHED_MARK).unlink()
        with suppress(FileNotFoundError):
            root.rmdir()
        folder.rename(root)
    except BusyError:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(lock)


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(
            f"Another process is writing {folder}", do="Wait until it is done, or name another folder."
        ) from None


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != UNFINISHED_MARK:
            entry.unlink()


def live_world(
    settings: WorldSettings,
    seed: int,
    folder: Path,
    truth: Path | None = None,
    processes: int | None = None,
    progress: Progress = silent,
) -> Lived:
    """Live all days under the rules of thumb, and write `FOLDER/<table>/*.parquet`, and the truth to `truth`.

    `processes`: None takes one for each PEOPLE_PER_SHARD people, as many as there are processors at most. The
    rows are the same for any number. Errors: InputError (no such number), BackendError (a process died).
    """
    from foresell.simulator.canonical.writing import CanonicalWriter
    from foresell.simulator.ledger import Ledger
    from foresell.simulator.policies import Policies
    from foresell.simulator.truth import TruthWriter

    number = _num_processes(settings.shop.customers, processes)
    total, policies = Ledger(), Policies()
    truth = truth or folder / TRUTH
    with (
        _world(settings, seed, number, folder) as world,
        CanonicalWriter(world, folder) as writer,
        TruthWriter(world, truth) as known,
    ):
        for day in range(settings.shop.days):
            progress("living", day, settings.shop.days)
            outcome = world.step(policies)
            writer.add(outcome)
            known.add(outcome)
            total += outcome.ledger
        known.finish()
    progress("lived", settings.shop.days, settings.shop.days)
    (truth / "world.toml").write_text(tree_toml(settings, HEADING), encoding="utf-8")
    (truth / "seed.txt").write_text(f"{seed}\n", encoding="utf-8")
    return Lived(_count_rows(folder), total.as_record(), number)


def _num_processes(customers: int, wanted: int | None) -> int:
    from foresell.simulator.world import PEOPLE_PER_SHARD

    if wanted is None:
        return max(min(len(os.sched_getaffinity(0)), customers // PEOPLE_PER_SHARD), 1)
    if wanted < 1:
        raise InputError("A world needs a process to live in", received=wanted, do="--processes 1 or more.")
    return min(wanted, customers)


@contextmanager
def _world(settings: WorldSettings, seed: int, processes: int, folder: Path) -> Iterator["World"]:
    """The world, its people in worker processes where there are to be several."""
    from foresell.simulator.crowd import cut_people
    from foresell.simulator.processes import WorkerCrowd
    from foresell.simulator.world import PEOPLE_PER_SHARD, World

    if processes == 1:
        yield World(settings, seed)
        return
    folder.mkdir(parents=True, exist_ok=True)
    people = settings.shop.customers
    cuts = cut_people(people, min(PEOPLE_PER_SHARD, -(-people // processes)))
    with WorkerCrowd(settings, seed, cuts, processes, folder) as crowd:
        yield World(settings, seed, crowd)


def _count_rows(folder: Path) -> dict[str, int]:
    import pyarrow.parquet as pq

    tables = sorted(entry for entry in folder.iterdir() if entry.name != TRUTH)
    return {
        entry.name: sum(pq.read_metadata(part).num_rows for part in entry.glob("*.parquet"))
        for entry in tables
    }


def _import_tables(shop: Shop, exports: Path, progress: Progress) -> None:
    entries = sorted(exports.iterdir())
    for index, entry in enumerate(entries):
        progress(f"importing {entry.name}", index, len(entries))
        import_files(shop, ImportRequest(entry, entry.name))
    progress("imported", len(entries), len(entries))


def write_default_world(path: Path) -> None:
    """The default world as a TOML to change. ConflictError where the file exists."""
    if path.exists():
        raise ConflictError(f"{path} exists", do="Choose another name, or remove it first.")
    try:
        path.write_text(tree_toml(WorldSettings(), HEADING), encoding="utf-8")
    except OSError as error:
        raise DeniedError(
            f"{path} cannot be written", received=error.strerror, do="Choose a folder that you may write."
        ) from error
