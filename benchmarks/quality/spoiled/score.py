"""What Foresell says of a copy, and how much of the truth is in it.

The unit that is counted is a row of the store: (table, key), and the column too for missing values. A flag is
new if the clean copy's own import and checks do not raise it. By kind of damage:

- recall: damaged units that a check of the kind flags, or that the quarantine holds, of those whose damage
  reached the store ("absorbed" units hold the right value all the same: a title that another row gave too);
- noticed: the same by any check;
- precision: of the new flags of the kind's checks, those on damaged units;
- restored: damaged units that hold the clean store's value, before repair (absorbed) and after.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from damage import Frames
from datasets import Dataset
from spoil import Copy, write_files

from foresell.contracts.tables import TABLES
from foresell.quality.report import check_tables
from foresell.services.ingest import ImportRequest, import_files
from foresell.services.shop import Shop, create_shop

DETECTORS: dict[str, tuple[str, ...]] = {
    "exact_duplicates": ("import", "duplicates", "keys", "near_duplicates"),
    "near_duplicates": ("near_duplicates", "duplicates"),
    "missing": ("missing", "quarantine"),
    "swapped_columns": ("swapped_columns", "quarantine"),
    "broken_encodings": ("encoding", "quarantine"),
    "shifted_times": ("shifted_times", "times", "quarantine"),
}
# The rules of repair for a kind; written once, before any result was looked at, the same for both shops.
REPAIRS: dict[str, tuple[str, ...]] = {
    "near_duplicates": ("products.title: merge_similar", "orders: drop near_duplicates"),
    "missing": (
        "orders.billing_country: mode by customer_id",
        "products.department: mode by category",
        "products.category: mode by department",
        "products.brand: mode by category",
        "customers.age_band: mode",
        "customers.income_band: mode",
    ),
    "swapped_columns": (
        "order_lines.quantity: swap_back unit_price",
        "order_lines.quantity: swap_back line_amount",
        "orders.customer_id: swap_back billing_country",
        "orders.customer_id: swap_back location_id",
        "products.brand: swap_back department",
        "products.department: swap_back category",
    ),
    "broken_encodings": ("products.title: fix_encoding",),
    "shifted_times": ("orders.created_at: shift_times",),
}
READ = ("order_lines", "orders", "products", "customers", "refunds")
# A number within one percent and a time within five minutes count as restored too.
NUMBER_TOLERANCE = 0.01
TIME_TOLERANCE = pl.duration(minutes=5)
UNIT = ["table", "key"]


@dataclass(frozen=True)
class Seen:
    """A copy in a store: its tables, what was flagged, the rows set aside and the duplicates counted."""

    tables: dict[str, pl.DataFrame]
    flags: pl.DataFrame
    quarantined: pl.DataFrame
    num_duplicates: int
    repaired: dict[str, pl.DataFrame] | None


def look(
    dataset: Dataset, files: Frames, checks: tuple[str, ...] | None = None, *, repair: str | None = None
) -> Seen:
    """Import a copy into a store of its own, check it and, if asked and if the service exists, repair it."""
    with TemporaryDirectory() as folder:
        write_files(files, Path(folder) / "files")
        shop = create_shop(Path(folder) / "store", {k: dict(v) for k, v in dataset.settings.items()})
        source = Path(folder) / "files"
        if len(files) == 1:
            source /= f"{next(iter(files))}.csv"
        runs = import_files(shop, ImportRequest(source, preset=dataset.preset))
        with shop.reading() as tables:
            read = {name: _keyed(tables.current(name).to_polars(), name) for name in READ}
            flags = _flags(shop, tables, checks)
            quarantine = tables.current("quarantine")
            aside = quarantine.select("source_file", "row_number", "error_code", "column").to_polars()
        repaired = None
        if repair and _repair(shop, repair):
            with shop.reading() as tables:
                repaired = {name: _keyed(tables.current(name).to_polars(), name) for name in READ}
        file = pl.col("source_file").str.replace(r"\.csv$", "").alias("file")
        return Seen(
            read,
            flags,
            aside.with_columns(file),
            sum(run.counts.rows_duplicate for run in runs),
            repaired,
        )


def _keyed(rows: pl.DataFrame, table: str) -> pl.DataFrame:
    return rows.with_columns(pl.concat_str(*TABLES[table].key, separator="-").alias("key"))


def _flags(shop: Shop, tables: Any, checks: tuple[str, ...] | None) -> pl.DataFrame:
    report = (
        check_tables(tables, shop.settings) if checks is None else check_tables(tables, shop.settings, checks)
    )
    schema = {"check": pl.String, "table": pl.String, "key": pl.String, "column": pl.String}
    found = [pl.DataFrame(schema=schema)]
    for finding in report.findings:
        key = TABLES[finding.table].key if finding.table in TABLES else ()
        if finding.rows is None or not set(key) <= set(finding.rows.columns):
            continue
        rows = pl.DataFrame(finding.rows.to_pyarrow())
        named = rows.select(
            check=pl.lit(finding.check),
            table=pl.lit(finding.table),
            key=pl.concat_str(*key, separator="-") if rows.height else pl.lit(""),
            column=pl.lit(finding.column, pl.String),
        )
        found.append(named.select(list(schema)))
    return pl.concat(found).unique()


def _repair(shop: Shop, kind: str) -> bool:
    """Whether there is a service that repairs, and it ran what a shop would choose for this kind."""
    if importlib.util.find_spec("foresell.services.repair") is None or kind not in REPAIRS:
        return False
    from foresell.services.repair import repair_tables

    repair_tables(shop, REPAIRS[kind], dry_run=False)
    return True


def score(
    dataset: Dataset, kind: str, clean: Copy, seen_clean: Seen, copy: Copy, seen: Seen
) -> list[dict[str, Any]]:
    """A record for the kind as a whole (variant "all") and one for each of its variants."""
    if kind == "exact_duplicates":
        return [_score_duplicates(copy, seen_clean, seen)]
    units = _units(dataset, kind, clean.files, copy)
    # What the clean copy could not use either can be neither damaged nor found.
    unusable = seen_clean.quarantined.select("file", clean_row="row_number").unique()
    units = units.join(unusable, on=["file", "clean_row"], how="anti", maintain_order="left")
    damaged, units = units, _in_store(units, seen_clean)
    units = units.with_columns(absorbed=_holds(units, seen_clean.tables, seen.tables))
    on = [*UNIT, "column"] if kind == "missing" else UNIT
    new = seen.flags.join(seen_clean.flags, on=["check", *UNIT, "column"], how="anti", nulls_equal=True)
    named = new.filter(pl.col("check").is_in(DETECTORS[kind]))
    units = units.with_columns(
        aside=_is_in(units, seen.quarantined.rename({"row_number": "row"}), ["file", "row"]),
        named=_is_in(units, named, on),
        any=_is_in(units, new, on),
        exact=_repaired(units, seen_clean, seen, near=False),
        near=_repaired(units, seen_clean, seen, near=True),
    )
    entities = units.group_by("variant", *on, maintain_order=True).agg(
        pl.col("absorbed").all(),
        (pl.col("named") | pl.col("aside")).any().alias("found"),
        (pl.col("any") | pl.col("aside")).any().alias("noticed"),
        pl.col("exact", "near").all(ignore_nulls=False),
    )
    false = named.unique(on).join(damaged, on=on, how="anti").height
    wrong_aside = _new_aside(seen, seen_clean, copy)
    records = [_record(kind, "all", entities, false + wrong_aside)]
    for (variant,), part in entities.group_by("variant", maintain_order=True):
        records.append(_record(kind, str(variant), part, None))
    return records


def _score_duplicates(copy: Copy, seen_clean: Seen, seen: Seen) -> dict[str, Any]:
    """Rows that the import counted as duplicates beyond those of the clean copy; that the store holds the
    very same rows as the clean one says that they were the right ones."""
    added = copy.truth.height
    found = seen.num_duplicates - seen_clean.num_duplicates
    extra = sum(abs(seen.tables[t].height - seen_clean.tables[t].height) for t in READ)
    right = max(min(found, added) - extra, 0)
    return {
        "kind": "exact_duplicates", "variant": "all", "units": added, "absorbed": 0,
        "recall": right / added, "noticed": right / added, "precision": right / max(found, 1),
        "restored": right / added, "restored_near": right / added, "false_flags": found - right,
    }  # fmt: skip


def _units(dataset: Dataset, kind: str, clean: Frames, copy: Copy) -> pl.DataFrame:
    """A row a damaged cell or added row: file, row, variant, and its table, key, column and clean key."""
    parts = []
    for file, rows in copy.files.items():
        truth = copy.truth.filter(pl.col("file") == file)
        truth = truth.filter(_counts(dataset, kind, truth))
        if not truth.height:
            continue
        keys, clean_keys = dataset.keys(file, rows), dataset.keys(file, clean[file])
        place = [
            _place(dataset, kind, file, variant, column)
            for variant, column in truth.select("variant", "column").rows()
        ]
        truth = truth.with_columns(
            table=pl.Series([p[0] for p in place]), column=pl.Series([p[1] for p in place], dtype=pl.String)
        )
        for (table,), part in truth.group_by("table"):
            now, before = keys[str(table)], clean_keys[str(table)]
            parts.append(
                part.with_columns(
                    key=now.gather(part["row"] - 1),
                    clean_key=before.gather(part["clean_row"] - 1),
                )
            )
    # A cell without a key (its row is set aside) is still a unit.
    return pl.concat(parts).with_columns(
        key=pl.coalesce("key", pl.format("{}:{}", "file", "row")), row=pl.col("row").cast(pl.Int64)
    )


def _in_store(units: pl.DataFrame, seen_clean: Seen) -> pl.DataFrame:
    """Added rows, and those whose clean row stands in the table that is looked at: an order's time does, a
    refund's does not."""
    known = pl.concat(
        rows.select(pl.lit(name).alias("table"), pl.col("key").alias("clean_key"))
        for name, rows in seen_clean.tables.items()
    ).unique()
    cells = units.filter(pl.col("column").is_not_null())
    there = cells.join(known, on=["table", "clean_key"], how="semi", maintain_order="left")
    return pl.concat([there, units.filter(pl.col("column").is_null())])


