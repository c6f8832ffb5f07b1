"""What the server answers, typed. Fields that a newer server adds are left out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self


class Answer:
    """A dataclass made of an answer's JSON."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        known = {one.name for one in fields(cls)}  # type: ignore[arg-type]  # every answer is a dataclass
        return cls(**{name: value for name, value in record.items() if name in known})


@dataclass(frozen=True, slots=True)
class EventOutcome(Answer):
    """How one event ended; of one that is quarantined: what is wrong with which column, and what to do."""

    number: int
    event_id: str | None
    status: Literal["accepted", "duplicate", "quarantined"]
    column: str | None = None
    reason: str | None = None
    do: str | None = None


@dataclass(frozen=True, slots=True)
class RecommendedItem(Answer):
    """`propensity`: the chance of the product to stand at its rank, given what stands before it."""

    product_id: str
    rank: int
    score: float
    propensity: float
    name: str | None = None
    reason: str | None = None
    due_date: str | None = None


@dataclass(frozen=True, slots=True)
class Recommendation(Answer):
    """`request_id`: what feedback names."""

    request_id: str
    surface: str
    model: str
    rules_version: int
    items: tuple[RecommendedItem, ...]
    customer_id: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Recommendation":
        items = tuple(RecommendedItem.of(item) for item in record["items"])
        told = {**record, "items": items, "notes": tuple(record.get("notes", ()))}
        return super(Recommendation, cls).of(told)


@dataclass(frozen=True, slots=True)
class Prediction(Answer):
    """What a task's model says of a customer. `unit`: probability, a currency, days."""

    task: str
    customer_id: str
    score: float
    unit: str
    model: str | None = None
    lower: float | None = None
    upper: float | None = None
    is_chosen: bool | None = None
    cutoff_at: str | None = None
    horizon_days: float | None = None
    reasons: str | None = None


@dataclass(frozen=True, slots=True)
class Segment(Answer):
    segmentation: str
    segment: str
    num_customers: int


@dataclass(frozen=True, slots=True)
class Series(Answer):
    """What is forecast: dates are the first local days of periods."""

    series_id: str
    model: str
    first_date: str
    last_date: str
    num_periods: int


@dataclass(frozen=True, slots=True)
class ForecastPeriod(Answer):
    """`date`: the period's first local day. The bounds of the 80% and the 95% interval."""

    series_id: str
    model: str
    cutoff_date: str
    date: str
    mean: float
    lower_80: float | None = None
    upper_80: float | None = None
    lower_95: float | None = None
    upper_95: float | None = None


@dataclass(frozen=True, slots=True)
class Kpi(Answer):
    """`rows`: the value, or a row a period and group; money in `unit`."""

    kpi: str
    unit: str
    rows: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Kpi":
        return super(Kpi, cls).of({**record, "rows": tuple(record["rows"])})


@dataclass(frozen=True, slots=True)
class FoundProduct(Answer):
    """A product that a search found; the best stands first. `found_by`: by words, letters or meaning."""

    product_id: str
    score: float
    found_by: str
    name: str | None = None
    brand: str | None = None
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Job(Answer):
    """Long work of the server. `state`: waiting, running, finished, failed, cancelled; `share`: done, 0–1."""

    job_id: int
    kind: str
    subject: str
    by: str
    state: str
    asked_at: str
    doing: str = ""
    share: float | None = None
    ended_at: str | None = None
    fault: str = ""
