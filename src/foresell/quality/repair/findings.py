"""The rows that a quality check finds, as repairs need them."""

from typing import Any

from foresell.contracts.errors import did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality import CHECKS
from foresell.quality.repair.rule import Rule


def require_check(rule: Rule, name: str) -> None:
    if name not in CHECKS:
        raise rule.error(f"names no check: '{name}'", do=did_you_mean(name, CHECKS))


def found_rows(tables: Tables, settings: Settings, check: str, table: str, column: str | None) -> Any:
    """What a check finds in a table (and column), a row a key; None where it finds nothing.

    Columns: the key, `_why`, and `_suggested`, what would be right, as text (of several the smallest; null
    where the check does not know).
    """
    import ibis

    key = list(TABLES[table].key)
    lists = []
    for finding in CHECKS[check](tables, settings):
        rows = finding.rows
        is_meant = finding.table == table and column in (None, finding.column)
        if not is_meant or rows is None or not set(key) <= set(rows.columns):
            continue
        is_known = "suggested" in rows.columns
        lists.append(
            rows.select(
                *key,
                _why=ibis.literal(finding.message + ": ") + rows.evidence.cast("string").fill_null("?"),
                _suggested=rows.suggested.cast("string") if is_known else ibis.null("string"),
            )
        )
    if not lists:
        return None
    together = lists[0]
    for other in lists[1:]:
        together = together.union(other)
    return together.group_by(key).aggregate(_why=together._why.min(), _suggested=together._suggested.min())