def _counts(dataset: Dataset, kind: str, truth: pl.DataFrame) -> pl.Expr:
    """Of cells that are damaged together, the one that stands for them."""
    if kind == "near_duplicates":
        lines_moved = (pl.col("column") == dataset.orders.product).fill_null(False)
        if dataset.catalog.file == dataset.orders.file:
            return pl.col("column").is_null() | lines_moved
        return pl.col("column").is_null()
    return pl.lit(True)


def _place(
    dataset: Dataset, kind: str, file: str, variant: str, column: str | None
) -> tuple[str, str | None]:
    if kind == "near_duplicates":
        return ("orders", None) if variant == "rekeyed_order" else ("products", None)
    place = dataset.places[file, column or ""]
    if kind == "swapped_columns" and "StockCode" in variant:
        return "products", "title"
    return place.table, place.column


def _is_in(units: pl.DataFrame, flags: pl.DataFrame, on: list[str]) -> pl.Series:
    typed = flags.select(on).unique().with_columns(pl.lit(True).alias("_is"))
    return units.join(typed, on=on, how="left", maintain_order="left")["_is"].fill_null(False)


def _new_aside(seen: Seen, seen_clean: Seen, copy: Copy) -> int:
    """Rows set aside that are neither damaged nor set aside in the clean copy (as many as those)."""
    aside = seen.quarantined.rename({"row_number": "row"}).select("file", "row").unique()
    innocent = aside.join(
        copy.truth.select("file", pl.col("row").cast(aside["row"].dtype)), on=["file", "row"], how="anti"
    )
    return max(innocent.height - seen_clean.quarantined.height, 0)


