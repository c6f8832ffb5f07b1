"""One key with several contents: what is believed twice, and what one import said in two ways."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import MAX_EXAMPLES, Finding, Severity, Words
from foresell.quality.profile import ProfiledTables
from foresell.quality.rules import read_rows

# Grouping tens of millions of text keys takes gigabytes; ingest has deduplicated these by key already.
MOST_ROWS_GROUPED = 5_000_000


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Keys with more than one current row (an error of the store), and keys to which one import
    gave several contents (the last one is believed).

    Tables of more than MOST_ROWS_GROUPED rows are looked at in their superseded rows only.
    """
    profiled = ProfiledTables.over(tables)
    findings: list[Finding] = []
    for name in profiled.loaded():
        if profiled.profile(name).num_rows <= MOST_ROWS_GROUPED:
            findings += _repeated(name, profiled.current(name), TABLES[name].key, "error", _twice(name))
        findings += _said_in_two_ways(profiled, name)
    return findings


def _said_in_two_ways(tables: Tables, name: str) -> list[Finding]:
    """Contents that the import which recorded them also superseded."""
    history = tables.history(name)
    superseded = history.filter(history.superseded_at.notnull())
    if not read_rows(superseded.limit(1).select("recorded_at")):
        return []
    key = [*TABLES[name].key, "ingest_run_id"]
    candidates = history.semi_join(superseded.select(key).distinct(), key)
    return _repeated(name, candidates, tuple(key), "warning", _two_ways(name))


def _repeated(table: str, rows: Any, key: tuple[str, ...], severity: Severity, words: Words) -> list[Finding]:
    groups = rows.group_by(list(key)).aggregate(copies=rows.count())
    repeated = groups.filter(groups.copies > 1)
    counted = read_rows(repeated.aggregate(bad=repeated.count()))[0]["bad"]
    if not counted:
        return []
    total = read_rows(groups.aggregate(total=groups.count()))[0]["total"]
    smallest = repeated.select(example=repeated[key[0]]).distinct().order_by("example").limit(MAX_EXAMPLES)
    return [
        Finding(
            check="keys",
            table=table,
            column=key[0],
            severity=severity,
            num_rows=counted,
            share=counted / total,
            examples=tuple(str(row["example"]) for row in read_rows(smallest)),
            words=words,
        )
    ]


def _twice(table: str) -> Words:
    return Words(
        f"Keys of {table} have several current rows",
        "Sums over this table count them twice. Run `foresell rebuild`, and report it if they stay.",
        f"{table} 中同一主键有多条当前记录",
        "对该表求和会重复计算。请运行 `foresell rebuild`；若仍存在请反馈问题。",
    )


def _two_ways(table: str) -> Words:
    return Words(
        f"One import gave several contents for the same key of {table}; the last one is believed",
        "Look at the examples at the source: two rows may share an id that should be two.",
        f"同一次导入对 {table} 的同一主键给出了多种内容，以最后一条为准",
        "请在数据源核对示例：可能有两条记录误用了同一个编号。",
    )
