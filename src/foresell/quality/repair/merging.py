"""Records of the same thing under several keys become one: the others go, and what named them names it.

The record that stays is the one that most rows name; of equals the fuller, then the smallest key. It is left
as it is: what the others knew besides stays in the history.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.tables import TABLES, Table
from foresell.quality.repair.patch import NEW, OLD, Patch, believed, naming_columns
from foresell.quality.repair.rule import Rule

# Table → how other tables name its rows.
NAMED_BY = {
    "products": ("product_id", "parent_product_id", "bundle_product_id"),
    "customers": ("customer_id",),
}
# The rows by which records are weighed: what was sold.
WEIGHED_BY = {"products": "order_lines", "customers": "orders"}
INTO = "merged_into"


def require_records(rule: Rule) -> None:
    if rule.table not in NAMED_BY:
        raise rule.error(
            f"merges records of {' and '.join(NAMED_BY)}, not of {rule.table}",
            do="Rows that are twice there: drop duplicates.",
        )


def references(name: str) -> Iterator[tuple[Table, str]]:
    """Each table and column that names the records of a table."""
    for table in TABLES.values():
        for column in table.own_columns:
            is_itself = table.name == name and column.name in table.key
            if column.name in NAMED_BY[name] and not is_itself:
                yield table, column.name


def weights(tables: Tables, name: str) -> Any:
    """How many sold rows name each record: `_key`, `_weight`."""
    [key] = TABLES[name].key
    rows = tables.current(WEIGHED_BY[name])
    named = rows.filter(rows[key].notnull())
    return named.group_by(_key=named[key]).aggregate(_weight=named.count())


def fullness(rows: Any, table: Table) -> Any:
    """How many columns of a row are known."""
    total: Any = 0
    for column in table.own_columns:
        total = total + rows[column.name].notnull().cast("int64")
    return total


def merge(tables: Tables, rule: Rule, pairs: Any) -> list[Patch]:
    """The patches that merge records. `pairs` (lazy): `_gone` key, `_kept` key, `_why`; a key goes once."""
    [key] = rule.contract.key
    rows = believed(tables, rule.table)
    gone = rows.inner_join(pairs, rows[key] == pairs._gone)
    columns = {name: gone[name] for name in naming_columns(rule.contract)}
    dropped = gone.select(**columns, **{OLD + key: gone[key], INTO: gone._kept}, evidence=gone._why)
    return [Patch(rule.table, "drop", dropped), *follow(tables, rule, pairs)]


def follow(tables: Tables, rule: Rule, pairs: Any) -> list[Patch]:
    """The patches that make rows which name a merged record name the one that stays."""
    patches: list[Patch] = []
    for table, column in references(rule.table):
        if not tables.has_rows(table.name):
            continue
        rows = believed(tables, table.name)
        named = rows.inner_join(pairs, rows[column] == pairs._gone)
        if column not in table.key:
            patches.append(_renamed(table, column, named))
            continue
        # A key cannot be changed: the row goes, and comes again under the other key if none is there.
        others = [name for name in table.key if name != column]
        there = rows.select(_there=rows[column], **{f"_{name}": rows[name] for name in others})
        same = [named._kept == there._there, *[named[name] == there[f"_{name}"] for name in others]]
        patches.append(Patch(table.name, "drop", _naming(table, column, named)))
        patches.append(_added(table, column, named.anti_join(there, same)))
    return patches


def as_pairs(into: Mapping[str, str], why: Mapping[str, str]) -> Any:
    """Records to merge (gone → kept) and the reasons (gone → text) as a lazy table of pairs."""
    import ibis

    pairs = {"_gone": list(into), "_kept": list(into.values()), "_why": [why[gone] for gone in into]}
    return ibis.memtable(pairs, schema=dict.fromkeys(pairs, "string"))


def _renamed(table: Table, column: str, named: Any) -> Patch:
    names = {name: named[name] for name in naming_columns(table)}
    values = {OLD + column: named[column], NEW + column: named._kept}
    return Patch(table.name, "change", named.select(**names, **values, evidence=_reason(named)))


def _naming(table: Table, column: str, named: Any) -> Any:
    names = {name: named[name] for name in naming_columns(table)}
    return named.select(**names, **{OLD + column: named[column]}, evidence=_reason(named))


def _added(table: Table, column: str, named: Any) -> Patch:
    """The row under its new key, all columns said; of several that come to one key, one."""
    import ibis

    people = [name for name in naming_columns(table) if name not in table.key]
    others = [c.name for c in table.own_columns if c.name not in table.key]
    names = {name: named._kept if name == column else named[name] for name in table.key}
    rows = named.select(
        **names,
        **{name: named[name] for name in people},
        **{NEW + name: named[name] for name in others},
        evidence=_reason(named),
        _gone=named._gone,
    )
    first = ibis.window(group_by=list(table.key), order_by="_gone")
    numbered = rows.mutate(_copy=ibis.row_number().over(first))
    return Patch(table.name, "add", numbered.filter(numbered._copy == 0).drop("_copy", "_gone"))


def _reason(named: Any) -> Any:
    return "'" + named._gone + "' was merged into '" + named._kept + "'"
