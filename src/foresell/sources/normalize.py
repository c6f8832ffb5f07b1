"""A target of a mapping as one SELECT: raw rows in, rows of a canonical table out, with what is wrong."""

import re
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from difflib import get_close_matches

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings
from foresell.sources.compiling import VALID_FROM, CompiledColumn, all_fields, compile_columns, joined_text
from foresell.sources.mapping import CUSTOMER_KINDS, Field, Mapping, Target
from foresell.sources.parsing import FIRST, SECOND
from foresell.store.engine import literal, quoted
from foresell.store.items import item_number

REFERENCE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class _Check:
    condition: str
    code: str
    column: str
    message: str


def normalize_sql(
    target: Target,
    mapping: Mapping,
    raw_columns: MappingOf[str, str],
    raw: str,
    settings: Settings,
) -> str:
    """A SELECT of the target's rows from the relation `raw`.

    `raw_columns`: name → DuckDB type, those that `mapping.prepare` adds included; `raw` has them, and
    `_row_number` (BIGINT). Columns of the result: the table's own, typed as in the contracts; `local_date` if
    the table has a main time; `valid_from` if it is versioned; `_row_number`; `_error_code`, `_error_column`
    (in the source's words), `_error_message`: null in a good row, else the first fault found.

    A primary target gives one row for each raw row that belongs to it; one with `unnest` a row for each item,
    whose `_row_number` is an item's (see `store.items`). The connection's TimeZone must be UTC
    (as `engine.connect` makes it). A mapped column that `raw_columns` lacks counts as null.
    """
    fields = all_fields(target, mapping, raw_columns, settings)
    compiled = compile_columns(target, mapping, raw_columns, settings)
    missing = {name for source in fields.values() for name in source.columns if name not in raw_columns}
    absent = "".join(f", CAST(NULL AS VARCHAR) AS {quoted(name)}" for name in sorted(missing))
    rows = f"SELECT *{absent} FROM {raw if raw.startswith('(') else quoted(raw)}"
    if condition := _membership(target, mapping):
        rows = f"SELECT * FROM ({rows}) WHERE {condition}"
    if target.unnest is not None:
        rows = _items(rows, target.unnest)
    for layer in _layers(compiled, fields, target):
        rows = f"SELECT *, {', '.join(layer)} FROM ({rows})"
    if needed := _needed(target):
        rows = f"{rows} WHERE {needed}"
    return _outer(compiled, fields, target, settings, rows)


def _items(rows: str, items: str) -> str:
    """A row for each item of the lists that `rows` have, numbered so that the merge knows each."""
    listed = f"SELECT *, {items} AS _unnested FROM ({rows})"
    each = (
        f"SELECT *, unnest(_unnested) AS _item, generate_subscripts(_unnested, 1) AS _place FROM ({listed})"
    )
    return f"SELECT * REPLACE ({item_number('_row_number', '_place')} AS _row_number) FROM ({each})"


def identifier_expressions(mapping: Mapping, raw_columns: MappingOf[str, str]) -> dict[str, tuple[str, ...]]:
    """Kind of identifier → SQL over the raw columns that gives it whole, as the tables spell it."""
    found: dict[str, list[str]] = {}
    for target in mapping.targets:
        for name, source in target.fields.items():
            kind = target.contract.column[name].identifies
            is_known = all(column in raw_columns for column in source.columns)
            is_of_row = target.unnest is None and REFERENCE.search(source.sql or "") is None
            is_simple = source.sql is None or is_of_row
            if kind in CUSTOMER_KINDS and source.columns and is_simple and is_known:
                expression = source.sql or joined_text(source, raw_columns)
                if expression not in found.setdefault(kind, []):
                    found[kind].append(expression)
    return {kind: tuple(expressions) for kind, expressions in found.items()}


def missing_columns(target: Target, raw_columns: Iterable[str]) -> list[str]:
    """The source columns that the target needs and the file lacks, in the mapping's order."""
    present = set(raw_columns)
    needed = [
        column for source in target.all_fields.values() if not source.is_optional for column in source.columns
    ]
    return [column for column in dict.fromkeys(needed) if column not in present]


def require_columns(target: Target, mapping: Mapping, columns: Iterable[str], *, where: str) -> None:
    """Raise InputError if the file lacks a column that the target needs, naming the closest it has.

    Columns that `mapping.prepare` adds (they begin with an underscore) are not asked for.
    """
    present = list(columns)
    missing = missing_columns(target, present)
    if mapping.prepare is not None:
        missing = [column for column in missing if not column.startswith("_")]
    if not missing:
        return
    close = get_close_matches(missing[0], present, n=3, cutoff=0.5)
    hint = f"The closest it has: {', '.join(close)}. " if close else ""
    raise InputError(
        f"{where} has no column '{missing[0]}', which '{mapping.name}' maps to {target.table}",
        received=", ".join(present),
        do=f"{hint}Rename the column in the file, change it in the mapping, or say which line names the "
        "columns with --header-row.",
    )


def _membership(target: Target, mapping: Mapping) -> str:
    """The SQL condition of a row that feeds the target; of primary targets, the first takes it."""
    conditions = [] if target.when is None else [f"({target.when})"]
    if target.is_primary:
        for earlier in mapping.primaries:
            if earlier == target:
                break
            conditions.append(f"NOT coalesce(({earlier.when or 'true'}), false)")
    return " AND ".join(conditions)


