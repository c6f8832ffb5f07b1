"""What the report says, as data: gathered once, then written in a language.

Money is in the store's currency, shares and rates are 0–1, dates are local to the store. A
section that has nothing to show is empty, and the page says which command fills it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from foresell.kpis.answer import KpiAnswer, Unavailable

if TYPE_CHECKING:
    from foresell.explain.change_parts import ChangeExplanation
    from foresell.quality.report import QualityReport

Answers = Mapping[str, KpiAnswer | Unavailable]


@dataclass(frozen=True, slots=True)
class Span:
    """Local dates, both inclusive."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True)
class RunRow:
    """One import, as `ingest_runs` has it."""

    source: str
    source_file: str
    finished_at: datetime
    status: str
    rows_read: int
    rows_accepted: int
    rows_updated: int
    rows_duplicate: int
    rows_quarantined: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Quarantined rows of one reason."""

    source_file: str
    error_code: str
    column: str | None
    num_rows: int


@dataclass(frozen=True, slots=True)
class Quality:
    runs: tuple[RunRow, ...]
    reasons: tuple[ReasonCount, ...]
    checked: "QualityReport"


@dataclass(frozen=True, slots=True)
class Measured:
    """Every KPI: over the whole span, by week, by month, and of the recent span and the one before.

    `daily`: net sales of every local date of the span. `whole_weeks`, `whole_months`: first dates of the
    periods that lie wholly inside the span, for a part of a week looks like a fall.
    """

    overall: Answers
    weekly: Answers
    monthly: Answers
    recent: Answers
    before: Answers
    daily: tuple[tuple[date, float], ...]
    whole_weeks: frozenset[str]
    whole_months: frozenset[str]


@dataclass(frozen=True, slots=True)
class Share:
    """A value of a dimension, its net sales, and its share of the total. `name` None: no value."""

    name: str | None
    net_sales: float
    share: float


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """A department's sales on promotion; `share` of its own sales."""

    department: str | None
    share: float
    net_sales: float


@dataclass(frozen=True, slots=True)
class CampaignRow:
    campaign_id: str
    kind: str | None
    starts_at: date | None
    ends_at: date | None
    redemptions: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Places:
    """What is sold and where. `num_locations` counts all; `locations` are the largest."""

    departments: tuple[Share, ...] = ()
    categories: tuple[Share, ...] = ()
    locations: tuple[Share, ...] = ()
    num_locations: int = 0
    promotions: tuple[PromotionRow, ...] = ()
    campaigns: tuple[CampaignRow, ...] = ()


@dataclass(frozen=True, slots=True)
class PairRow:
    """A rule antecedent → consequent, with names."""

    antecedent: str
    consequent: str
    antecedent_id: str
    consequent_id: str
    orders: int
    support: float
    confidence: float
    lift: float


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One score of one model on held-out time."""

    task: str
    model: str
    split: str
    score: str
    value: float
    lower: float | None
    upper: float | None
    fit_seconds: float | None
    predict_seconds: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Recommended:
    rank: int
    product_id: str
    title: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Purchase:
    product_id: str
    title: str
    bought_on: date


@dataclass(frozen=True, slots=True)
class CustomerSample:
    """What one customer bought last, and what is recommended; an id, nothing else of the person."""

    customer_id: str
    model: str
    purchases: tuple[Purchase, ...]
    recommended: tuple[Recommended, ...]


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    first_day: date
    mean: float
    lower_80: float | None
    upper_80: float | None
    lower_95: float | None
    upper_95: float | None


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """One series: what was, period by period (None: unknown), and what is expected."""

    series_id: str
    model: str
    history: tuple[tuple[date, float | None], ...]
    points: tuple[ForecastPoint, ...]

    @property
    def expected(self) -> float:
        return sum(point.mean for point in self.points)

    @property
    def same_length_before(self) -> float | None:
        """The sum of as many last weeks; None where not all are known."""
        last = [value for _, value in self.history[-len(self.points) :] if value is not None]
        return sum(last) if len(last) == len(self.points) else None


@dataclass(frozen=True, slots=True)
class Predictions:
    leaderboard: tuple[LeaderboardRow, ...] = ()
    customers: tuple[CustomerSample, ...] = ()
    forecasts: tuple[ForecastSeries, ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """How many customers have a chance in [lower, upper)."""

    lower: float
    upper: float
    num_customers: int


@dataclass(frozen=True, slots=True)
class Driver:
    """What moves scores; `size`: what it adds in the mean, its sign left out."""

    text: str
    text_zh: str
    size: float


@dataclass(frozen=True, slots=True)
class FairnessNote:
    severity: str
    message: str
    message_zh: str


@dataclass(frozen=True, slots=True)
class TaskOutlook:
    """What a task's model says of all customers. `bands` only of chances; `num_chosen` and `threshold` None:
    no costs are declared."""

    task: str
    question: str
    question_zh: str
    model: str
    unit: str
    horizon_days: float | None
    num_customers: int
    num_chosen: int | None
    threshold: float | None
    mean: float
    bands: tuple[Band, ...] = ()
    drivers: tuple[Driver, ...] = ()
    findings: tuple[FairnessNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Worth:
    """What customers are expected to spend: in all, and by tenths of them, the most valuable first."""

    model: str
    horizon_days: float | None
    num_customers: int
    expected: float
    tenths: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    segment: str
    name_zh: str
    sentence: str
    sentence_zh: str
    num_customers: int
    share: float


@dataclass(frozen=True, slots=True)
class Segmentation:
    name: str
    segments: tuple[SegmentRow, ...]


@dataclass(frozen=True, slots=True)
class ScoredCustomers:
    """What models say of customers; empty where none was fitted."""

    outlooks: tuple[TaskOutlook, ...] = ()
    worth: Worth | None = None
    segmentations: tuple[Segmentation, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The recent span against the one before; `why` is None where too little is known."""

    recent: Span | None = None
    before: Span | None = None
    why: "ChangeExplanation | None" = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything on the page. `span` is None for a store without orders."""

    store: str
    currency: str
    version: str
    made_at: datetime
    time_zone: str
    span: Span | None
    quality: Quality
    measured: Measured
    places: Places = field(default_factory=Places)
    pairs: tuple[PairRow, ...] = ()
    change: Change = field(default_factory=Change)
    predictions: Predictions = field(default_factory=Predictions)
    customers: ScoredCustomers = field(default_factory=ScoredCustomers)
