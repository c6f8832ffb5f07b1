"""Which features a shop has: chosen once on what was known at a cutoff, then frozen with the model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from foresell.contracts.errors import InputError

FocusOn = Literal["product", "category", "department", "brand"]
WINDOWS = (1, 7, 30, 90)


@dataclass(frozen=True, slots=True)
class Focus:
    """What the label is about: purchases of it get features of their own."""

    on: FocusOn
    value: str


@dataclass(frozen=True, slots=True)
class CustomerSpec:
    """What `customer_features` computes, decided at one cutoff so that training and scoring agree.

    has_*        which tables the shop had; features of a table that was missing are never computed
    windows      days of the windows, ascending; the whole history is always among them
    event_names, categories, departments, channels, devices, sources   the most frequent values, most first,
                 ties by name
    usual_prices mean price of one unit before discount, by category
    focus        see `Focus`; None: none
    """

    has_orders: bool
    has_events: bool
    has_products: bool = False
    has_refunds: bool = False
    has_coupons: bool = False
    windows: tuple[int, ...] = WINDOWS
    event_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    usual_prices: tuple[tuple[str, float], ...] = ()
    focus: Focus | None = None

    def about(self, focus: Focus | None) -> "CustomerSpec":
        """The same spec with features of purchases of this."""
        return replace(self, focus=focus)

    def as_record(self) -> dict[str, Any]:
        """JSON-ready; `spec_of` is the inverse."""
        return asdict(self)


def spec_of(record: Mapping[str, Any]) -> CustomerSpec:
    """The spec of a record, as JSON gives it back.

    Raises InputError for a record of another version.
    """
    plain = {name: _tuple(value) for name, value in record.items() if name != "focus"}
    focus = record.get("focus")
    try:
        return CustomerSpec(**plain, focus=Focus(**focus) if focus else None)
    except TypeError as error:
        raise InputError(
            "These features were declared by another version", received=error, do="Fit the model again."
        ) from error


def _tuple(value: Any) -> Any:
    return tuple(_tuple(item) for item in value) if isinstance(value, list | tuple) else value