def _layers(compiled: list[CompiledColumn], fields: MappingOf[str, Field], target: Target) -> list[list[str]]:
    """Select lists, each over the one before: sources, first casts, typed values, then those by SQL."""
    plain = [c for c in compiled if c.column.name not in fields or fields[c.column.name].sql is None]
    by_sql = [c for c in compiled if c not in plain]
    mapped = [c for c in plain if c.column.name in fields]
    sources = [f"{c.source} AS {quoted(f'_x_{c.column.name}')}" for c in mapped]
    firsts = [f"{c.parsed.first} AS {_step(c, 1)}" for c in plain if c.parsed.first is not None]
    seconds = [f"{_typed_sql(c, c.parsed.second)} AS {_step(c, 2)}" for c in plain if c.parsed.second]
    typed = [f"{_typed_sql(c, c.parsed.sql)} AS {_alias(c.column.name)}" for c in plain]
    given = [
        f"({_resolved(fields[c.column.name].sql or 'NULL')}) AS {quoted(f'_x_{c.column.name}')}"
        for c in by_sql
    ]
    typed_by_sql = [f"{c.parsed.sql} AS {_alias(c.column.name)}" for c in by_sql]
    return [layer for layer in (sources, firsts, seconds, typed, given, typed_by_sql) if layer]


def _typed_sql(compiled: CompiledColumn, sql: str) -> str:
    return sql.replace(FIRST, _step(compiled, 1)).replace(SECOND, _step(compiled, 2))


def _step(compiled: CompiledColumn, number: int) -> str:
    return quoted(f"_{number}_{compiled.column.name}")


def _alias(name: str) -> str:
    return quoted(f"_t_{name}")


def _resolved(sql: str) -> str:
    """`{name}` in a preset's SQL is the typed target column."""
    return REFERENCE.sub(lambda match: _alias(match.group(1)), sql)


def _needed(target: Target) -> str:
    """A row that is not the primary one, and has no key, says nothing about the target."""
    keys = () if target.is_primary else target.contract.key
    texts = [name for name in keys if target.contract.column[name].type == "string"]
    return " AND ".join(f"{_alias(name)} IS NOT NULL" for name in dict.fromkeys((*texts, *target.needs)))


def _checks(compiled: list[CompiledColumn], target: Target) -> list[_Check]:
    checks = []
    for item in compiled:
        is_null = f"{_alias(item.column.name)} IS NULL"
        if item.given is not None:
            for fault in item.parsed.faults:
                parts = [is_null, item.given, *([fault.condition] if fault.condition else [])]
                condition = " AND ".join(f"({part})" for part in parts)
                checks.append(_Check(condition, fault.code, item.words_of_source, fault.message))
    for rule in target.rules:
        checks.append(_Check(_resolved(rule.condition), rule.error_code, rule.column, rule.message))
    for item in compiled:
        if item.column.required and (not target.is_retired or item.column.name in target.contract.key):
            message = (
                f"'{item.words_of_source}' is empty, and {target.table} needs it as {item.column.name}: "
                f"fill it in (foresell quarantine fix ID --set {item.words_of_source}=VALUE), then replay"
            )
            is_null = f"{_alias(item.column.name)} IS NULL"
            checks.append(_Check(is_null, "missing_required", item.words_of_source, message))
    return checks


def _outer(
    compiled: list[CompiledColumn],
    fields: MappingOf[str, Field],
    target: Target,
    settings: Settings,
    rows: str,
) -> str:
    checks = _checks(compiled, target)
    cases = " ".join(f"WHEN {check.condition} THEN {place}" for place, check in enumerate(checks, 1))
    fault = f"CASE {cases} END" if cases else "CAST(NULL AS INTEGER)"
    own = [c for c in compiled if c.column is not VALID_FROM]
    selected = [f"{_alias(c.column.name)} AS {quoted(c.column.name)}" for c in own]
    if target.contract.time_column is not None:
        selected.append(f"{local_date_sql(_alias(target.contract.time_column), settings)} AS local_date")
    if target.contract.is_versioned:
        selected.append(f"{_alias(VALID_FROM.name)} AS valid_from")
    selected.append("_row_number")
    for name, texts in (
        ("_error_code", [check.code for check in checks]),
        ("_error_column", [check.column for check in checks]),
        ("_error_message", [check.message for check in checks]),
    ):
        choices = ", ".join(literal(text) for text in texts)
        text = f"list_extract(CAST([{choices}] AS VARCHAR[]), _fault)"
        selected.append(f"CASE WHEN _fault IS NOT NULL THEN {text} END AS {name}")
    return f"SELECT {', '.join(selected)} FROM (SELECT *, {fault} AS _fault FROM ({rows}))"


def local_date_sql(time: str, settings: Settings) -> str:
    """The SQL of the date, in the store's time zone, of a time (SQL)."""
    if settings.store.time_zone == "UTC":
        return f"CAST(make_timestamp(epoch_us({time})) AS DATE)"
    return f"CAST(timezone({literal(settings.store.time_zone)}, {time}) AS DATE)"
