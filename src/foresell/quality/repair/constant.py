"""constant: a wrong value becomes one that the shop names."""

from typing import Any

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import EVENT_NAMES, ORDER_STATUSES
from foresell.quality.repair.fitness import require_attribute
from foresell.quality.repair.groups import CURRENCY, one_currency, with_currency
from foresell.quality.repair.patch import Patch, believed, changes, is_wrong
from foresell.quality.repair.rule import Rule
from foresell.quality.repair.values import read_value

# Columns whose words are a closed list.
KNOWN_WORDS = {("events", "event_name"): tuple(EVENT_NAMES), ("orders", "status"): ORDER_STATUSES}
CODE_LENGTH = 3


def check(rule: Rule) -> None:
    require_attribute(rule, is_reference_allowed=True)
    _read(rule)


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """An amount other than 0 says its currency (`constant 5 EUR`), or all wrong cells have the same."""
    import ibis

    column = rule.the_column
    value, currency = _read(rule)
    rows = believed(tables, rule.table)
    rows = rows.filter(is_wrong(rows, column.name, rule.condition))
    if column.type == "decimal" and value != 0:
        if currency is None:
            one_currency(tables, settings, rule, rows)
        else:
            rows = with_currency(tables, settings, rule, rows)
            rows = rows.filter(rows[CURRENCY] == currency)
    new = ibis.literal(value).cast(rows[column.name].type())
    return [changes(rows, rule, {column.name: new}, ibis.literal("named in the rule"))]


def _read(rule: Rule) -> tuple[Any, str | None]:
    """The value, and the currency that is named with it."""
    column = rule.the_column
    text, currency = rule.argument, None
    if text is None:
        raise rule.error("names no value", do=f"Write: {rule.table}.{column.name}: constant VALUE.")
    if column.type == "decimal" and " " in text:
        text, _, currency = text.rpartition(" ")
        _require_code(rule, currency)
    if column.name == "currency":
        _require_code(rule, text)
    return read_value(column, text, rule.text, words=KNOWN_WORDS.get((rule.table, column.name), ())), currency


def _require_code(rule: Rule, code: str) -> None:
    if not (len(code) == CODE_LENGTH and code.isascii() and code.isalpha() and code.isupper()):
        raise InputError(
            f"The repair rule '{rule.text}': '{code}' is no ISO 4217 code", do="Write it as EUR or USD."
        )
