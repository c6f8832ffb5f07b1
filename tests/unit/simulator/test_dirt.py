"""What is spoiled is told in the truth, and ends somewhere: nothing is lost, nothing goes unseen."""

import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from foresell.quality.report import check_tables
from foresell.services.shop import Shop, open_shop
from foresell.services.simulate import live_world, simulate_store
from foresell.simulator.dirt import ENDS, spoil_folder
from foresell.simulator.settings import DirtSection, WorldSettings

SEED = 5
WORLD = {
    "shop": {"customers": 250, "days": 25},
    "catalog": {"products": 120},
    "people": {"visits_per_month": 8},
    "journeys": {"cart_rate": 0.4, "checkout_rate": 0.6},
    "demand": {"return_rate": 0.2},
}
# Which check finds what is wrong but readable.
CHECK_OF = {
    "missing": "missing",
    "broken_encodings": "encoding",
    "swapped_columns": "arithmetic",
    "unknown_ids": "references",
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    live_world(WorldSettings.model_validate(WORLD), SEED, folder / "tables", folder / "truth", 1)
    return folder / "tables"


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = WorldSettings.model_validate({**WORLD, "dirt": {"level": 3}})
    return simulate_store(tmp_path_factory.mktemp("dirty") / "shop", settings, SEED, 1).store


def rows_in(folder: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    for file in folder.rglob("*.parquet"):
        counts[file.parent.name] += pq.read_metadata(file).num_rows
    return counts


def truth_of(store: Path) -> pl.DataFrame:
    return pl.read_parquet(store / "truth" / "dirt.parquet")


def runs_of(shop: Shop) -> pl.DataFrame:
    with shop.reading() as tables:
        return pl.DataFrame(tables.current("ingest_runs").to_polars())


def test_every_row_that_was_there_is_read_and_every_spoiled_one_ends_as_it_should(
    clean: Path, dirty: Path
) -> None:
    told = truth_of(dirty)
    runs = runs_of(open_shop(dirty))
    doubled = told.filter(pl.col("kind") == "duplicates").height
    unreadable = told.filter(pl.col("kind") == "unreadable").height
    assert set(told["kind"]) == set(ENDS)
    assert runs["rows_read"].sum() == sum(rows_in(clean).values()) + doubled
    assert runs["rows_duplicate"].sum() == doubled
    assert runs["rows_quarantined"].sum() == unreadable


def test_what_is_wrong_but_readable_is_found_by_a_check(dirty: Path) -> None:
    told = truth_of(dirty)
    shop = open_shop(dirty)
    with shop.reading() as tables:
        found: dict[tuple[str, str], set[str]] = {}
        for finding in check_tables(tables, shop.settings, CHECK_OF.values()).findings:
            if finding.rows is not None:
                rows = pl.DataFrame(finding.rows.to_polars())
                found.setdefault((finding.check, finding.table), set()).update(rows[rows.columns[0]])
    for (table, kind), cells in told.group_by("table_name", "kind"):
        if kind not in CHECK_OF:
            continue
        keys = {key.split("|")[0] for key in cells["row_key"]}
        seen = found.get((CHECK_OF[str(kind)], str(table)), set())
        # Of a product a later row may have taken the spoiled row's place.
        assert keys & seen if table == "products" else keys <= seen, (table, kind)


def test_the_truth_tells_what_stood_there(clean: Path, dirty: Path) -> None:
    lines = pl.read_parquet(clean / "order_lines")
    swapped = truth_of(dirty).filter(pl.col("kind") == "swapped_columns", pl.col("column_name") == "quantity")
    both = swapped.join(lines, left_on="row_key", right_on="order_line_id")
    assert both.height == swapped.height > 0
    assert both["clean"].cast(pl.Float64).to_list() == both["quantity"].to_list()
    assert both["spoiled"].cast(pl.Float64).to_list() == both["line_amount"].to_list()


def test_which_rows_are_spoiled_does_not_depend_on_how_files_are_cut(clean: Path, tmp_path: Path) -> None:
    events = pl.read_parquet(clean / "events")
    cuts = {"whole": [events], "halves": [events[: events.height // 2], events[events.height // 2 :]]}
    told = {}
    for name, parts in cuts.items():
        folder = tmp_path / name
        (folder / "events").mkdir(parents=True)
        for place, part in enumerate(parts):
            part.write_parquet(folder / "events" / f"events-{place}.parquet")
        spoil_folder(folder, folder / "truth", DirtSection(level=2), SEED)
        told[name] = truth_of(folder).sort("row_key", "kind")
    assert told["whole"].height
    assert told["whole"].equals(told["halves"])


def test_only_the_kinds_that_are_named(clean: Path, tmp_path: Path) -> None:
    shutil.copytree(clean / "orders", tmp_path / "orders")
    counts = spoil_folder(tmp_path, tmp_path / "truth", DirtSection(level=3, kinds=("duplicates",)), SEED)
    assert set(counts) == {"duplicates"}
    assert rows_in(tmp_path)["orders"] == rows_in(clean)["orders"] + counts["duplicates"]


def test_a_clean_world_is_left_alone(clean: Path, tmp_path: Path) -> None:
    assert spoil_folder(clean, tmp_path, DirtSection(level=0), SEED) == {}
    assert not list(tmp_path.iterdir())
