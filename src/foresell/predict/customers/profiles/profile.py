"""One page on one customer, as typed facts; `saying` puts them into words."""

import dataclasses
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Who:
    """What the shop was told of the customer; None: it was not."""

    first_order: date | None = None
    days_since_first_order: int | None = None
    created_at: datetime | None = None
    country: str | None = None
    city: str | None = None
    household: str | None = None
    age_band: str | None = None
    income_band: str | None = None
    gender: str | None = None
    accepts_marketing: bool | None = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """See `rhythm.rhythms`; None where there are fewer than 3 gaps between orders."""

    num_orders: int
    last_date: date
    days_since: int
    usual_gap: float | None = None
    rhythm: str | None = None
    regularity: float | None = None
    pause: str | None = None
    next_date: date | None = None
    next_from: date | None = None
    next_to: date | None = None


@dataclass(frozen=True, slots=True)
class Taste:
    """See `tastes.tastes`."""

    kind: str
    value: str
    num_orders: int
    share: float
    usual_share: float
    lift: float
    confidence: float


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """See `prices.price_levels`."""

    level: str
    distance: float
    error: float
    num_lines: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """See `prices.discount_leanings`."""

    leaning: str
    share: float
    expected: float
    difference: float
    lower: float
    upper: float
    num_lines: int
    num_orders: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Use:
    """A channel or device: how many orders or visits, and their share."""

    value: str
    times: int
    share: float


@dataclass(frozen=True, slots=True)
class Value:
    """See `worth.worth`; `currency` is the store's."""

    currency: str
    net_sales: float
    gross_sales: float
    discount: float
    refunded: float
    num_orders: int
    average_order: float
    below_share: float
    value: str
    trend: str | None = None
    recent_orders: int | None = None
    earlier_orders: int | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A row of the `scores` table of this customer: what a model expects."""

    task: str
    score: float
    unit: str
    model: str
    lower: float | None = None
    upper: float | None = None
    is_chosen: bool | None = None
    horizon_days: float | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """`month` is its first local day; `events` by name."""

    month: date
    orders: int = 0
    net_sales: float = 0.0
    refunded: float = 0.0
    events: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Something notable: `kind` of `changes.CHANGES`, from a day on, about a `value` where it is about one;
    `before` and `after` are its two figures."""

    kind: str
    since: date
    value: str | None
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class InCommon:
    """A tag that at least k of the nearest have."""

    tag: str
    value: str
    num_nearest: int
    share: float
    usual_share: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The customers most alike: their ids (pseudonyms, as everywhere in the store), likeness in that order
    (see `nearest.Neighborhood`), and what many of them have in common. `by`: vectors or features."""

    by: str
    customer_ids: tuple[str, ...]
    likeness: tuple[float, ...]
    in_common: tuple[InCommon, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """A row of the `profiles` table."""

    tag: str
    value: str
    confidence: float
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Profile:
    """All that is said of one customer as of `cutoff_at`. A customer without orders has no rhythm, value,
    price level, sensitivity or tastes; one without events no devices."""

    customer_id: str
    cutoff_at: datetime
    who: Who
    rhythm: Rhythm | None = None
    tastes: tuple[Taste, ...] = ()
    price_level: PriceLevel | None = None
    sensitivity: Sensitivity | None = None
    channels: tuple[Use, ...] = ()
    devices: tuple[Use, ...] = ()
    value: Value | None = None
    risks: tuple[Score, ...] = ()
    timeline: tuple[Month, ...] = ()
    changes: tuple[Change, ...] = ()
    nearest: Nearest | None = None
    tags: tuple[Tag, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """JSON-ready: dates and times are ISO texts."""
        record: dict[str, Any] = _plain(dataclasses.asdict(self))
        return record


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date | datetime) else value
