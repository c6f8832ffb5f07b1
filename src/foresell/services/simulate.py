"""Simulate: a shop with known truth becomes a store like any other, and its truth lies beside the data.

The store is made under another name and takes its own only when it is whole: a kill leaves a finished store
or a folder that says that it is none.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from foresell.contracts.errors import ConflictError, DeniedError
from foresell.contracts.settings import tree_toml
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.shop import Progress, Shop, create_shop, silent
from foresell.simulator.settings import WorldSettings
from foresell.store.crash_points import reached

UNFINISHED = ".unfinished"
TRUTH = "truth"
HEADING = "The world of a simulated shop; `foresell simulate --world THIS --seed N` lives it again."


@dataclass(frozen=True)
class Simulated:
    """`num_rows`: canonical table → rows written. `totals`: the ledger over all days."""

    store: Path
    seed: int
    num_rows: dict[str, int]
    totals: dict[str, float]

    def as_record(self) -> dict[str, object]:
        return {"store": str(self.store), "seed": self.seed, "rows": self.num_rows, "totals": self.totals}


def simulate_store(root: Path, settings: WorldSettings, seed: int, progress: Progress = silent) -> Simulated:
    """Live a world under the rules of thumb, and import what the shop saw of it into a new store.

    `ROOT/truth/` holds what it could not see, and the world's settings. What an earlier run left unfinished
    is removed. Errors: ConflictError where something else lies at `root`.
    """
    if root.exists() and any(root.iterdir()):
        raise ConflictError(f"{root} is not empty", do="Name a new folder for the simulated store.")
    unfinished = root.with_name(root.name + UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    chosen = settings.shop
    store = {"name": chosen.name, "time_zone": chosen.time_zone, "currency": chosen.currency}
    shop = create_shop(unfinished, {"store": dict(store)})
    rows, totals = _live(shop, settings, seed, progress)
    reached("simulate.imported")
    if root.exists():
        root.rmdir()
    unfinished.rename(root)
    return Simulated(root, seed, rows, totals)


def _live(
    shop: Shop, settings: WorldSettings, seed: int, progress: Progress
) -> tuple[dict[str, int], dict[str, float]]:
    from foresell.simulator.canonical.writing import CanonicalWriter
    from foresell.simulator.ledger import Ledger
    from foresell.simulator.policies import Policies
    from foresell.simulator.truth import TruthWriter
    from foresell.simulator.world import World

    world = World(settings, seed)
    exports, truth = shop.folder.root / "exports", shop.folder.root / TRUTH
    total = Ledger()
    policies = Policies()
    with CanonicalWriter(world, exports) as writer, TruthWriter(world, truth) as known:
        for day in range(settings.shop.days):
            progress("living", day, settings.shop.days)
            outcome = world.step(policies)
            writer.add(outcome)
            known.add(outcome)
            total += outcome.ledger
        known.finish()
    reached("simulate.lived")
    for name in sorted(writer.tables):
        import_files(shop, ImportRequest(exports / f"{name}.parquet", name), progress)
    shutil.rmtree(exports)
    (truth / "world.toml").write_text(tree_toml(settings, HEADING), encoding="utf-8")
    (truth / "seed.txt").write_text(f"{seed}\n", encoding="utf-8")
    return dict(writer.num_rows), total.as_record()


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
