"""mode: a wrong value becomes the most frequent right one of its group."""

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.fitness import VALUES, refuse_argument, require_attribute, require_type
from foresell.quality.repair.groups import group_words, grouped
from foresell.quality.repair.patch import Patch, changes, is_wrong
from foresell.quality.repair.rule import Rule


def check(rule: Rule) -> None:
    refuse_argument(rule)
    require_attribute(rule)
    require_type(rule, VALUES, "constant")
    if rule.the_column.name == "currency":
        raise rule.error("would guess what money is worth", do="Name it: constant EUR.")


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Of equally frequent values the smallest (text: by its bytes) is taken; the evidence says so."""
    import ibis

    column = rule.the_column.name
    rows, groups = grouped(tables, settings, rule)
    rows = rows.mutate(_wrong=is_wrong(rows, column, rule.condition))
    right = rows.filter(~rows._wrong, rows[column].notnull())
    counts = right.group_by([*groups, column]).aggregate(_count=right.count())
    best = ibis.window(group_by=groups, order_by=[ibis.desc(counts._count), counts[column]])
    alike = ibis.window(group_by=[*groups, "_count"])
    ranked = counts.mutate(
        _rank=ibis.row_number().over(best),
        _tied=counts.count().over(alike),
        _known=counts._count.sum().over(ibis.window(group_by=groups)),
    )
    first = ranked.filter(ranked._rank == 0)
    first = first.select(*groups, "_count", "_tied", "_known", _value=first[column])
    wrong = rows.filter(rows._wrong)
    joined = wrong.inner_join(first, groups) if groups else wrong.cross_join(first)
    shared = " (as frequent as " + (joined._tied - 1).cast("string") + " others; the smallest is taken)"
    evidence = (
        "most frequent: "
        + joined._count.cast("string")
        + " of "
        + joined._known.cast("string")
        + " known values"
        + group_words(joined, groups)
        + ibis.ifelse(joined._tied > 1, shared, "")
    )
    return [changes(joined, rule, {column: joined._value}, evidence)]
