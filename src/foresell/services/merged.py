"""Records that repairs have merged, as the raw parts of their runs say."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.tables import TABLES
from foresell.quality.repair.merging import INTO, as_pairs
from foresell.quality.repair.rule import Rule
from foresell.services.repaired_tables import RepairedTables
from foresell.services.shop import Shop
from foresell.store.engine import literal, quoted
from foresell.store.raw import RawRun

if TYPE_CHECKING:
    import duckdb


def merged_before(
    connection: "duckdb.DuckDBPyConnection", tables: RepairedTables, shop: Shop, rule: Rule
) -> Any:
    """What earlier runs of a rule merged (`_gone`, `_kept`, `_why`), lazily; None: they merged nothing.

    Left out are those that are back because their source said something new of them.
    """
    runs = [run for run in _standing_runs(shop) if run.source_file == rule.text]
    into = _merged_in(connection, shop, runs, rule.table)
    [name] = rule.contract.key
    listed = tables.current(rule.table)[[name]].distinct().to_pyarrow()[name].to_pylist() if into else []
    gone = into.keys() - set(listed)
    return (
        as_pairs({key: _last(into, key) for key in gone}, dict.fromkeys(gone, "merged before"))
        if gone
        else None
    )


def same_customers(
    shop: Shop, connection: "duckdb.DuckDBPyConnection", customer_ids: Iterable[str]
) -> set[str]:
    """These customers, and all that repairs hold to be one with them."""
    into = _merged_in(connection, shop, _standing_runs(shop), "customers")
    people = {_last(into, customer) for customer in customer_ids if customer in into}
    people |= set(customer_ids)
    return people | {gone for gone in into if _last(into, gone) in people}


def _standing_runs(shop: Shop) -> list[RawRun]:
    undone = shop.folder.state.rolled_back_runs()
    return [run for run in shop.folder.raw.runs() if run.kind == "repair" and run.run_id not in undone]


def _merged_in(
    connection: "duckdb.DuckDBPyConnection", shop: Shop, runs: Iterable[RawRun], table: str
) -> dict[str, str]:
    """The records of a table that runs say they merged, and into which."""
    into: dict[str, str] = {}
    for run in runs:
        for part in shop.folder.raw.part_paths(run):
            into |= _read(connection, part, table)
    return into


def _read(connection: "duckdb.DuckDBPyConnection", part: Path, table: str) -> dict[str, str]:
    source = f"read_parquet({literal(str(part))})"
    names = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    [key] = TABLES[table].key if len(TABLES[table].key) == 1 else ("",)
    if not {INTO, key} <= names:
        return {}
    rows = connection.execute(
        f"SELECT {quoted(key)}, {INTO} FROM {source} WHERE {INTO} IS NOT NULL AND table_name = ?", [table]
    )
    return dict(rows.fetchall())


def _last(into: dict[str, str], gone: str) -> str:
    """Where a record is now that was merged into one that was merged itself."""
    kept, seen = into.get(gone, gone), {gone}
    while kept in into and kept not in seen:
        seen.add(kept)
        kept = into[kept]
    return kept