def _holds(
    units: pl.DataFrame, clean: dict[str, pl.DataFrame], now: dict[str, pl.DataFrame], *, near: bool = False
) -> pl.Series:
    """Whether the store holds, at each unit's key, what the clean store holds at the clean key."""
    numbered = units.with_row_index("unit")
    held = []
    for (table, column), part in numbered.group_by("table", "column"):
        if column is None:
            # A record entered twice: right once one of the two is gone.
            keys = now[str(table)]["key"].implode()
            both_there = pl.col("key").is_in(keys) & pl.col("clean_key").is_in(keys)
            held.append(part.select("unit", right=~both_there))
            continue
        before = clean[str(table)].select(clean_key="key", before=str(column))
        after = now[str(table)].select("key", after=str(column))
        both = part.join(before, on="clean_key", how="left").join(after, on="key", how="left")
        held.append(both.select("unit", right=_agrees(both, near)))
    return pl.concat(held).unique("unit").sort("unit")["right"].fill_null(False)


def _repaired(units: pl.DataFrame, seen_clean: Seen, seen: Seen, *, near: bool) -> pl.Series:
    """`_holds` after repair; null where nothing was repaired."""
    if seen.repaired is None:
        return pl.repeat(None, units.height, dtype=pl.Boolean, eager=True)
    return _holds(units, seen_clean.tables, seen.repaired, near=near)


def _agrees(both: pl.DataFrame, near: bool) -> pl.Expr:
    before, after = pl.col("before"), pl.col("after")
    same_key = pl.col("key") == pl.col("clean_key")
    equal = before.eq_missing(after) & (before.is_not_null() | same_key)
    if near and both["before"].dtype.is_numeric():
        return equal | (
            (before.cast(float) - after.cast(float)).abs() <= NUMBER_TOLERANCE * before.cast(float).abs()
        )
    if near and both["before"].dtype.is_temporal():
        return equal | ((before - after).abs() <= TIME_TOLERANCE)
    return equal


def _record(kind: str, variant: str, entities: pl.DataFrame, false: int | None) -> dict[str, Any]:
    open_ = entities.filter(~pl.col("absorbed"))
    found = int(open_["found"].sum())
    all_found = int(entities["found"].sum())
    return {
        "kind": kind,
        "variant": variant,
        "units": entities.height,
        "absorbed": entities.height - open_.height,
        "recall": found / open_.height if open_.height else None,
        "noticed": _share(open_["noticed"]),
        "precision": None if false is None or not all_found + false else all_found / (all_found + false),
        "restored": _share(open_["exact"]),
        "restored_near": _share(open_["near"]),
        "false_flags": false,
    }


def _share(values: pl.Series) -> float | None:
    mean = values.mean()
    return float(mean) if isinstance(mean, int | float) else None


def clean_alarms(seen: Seen) -> list[dict[str, Any]]:
    """How many rows each check flags of the clean copy, by table and column."""
    counts = seen.flags.group_by("check", "table", "column").len("rows").sort("check", "table", "column")
    return counts.to_dicts()
