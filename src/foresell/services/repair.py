"""Repairs: what each would change, applying them as runs, and taking them back.

A repair is a run like an import: its patches are published as a raw part, and applied by the one path of
recovery and rebuild. So the raw zone is the repair log, and a repair that is undone is a run taken back.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresell.contracts.tables import TABLES
from foresell.quality.repair import REPAIRS, read_rules
from foresell.quality.repair.patch import NEW, OLD, Action, Patch
from foresell.quality.repair.rule import Rule
from foresell.services.apply import apply_one
from foresell.services.corrections import ACTION, PATCHED, TABLE, describe_parts
from foresell.services.merged import merged_before
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
        return RepairOutcome(tuple(repair_each(shop, read, progress)), is_dry_run=False)


def rules_after_import(shop: Shop) -> list[Rule]:
    """The rules of the settings that follow an import: all but those whose last run was undone."""
    if not shop.settings.repair.is_after_import:
        return []
    waiting = waiting_rules(shop)
    return [rule for rule in read_rules(shop.settings.repair.rules) if rule.text not in waiting]


def waiting_rules(shop: Shop) -> set[str]:
    """The rules whose last run was undone: they wait until `foresell repair` is given by hand."""
    undone = shop.folder.state.rolled_back_runs()
    last = {run.source_file: run.run_id for run in shop.folder.raw.runs() if run.kind == "repair"}
    return {rule for rule, run_id in last.items() if run_id in undone}


def repair_each(shop: Shop, rules: Sequence[Rule], progress: Progress = silent) -> list[RuleOutcome]:
    """Apply rules in their order. The caller holds the lock."""
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
            _write_parts(connection, found, staging)
        run = RawRun(
            run_id=run_id,
            kind="repair",
            source=REPAIR_SOURCE + rule.repair,
            source_file=rule.text,
            sha256=hashlib.sha256(rule.text.encode()).hexdigest(),
            mapping=mapping_to_json(describe_parts(rule.repair, [item.patch.contract for item in found])),
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
    merged = merged_before(connection, tables, shop, rule) if kind.follow else None
    if kind.follow and merged is not None:
        patches += kind.follow(tables, rule, merged)
    for patch in patches:
        rows = tables.keep(patch.rows)
        [(count,)] = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
        if count:
            found.append(_Found(patch, rows, int(count)))
    return found


def _write_parts(connection: "duckdb.DuckDBPyConnection", found: Sequence[_Found], staging: Path) -> None:
    """A part a patch. All have the same columns, as the parts of any run, so that erasure can read them."""
    described = [
        {row[0]: row[1] for row in connection.execute(f"DESCRIBE {item.rows}").fetchall()} for item in found
    ]
    kinds = {name: kind for columns in reversed(described) for name, kind in columns.items()}
    for position, (item, own) in enumerate(zip(found, described, strict=True)):
        columns = [
            f"CAST({quoted(name) if name in own else 'NULL'} AS {kinds[name]}) AS {quoted(name)}"
            for name in sorted(kinds)
        ]
        patched = ",".join(name for name in own if name.startswith((OLD, NEW)))
        values = {TABLE: item.patch.table, ACTION: item.patch.action, PATCHED: patched}
        columns += [f"{literal(value)} AS {name}" for name, value in values.items()]
        path = staging / f"part-{position:05}.parquet"
        connection.execute(
            f"COPY (SELECT {', '.join(columns)} FROM {item.rows}) TO {literal(str(path))} "
            "(FORMAT parquet, COMPRESSION zstd)"
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
    patched = row[PATCHED].split(",") if PATCHED in row else list(row)
    return Example(
        table,
        action,
        {name: str(row[name]) for name in TABLES[table].key},
        {n.removeprefix(OLD): row[n] for n in patched if n.startswith(OLD)},
        {n.removeprefix(NEW): row[n] for n in patched if n.startswith(NEW)},
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
    from foresell.matching.resolve import MatchedTables

    single = [name for name, kpi in KPIS.items() if not kpi.read_rows and not kpi.default_by]
    try:
        answers = all_kpis(MatchedTables(tables), shop.settings, kpis=single)
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
