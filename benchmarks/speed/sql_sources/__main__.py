"""A whole shop from a real database, then one day's changes, then both under kills; beside plain pandas.

    python benchmarks/speed/sql_sources --orders 1000000 --databases postgresql mysql --out FILE.json

The servers are started in temporary folders, from Debian's packages (apt-get install postgresql
mariadb-server). Exit code 1: rows differ, or a goal is missed. See benchmarks/README.md.
"""

import argparse
import compileall
import importlib.util
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# How commands are measured and results are kept is the same for all of speed.
sys.path.insert(0, str(HERE.parent / "ingest"))
TESTS = HERE.parents[2] / "tests" / "integration" / "sql"

MOST_OF_FIRST = 0.05
SERVERS = {"postgresql": "PostgreSQL", "mysql": "MariaDB"}
TABLES = ("products", "customers", "orders", "order_lines")
FORESELL = (sys.executable, "-m", "foresell")


def load(name: str) -> Any:
    """The servers and the shop of the tests: the same, only larger."""
    spec = importlib.util.spec_from_file_location(name, TESTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


servers, big_shop = load("servers"), load("big_shop")


@dataclass
class Bench:
    """One database, its shop, and the folder where everything of it lies."""

    database: Any
    shop: Any
    folder: Path
    mappings: Path
    environment: dict[str, str]

    def import_into(self, store: str) -> list[str]:
        target = str(self.folder / store)
        return [*FORESELL, "import", self.database.url, "--mapping", str(self.mappings), "--store", target]

    def measured(self, command: list[str]) -> dict[str, Any]:
        from measuring import run

        os.sync()
        load_before = os.getloadavg()[0]
        taken = run(command, self.folder, self.environment)
        return {
            "wall_seconds": taken.wall_seconds,
            "cpu_seconds": taken.cpu_seconds,
            "peak_bytes": taken.peak_bytes,
            "load_before": load_before,
        }

    def killed(self, store: str, wanted: int, most_seconds: float, chance: random.Random) -> int:
        """Start the import again and again and kill it; how often that hit it."""
        landed = 0
        while landed < wanted:
            process = subprocess.Popen(
                self.import_into(store),
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(chance.uniform(0.5, most_seconds))
            process.kill()
            if process.wait() == 0:
                break
            landed += 1
        return landed

    def contents(self, store: str) -> dict[str, str]:
        from foresell.services.rebuild import table_contents_hash
        from foresell.services.shop import open_shop

        shop = open_shop(self.folder / store)
        names = [name for name in shop.folder.tables.names() if name != "ingest_runs"]
        return {name: table_contents_hash(shop, name) for name in names}


def main() -> None:
    from results import Results, commit

    given = _arguments()
    results = Results(
        given.out, {"orders": given.orders, "kills": given.kills, "is_scattered": given.scattered}
    )
    for name in given.databases:
        if not results.has(name, given.orders, 0):
            measured = _measure(name, given)
            results.add(
                {"contestant": name, "num_rows": given.orders, "repeat": 0, "commit": commit(), **measured}
            )
            _show(results.measurements[-1])
    sys.exit(0 if all(_is_good(one) for one in results.measurements) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/speed/sql_sources", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", choices=tuple(SERVERS), default=list(SERVERS))
    parser.add_argument("--scattered", action="store_true", help="changed orders are of any day, not recent")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "sql_sources.json")
    return parser.parse_args()


def _measure(name: str, given: argparse.Namespace) -> dict[str, Any]:
    database = getattr(servers, SERVERS[name])()
    folder = Path(tempfile.mkdtemp(prefix="foresell-benchmark-"))
    environment = {
        **_compiled_once(),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "FORESELL_SOURCE_PASSWORD": servers.PASSWORD,
    }
    try:
        shop = big_shop.BigShop(database, given.orders)
        shop.make()
        mappings = big_shop.write_mappings(folder / "mappings")
        bench = Bench(database, shop, folder, mappings, environment)
        start = [*FORESELL, "init", str(folder / "undisturbed"), "--time-zone", "Europe/Berlin"]
        subprocess.run(start, env=environment, check=True, stdout=subprocess.DEVNULL)
        # With the same key, so that tokens are the same too.
        shutil.copytree(folder / "undisturbed", folder / "killed")
        return _run_all(bench, name, given)
    finally:
        database.server.remove()
        shutil.rmtree(folder)


def _compiled_once() -> dict[str, str]:
    """The environment of commands whose modules are compiled, as an installation leaves them."""
    compileall.compile_dir(HERE.parents[2] / "src" / "foresell", quiet=1)
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _run_all(bench: Bench, name: str, given: argparse.Namespace) -> dict[str, Any]:
    chance = random.Random(name)  # noqa: S311
    first = bench.measured(bench.import_into("undisturbed"))
    port = str(bench.database.server.port)
    rival = [sys.executable, str(HERE / "rival_pandas.py"), name, port, str(bench.folder), *TABLES]
    measured: dict[str, Any] = {"first": first, "pandas": bench.measured(rival)}
    longest = max(first["wall_seconds"] / 3, 2.0)
    num_kills, is_first_equal = _disturb(bench, given.kills, longest, chance)
    bench.shop.change(is_scattered=given.scattered)
    measured["day"] = bench.measured(bench.import_into("undisturbed"))
    measured["nothing_new"] = bench.measured(bench.import_into("undisturbed"))
    longest = measured["day"]["wall_seconds"]
    more_kills, is_day_equal = _disturb(bench, min(given.kills, 2), longest, chance)
    return {
        **measured,
        "num_kills": num_kills + more_kills,
        "is_first_equal": is_first_equal,
        "is_day_equal": is_day_equal,
        "day_of_first": measured["day"]["wall_seconds"] / first["wall_seconds"],
        "day_of_first_cpu": measured["day"]["cpu_seconds"] / first["cpu_seconds"],
    }


def _disturb(
    bench: Bench, wanted: int, most_seconds: float, chance: random.Random
) -> tuple[int, bool | None]:
    """Kill imports, then finish them: how many kills hit, and whether the tables are those of the other
    store; None without kills."""
    if not wanted:
        return 0, None
    num_kills = bench.killed("killed", wanted, most_seconds, chance)
    bench.measured(bench.import_into("killed"))
    return num_kills, bench.contents("killed") == bench.contents("undisturbed")


def _is_good(measurement: dict[str, Any]) -> bool:
    is_equal = False not in (measurement["is_first_equal"], measurement["is_day_equal"])
    return is_equal and measurement["day_of_first"] < MOST_OF_FIRST


def _show(measurement: dict[str, Any]) -> None:
    print(
        f"{measurement['contestant']}, {measurement['num_rows']:,} orders, {measurement['num_kills']} kills"
    )
    for step in ("first", "pandas", "day", "nothing_new"):
        taken = measurement[step]
        print(
            f"  {step:<12} wall {taken['wall_seconds']:7.2f} s  cpu {taken['cpu_seconds']:7.2f} s  "
            f"peak {taken['peak_bytes'] / 1e6:6.0f} MB  load {taken['load_before']:.1f}"
        )
    print(
        f"  day of first: {measurement['day_of_first']:.3f} (cpu {measurement['day_of_first_cpu']:.3f}), "
        f"equal after kills: {measurement['is_first_equal']}, {measurement['is_day_equal']}",
        flush=True,
    )


if __name__ == "__main__":
    main()
