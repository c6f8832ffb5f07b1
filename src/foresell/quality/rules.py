"""Rules over the rows of one table: all of them are counted in one scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.tables import TABLES
from foresell.quality.finding import MAX_EXAMPLES, Finding, Severity, Words

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that a row should not meet. A null condition is not met.

    `applies` limits the rows that are looked at, which the share is of; None: all of them. `evidence`: text
    that shows the fault; None: the value of the column.
    """

    column: str | None
    severity: Severity
    condition: Any
    words: Words
    applies: Any = None
    evidence: Any = None


def find_rows(check: str, table: str, rows: Any, example: str, rules: Sequence[Rule]) -> list[Finding]:
    """The rules that some of `rows` (a lazy Ibis table) meet; examples are values of column `example`."""
    if not rules:
        return []
    counts = _count(rows, rules)
    return [
        Finding(
            check=check,
            table=table,
            column=rule.column,
            severity=rule.severity,
            num_rows=bad,
            share=bad / looked_at,
            examples=examples_of(rows.filter(rule.condition), example),
            words=rule.words,
            rows=affected(rows.filter(rule.condition), table, rule.column, example, rule.evidence),
        )
        for rule, (bad, looked_at) in zip(rules, counts, strict=True)
        if bad
    ]


def affected(rows: Any, table: str, column: str | None, example: str, evidence: Any = None) -> Any:
    """What `Finding.rows` is, of rows that have a fault: lazy, nothing is read."""
    import ibis

    key = TABLES[table].key if table in TABLES else (example,)
    names = key if set(key) <= set(rows.columns) else (example,)
    if evidence is None and column is not None and column in rows.columns:
        evidence = rows[column].cast("string")
    text = ibis.null("string") if evidence is None else evidence
    return rows.select(*names, column=ibis.literal(column, type="string"), evidence=text)


def finding_of(
    place: tuple[str, str, str | None],
    severity: Severity,
    faults: "pl.DataFrame",
    num_looked_at: int,
    words: Words,
) -> list[Finding]:
    """A finding of rows that were found outside the engine, none if there are none.

    `place`: check, table and column. `faults`: the table's key columns, `evidence` and, where the check knows
    what would be right, `suggested`; a row each.
    """
    import ibis

    if faults.is_empty():
        return []
    check, table, column = place
    key = TABLES[table].key[0]
    examples = faults[key].unique().sort()[:MAX_EXAMPLES]
    shown = ibis.memtable(faults.sort(TABLES[table].key).with_columns(column=pl_text(column)).to_arrow())
    share = faults.height / max(num_looked_at, faults.height)
    return [
        Finding(check, table, column, severity, faults.height, share, tuple(map(str, examples)), words, shown)
    ]


def pl_text(value: str | None) -> Any:
    """A text, or a missing one, as a Polars literal."""
    import polars as pl

    return pl.lit(value, dtype=pl.String)


def read_frame(table: Any) -> "pl.DataFrame":
    """A lazy table as a Polars frame."""
    import polars as pl

    return pl.DataFrame(table.to_pyarrow())


def _count(rows: Any, rules: Sequence[Rule]) -> list[tuple[int, int]]:
    measures = {"num_rows": rows.count()}
    for position, rule in enumerate(rules):
        measures[f"bad_{position}"] = rows.count(where=rule.condition)
        if rule.applies is not None:
            measures[f"of_{position}"] = rows.count(where=rule.applies)
    counted = read_rows(rows.aggregate(**measures))[0]
    total = counted["num_rows"]
    return [(counted[f"bad_{i}"], max(counted.get(f"of_{i}", total), 1)) for i in range(len(rules))]


def examples_of(rows: Any, column: str) -> tuple[str, ...]:
    """The smallest values of an id column, as text."""
    smallest = rows.select(example=rows[column]).distinct().order_by("example").limit(MAX_EXAMPLES)
    return tuple(str(row["example"]) for row in read_rows(smallest))


def read_rows(table: Any) -> list[dict[str, Any]]:
    """The rows of a small lazy table."""
    rows: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    return rows


def rows_of(tables: Tables, name: str) -> Any | None:
    """The current rows of a table, None where it has none."""
    return tables.current(name) if tables.has_rows(name) else None
