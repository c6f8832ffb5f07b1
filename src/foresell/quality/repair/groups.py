"""Which rows a repair looks at together. Money is never put together across currencies."""

from typing import Any

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import Table
from foresell.quality.repair.patch import believed
from foresell.quality.repair.rule import Rule

CURRENCY = "_currency"
# What a row belongs to, and what a value is therefore never carried across, where there is no date key.
OWNERS = ("customer_id", "product_id", "location_id")
TIMES = {"receipts": "received_at", "promotions": "starts_at", "campaigns": "starts_at"}


def grouped(tables: Tables, settings: Settings, rule: Rule) -> tuple[Any, list[str]]:
    """The believed rows, and the columns whose values make its groups; a null there: no group at all."""
    rows, groups = believed(tables, rule.table), list(rule.by or ())
    if rule.the_column.type != "decimal":
        return rows, groups
    rows = with_currency(tables, settings, rule, rows)
    return rows, [*groups, CURRENCY] if CURRENCY in rows.columns else groups


def with_currency(tables: Tables, settings: Settings, rule: Rule, rows: Any) -> Any:
    """Rows with the currency of their money, the store's where they name none."""
    table = rule.contract
    if "currency" in table.column:
        return rows.mutate(**{CURRENCY: rows.currency.fill_null(settings.store.currency)})
    if table.name != "order_lines":
        return rows
    orders = tables.current("orders").select("order_id", **{CURRENCY: "currency"})
    joined = rows.left_join(orders, "order_id")
    return joined.select(
        *[joined[name] for name in rows.columns],
        **{CURRENCY: joined[CURRENCY].fill_null(settings.store.currency)},
    )


def series_groups(rule: Rule) -> tuple[str, ...]:
    """The groups within which a series runs: as asked, else the key but its date, else whose a row is.

    InputError where a table has neither.
    """
    if rule.by is not None:
        return rule.by
    table = rule.contract
    time = time_of(table)
    if time in table.key:
        return tuple(name for name in table.key if name != time)
    if table.is_versioned and table.time_column is None:
        return table.key
    owners = [name for name in OWNERS if name in table.column]
    if not owners:
        raise rule.error("does not say what a series is", do="Add 'by COLUMN', or 'by nothing'.")
    return (owners[0],) if owners[0] == "customer_id" else tuple(owners)


def time_of(table: Table) -> str | None:
    """The column along which the rows of a table are a series; None: they are none."""
    dates = [name for name in table.key if table.column[name].type == "date"]
    if table.time_column or dates:
        return table.time_column or dates[0]
    return TIMES.get(table.name) or ("valid_from" if table.is_versioned else None)


def require_time(rule: Rule) -> str:
    """The column of time; InputError for a table that has none."""
    time = time_of(rule.contract)
    if time is None:
        raise rule.error(
            f"needs time, and the rows of {rule.table} have none", do="Use mean, median, mode or constant."
        )
    return time


def one_currency(tables: Tables, settings: Settings, rule: Rule, rows: Any) -> str | None:
    """The only currency of these rows (None: they have no money); InputError where there are several."""
    rows = with_currency(tables, settings, rule, rows)
    if CURRENCY not in rows.columns:
        return None
    found = rows.select(CURRENCY).distinct().order_by(CURRENCY).limit(3).to_pyarrow()[CURRENCY].to_pylist()
    if len(found) > 1:
        raise InputError(
            f"The repair rule '{rule.text}' would give one amount to several currencies",
            received=", ".join(found),
            do=f"Name the currency: a rule each, such as '{rule.repair} {rule.argument} {found[0]}'.",
        )
    return found[0] if found else None


def group_words(rows: Any, groups: list[str]) -> Any:
    """A text expression: what a row's group is, such as ' where category = Tea'; '' without groups."""
    import ibis

    words: Any = ibis.literal("")
    for place, name in enumerate(groups):
        lead = " where " if place == 0 else " and "
        words = words + ibis.literal(f"{lead}{name.lstrip('_')} = ") + rows[name].cast("string")
    return words
