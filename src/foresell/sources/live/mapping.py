"""Live events as the rows of an import: the columns of `events` as text, and what was refused on arrival.

A row that was refused carries the column at fault and its value; it is quarantined as long as that column
still says so, so that whoever corrects the value can replay it. Live events make no customers and no
products, unless the shop says so: anybody who may send events could otherwise fill its lists.
"""

from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from foresell.contracts.tables import events
from foresell.sources.live.checking import Fault
from foresell.sources.mapping import Field, Mapping, Rule, Target

SOURCE = "live"
REFUSED_COLUMN, REFUSED_VALUE, REASON = "refused_column", "refused_value", "refused_reason"
COLUMNS = tuple(column.name for column in events.own_columns)
RAW_COLUMNS = (*COLUMNS, "received_at", REFUSED_COLUMN, REFUSED_VALUE, REASON)


def refused(row: MappingOf[str, str], fault: Fault) -> dict[str, str | None]:
    """The raw row of an event that was refused."""
    column = "properties" if fault.column == "items" else fault.column or "event_id"
    return {**row, REFUSED_COLUMN: column, REFUSED_VALUE: fault.value, REASON: fault.reason}


def _rule(column: str) -> Rule:
    return Rule(
        "refused_on_arrival",
        column,
        f'"{REFUSED_COLUMN}" = \'{column}\' AND "{column}" IS NOT DISTINCT FROM "{REFUSED_VALUE}"',
        f"'{column}' was refused when the event arrived ({REASON} says why): correct it "
        f"(foresell quarantine fix ID --set {column}=VALUE), then replay",
    )


LIVE = Mapping(
    SOURCE,
    (
        Target(
            events.name,
            {name: Field(columns=(name,)) for name in COLUMNS},
            is_primary=True,
            rules=tuple(_rule(name) for name in COLUMNS),
        ),
    ),
    time_zone="UTC",
)

# What events may make known beside themselves: keys that do not exist yet, and nothing more of them.
STUBS: dict[str, Target] = {
    "customers": Target("customers", {"customer_id": Field(columns=("customer_id",))}, is_stub=True),
    "products": Target("products", {"product_id": Field(columns=("product_id",))}, is_stub=True),
}


def live_mapping(makes: Iterable[str]) -> Mapping:
    """How events are read where they make these tables known."""
    return replace(LIVE, targets=(*LIVE.targets, *(STUBS[name] for name in dict.fromkeys(makes))))
