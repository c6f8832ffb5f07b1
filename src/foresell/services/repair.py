"""Repairs: what each would change, applying them as runs, and taking them back.

A repair is a run like an import: its patches are published as a raw part, and applied by the one path of
recovery and rebuild. So the raw zone is the repair log, and a repair that is undone is a run taken back.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.quality.repair import REPAIRS, read_rules
from foresell.quality.repair.merging import INTO, known_pairs
from foresell.quality.repair.patch import NEW, OLD, Action, Patch
from foresell.quality.repair.rule import Rule
from foresell.services.apply import apply_one
from foresell.services.corrections import describe_parts
from foresell.services.repair_records import Example, KpiChange, RepairOutcome, RuleOutcome
from foresell.services.repaired_tables import RepairedTables
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import next_recorded_at, writing
from foresell.sources.mapping import mapping_to_json
from foresell.store.crash_points import reached
from foresell.store.engine import literal, quoted
from foresell.store.raw import RawRun, hash_parts, new_run_id
from foresell.store.said import REPAIR_SOURCE

if TYPE_CHECKING:
    import duckdb

NUM_EXAMPLES = 5


@dataclass(frozen=True)
class _Found:
    """A patch whose rows lie in the temporary table `rows`."""

    patch: Patch
    rows: str
    num_rows: int
    changed: tuple[str, ...]


def repair_tables(
    shop: Shop, rules: Sequence[str] | None = None, dry_run: bool = False, progress: Progress = silent
) -> RepairOutcome:
    """Apply repair rules in their order, one run each; None: those of the settings.

    Each rule sees what those before it did. A rule that finds nothing makes no run. `dry_run`: nothing is
    written, and the outcome says what each rule would change in the KPIs.

    Errors: InputError for a rule that cannot be read or that its repair refuses (then none is applied),
    BusyError while somebody else writes.
    """
    read = read_rules(shop.settings.repair.rules if rules is None else rules)
    if dry_run:
        return _try(shop, read, progress)
    with writing(shop, "repair", progress):
        return RepairOutcome(tuple(_repair_each(shop, read, progress)), is_dry_run=False)


def repair_after_import(shop: Shop, progress: Progress = silent) -> list[RuleOutcome]:
    """Apply the rules of the settings, but those whose last run was undone. The caller holds the lock."""
    if not shop.settings.repair.is_after_import:
        return []
    waiting = waiting_rules(shop)
    rules = [rule for rule in read_rules(shop.settings.repair.rules) if rule.text not in waiting]
    return _repair_each(shop, rules, progress)


def waiting_rules(shop: Shop) -> set[str]:
    """The rules whose last run was undone: they wait until `foresell repair` is given by hand."""
    undone = shop.folder.state.rolled_back_runs()
    last = {run.source_file: run.run_id for run in shop.folder.raw.runs() if run.kind == "repair"}
    return {rule for rule, run_id in last.items() if run_id in undone}


def _repair_each(shop: Shop, rules: Sequence[Rule], progress: Progress) -> list[RuleOutcome]:
    outcomes = []
    for index, rule in enumerate(rules):
        progress(f"repairing {rule.text}", index, len(rules))
        outcomes.append(_repair(shop, rule))
    return outcomes


def _repair(shop: Shop, rule: Rule) -> RuleOutcome:
    recorded_at = next_recorded_at(shop)
    run_id = new_run_id(recorded_at)
    try:
        with shop.connect() as connection:
            tables = RepairedTables(connection, shop.folder.tables.files, shop.settings)
            found = _find(connection, tables, shop, rule)
            outcome = _outcome(connection, rule, found)
            if not found:
                return outcome
            staging = shop.folder.raw.staging(run_id)
            for position, item in enumerate(found):
                _write_part(connection, item, staging / f"part-{position:05}.parquet")
        run = RawRun(
            run_id=run_id,
            kind="repair",
            source=REPAIR_SOURCE + rule.repair,
            source_file=rule.text,
            sha256=hashlib.sha256(rule.text.encode()).hexdigest(),
            mapping=mapping_to_json(
                describe_parts(rule.repair, [(item.patch.contract, item.changed) for item in found])
            ),
            recorded_at=recorded_at,
            num_rows=outcome.num_rows,
            parts=hash_parts(staging),
        )
        reached("repair.staged")
        shop.folder.raw.publish(run)
    except BaseException:
        shop.folder.raw.clear_staging()
        raise
    reached("repair.raw_written")
    return outcome.with_run(apply_one(shop, run))


def _find(
    connection: "duckdb.DuckDBPyConnection", tables: RepairedTables, shop: Shop, rule: Rule
) -> list[_Found]:
    """The patches of a rule that change anything."""
    found = []
    kind = REPAIRS[rule.repair]
    patches = kind.find(tables, shop.settings, rule)
    merged = _merged_before(connection, tables, shop, rule) if kind.follow else None
    if kind.follow and merged is not None:
        patches += kind.follow(tables, rule, merged)
    for patch in patches:
        rows = tables.keep(patch.rows)
        [(count,)] = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
        names = [name for name in patch.rows.columns if name.startswith(OLD)]
        changed = [name for name in patch.rows.columns if name.startswith(NEW)] or names
        if count:
            columns = tuple(dict.fromkeys(name.partition(".")[2] for name in changed))
            found.append(_Found(patch, rows, int(count), columns))
    return found


def _merged_before(
    connection: "duckdb.DuckDBPyConnection", tables: RepairedTables, shop: Shop, rule: Rule
) -> Any:
    """What earlier runs of a rule merged (`_gone`, `_kept`, `_why`), lazily; None: they merged nothing.

    Left out are those that are back because their source said something new of them.
    """
    undone = shop.folder.state.rolled_back_runs()
    into: dict[str, str] = {}
    for run in shop.folder.raw.runs():
        if run.kind == "repair" and run.source_file == rule.text and run.run_id not in undone:
            for part in shop.folder.raw.part_paths(run):
                into |= _merged_in(connection, part, rule)
    [key] = rule.contract.key
    listed = tables.current(rule.table)[[key]].distinct().to_pyarrow()[key].to_pylist() if into else []
    return known_pairs({gone: _last(into, gone) for gone in into.keys() - set(listed)})


def _merged_in(connection: "duckdb.DuckDBPyConnection", part: Path, rule: Rule) -> dict[str, str]:
    """The records that a raw part says were merged, and into which."""
    source = f"read_parquet({literal(str(part))})"
    names = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    if INTO not in names:
        return {}
    [key] = rule.contract.key
    rows = connection.execute(f"SELECT {quoted(key)}, {INTO} FROM {source} WHERE {INTO} IS NOT NULL")
    return dict(rows.fetchall())


def _last(into: dict[str, str], gone: str) -> str:
    """Where a record is now that was merged into one that was merged itself."""
    kept, seen = into[gone], {gone}
    while kept in into and kept not in seen:
        seen.add(kept)
        kept = into[kept]
    return kept


def _write_part(connection: "duckdb.DuckDBPyConnection", item: _Found, path: Path) -> None:
    table, action = literal(item.patch.table), literal(item.patch.action)
    connection.execute(
        f"COPY (SELECT *, {table} AS table_name, {action} AS action FROM {item.rows}) "
        f"TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )


def _outcome(connection: "duckdb.DuckDBPyConnection", rule: Rule, found: Sequence[_Found]) -> RuleOutcome:
    examples = [e for item in found for e in _examples(connection, item)]
    rows: dict[str, int] = {}
    for item in found:
        rows[item.patch.table] = rows.get(item.patch.table, 0) + item.num_rows
    return RuleOutcome(rule.text, rule.repair, rows, tuple(examples[:NUM_EXAMPLES]))


def _examples(connection: "duckdb.DuckDBPyConnection", item: _Found) -> list[Example]:
    """The first rows by key."""
    keys = item.patch.contract.key
    order = ", ".join(quoted(name) for name in keys)
    rows = connection.execute(f"SELECT * FROM {item.rows} ORDER BY {order} LIMIT {NUM_EXAMPLES}")
    names = [column[0] for column in rows.description]
    return [
        read_example(item.patch.table, item.patch.action, dict(zip(names, row, strict=True)))
        for row in rows.fetchall()
    ]


def read_example(table: str, action: Action, row: dict[str, Any]) -> Example:
    """A row of a patch, for people."""
    from foresell.contracts.tables import TABLES

    return Example(
        table,
        action,
        {name: str(row[name]) for name in TABLES[table].key},
        {n.removeprefix(OLD): v for n, v in row.items() if n.startswith(OLD)},
        {n.removeprefix(NEW): v for n, v in row.items() if n.startswith(NEW)},
        str(row["evidence"]),
    )


def _try(shop: Shop, rules: Sequence[Rule], progress: Progress) -> RepairOutcome:
    """What the rules would change, each after those before it."""
    outcomes = []
    with shop.connect() as connection:
        tables = RepairedTables(connection, shop.folder.tables.files, shop.settings)
        first = before = _kpi_values(tables, shop)
        for index, rule in enumerate(rules):
            progress(f"trying {rule.text}", index, len(rules))
            found = _find(connection, tables, shop, rule)
            for item in found:
                tables.lay(item.patch.contract, item.patch.action, item.rows)
            after = _kpi_values(tables, shop) if found else before
            outcomes.append(_outcome(connection, rule, found).with_kpis(_changes(before, after)))
            before = after
    return RepairOutcome(tuple(outcomes), is_dry_run=True, kpis=_changes(first, before))


def _kpi_values(tables: RepairedTables, shop: Shop) -> dict[str, tuple[float | None, str]]:
    """Each KPI that is one number: its value (None where it cannot be given), and its unit."""
    from foresell.contracts.errors import InputError
    from foresell.kpis import KPIS
    from foresell.kpis.answer import KpiAnswer
    from foresell.kpis.query import all_kpis

    single = [name for name, kpi in KPIS.items() if not kpi.read_rows and not kpi.default_by]
    try:
        answers = all_kpis(tables, shop.settings, kpis=single)
    except InputError:  # a missing exchange rate: no KPI of money can be given, before or after
        return {}
    return {
        name: (answer.value, answer.unit) if isinstance(answer, KpiAnswer) else (None, "")
        for name, answer in answers.items()
    }


def _changes(
    before: dict[str, tuple[float | None, str]], after: dict[str, tuple[float | None, str]]
) -> tuple[KpiChange, ...]:
    """The KPIs that differ."""
    return tuple(
        KpiChange(name, unit or before[name][1], before[name][0], value)
        for name, (value, unit) in after.items()
        if name in before and value != before[name][0]
    )
