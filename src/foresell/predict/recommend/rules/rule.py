"""A rule as data: what it is, which products it is about, where and when it holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _as_tuple(value: Any) -> Any:
    """One text stands for a list of it."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Text = Annotated[str, Field(pattern=r"\S")]


def _in_reach(day: date) -> date:
    if not 1900 <= day.year <= 9000:
        raise ValueError("that is no year to plan for; leave the key out where there is no end")
    return day


Day = Annotated[date, AfterValidator(_in_reach)]
Moment = Annotated[datetime, AfterValidator(_in_reach)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class Options(BaseModel):
    """What a kind of rule can be told. Strict: nothing is converted, nothing unknown is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Selection(Options):
    """Which products a rule is about: those that fit every key given; of a list, any of its texts.

    Texts are compared without regard to case and outer spaces, ids exactly. `category` is that of the
    product or any level of its path. A product of which the asked is unknown does not fit.
    """

    product_ids: Texts | None = None
    parent_product_ids: Texts | None = None
    category: Texts | None = None
    brand: Texts | None = None
    department: Texts | None = None
    status: Texts | None = None
    price_below: float | None = None
    price_above: float | None = None
    is_on_offer: bool | None = None
    newer_than_days: float | None = Field(None, gt=0, le=36_500)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `options` are those of its kind.

    `selection` None: about all products. `surfaces` empty: everywhere. `begins`, `ends`: a day, or a
    moment, in the shop's `time_zone`; a day that `ends` is the last one, a moment that `ends` is excluded.
    `dates`: only on these local days. `priority` counts where two rules want different things of one place
    or product (see `boost` and `pin`); it never lifts a rule that forbids.
    """

    name: str
    kind: str
    options: Options
    selection: Selection | None = None
    surfaces: tuple[str, ...] = ()
    begins: date | None = None
    ends: date | None = None
    dates: tuple[date, ...] = ()
    priority: int = 0
    time_zone: str = "UTC"

    def holds(self, surface: str, at: datetime) -> bool:
        """Whether the rule holds on a surface at a moment (with a time zone)."""
        if self.surfaces and surface not in self.surfaces:
            return False
        begins_at, ends_at = self.span()
        if (begins_at and at < begins_at) or (ends_at and at >= ends_at):
            return False
        return not self.dates or at.astimezone(ZoneInfo(self.time_zone)).date() in self.dates

    def span(self) -> tuple[datetime | None, datetime | None]:
        """[begins, ends) in UTC; None: open."""
        begins_at = None if self.begins is None else self._moment(self.begins)
        if self.ends is None or isinstance(self.ends, datetime):
            return begins_at, None if self.ends is None else self._moment(self.ends)
        return begins_at, self._moment(self.ends + timedelta(days=1))

    def changes(self) -> Iterator[datetime]:
        """The moments, in UTC, at which it may begin or cease to hold."""
        yield from (moment for moment in self.span() if moment)
        for day in self.dates:
            yield self._moment(day)
            yield self._moment(day + timedelta(days=1))

    def _moment(self, day: date) -> datetime:
        moment = day if isinstance(day, datetime) else datetime.combine(day, time())
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.time_zone))).astimezone(UTC)
