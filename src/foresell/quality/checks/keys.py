"""One key with several contents: what is believed twice, and what one file said in two ways."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import MAX_EXAMPLES, Finding, Words
from foresell.quality.profile import ProfiledTables
from foresell.quality.rules import affected, examples_of, read_rows, rows_of

# Grouping tens of millions of text keys takes gigabytes; ingest has deduplicated these by key already.
MOST_ROWS_GROUPED = 5_000_000
# The quarantine's reason for a row whose key another row of the same file has with other content.
CONFLICTING = "conflicting_rows"


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Keys with more than one current row (an error of the store; tables of more than MOST_ROWS_GROUPED
    rows are left out), and rows that imports set aside because another of the same file had their key.
    """
    profiled = ProfiledTables.over(tables)
    findings: list[Finding] = []
    for name in profiled.loaded():
        if profiled.profile(name).num_rows <= MOST_ROWS_GROUPED:
            findings += _repeated(name, profiled.current(name), TABLES[name].key)
    return findings + _conflicting(profiled)


def _conflicting(tables: Tables) -> list[Finding]:
    """From the quarantine, which names a row by its run and its number in the file."""
    quarantine = rows_of(tables, "quarantine")
    if quarantine is None:
        return []
    rows = quarantine.filter(quarantine.error_code == CONFLICTING)
    read = rows_of(tables, "ingest_runs")
    num_read = read_rows(read.aggregate(n=read.rows_read.sum()))[0]["n"] if read is not None else None
    findings = []
    for found in read_rows(rows.group_by("target_table").aggregate(num_rows=rows.count())):
        table, count = found["target_table"], found["num_rows"]
        findings.append(
            Finding(
                check="keys",
                table=table,
                column=TABLES[table].key[0] if table in TABLES else None,
                severity="warning",
                num_rows=count,
                share=count / max(num_read or count, count),
                examples=examples_of(rows.filter(rows.target_table == table), "quarantine_id"),
                words=_two_ways(table),
                rows=affected(
                    rows.filter(rows.target_table == table), "quarantine", "error_code", "quarantine_id"
                ),
            )
        )
    return findings


def _repeated(table: str, rows: Any, key: tuple[str, ...]) -> list[Finding]:
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
            severity="error",
            num_rows=counted,
            share=counted / total,
            examples=tuple(str(row["example"]) for row in read_rows(smallest)),
            words=_twice(table),
            rows=affected(repeated, table, key[0], key[0]),
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
        f"A file gave several contents for the same key of {table}; one was used, these were set aside",
        "`foresell quarantine list` shows them. Two rows may share an id that should be two.",
        f"同一文件对 {table} 的同一主键给出了多种内容：采用了一条，其余已隔离",
        "用 `foresell quarantine list` 查看。可能有两条记录误用了同一个编号。",
    )
