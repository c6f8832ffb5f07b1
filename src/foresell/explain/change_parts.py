"""What the explanation of a change consists of."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from foresell.explain.unusual_days import UnusualDay

# Part or effect → its English and Chinese title.
TITLES: dict[str, tuple[str, str]] = {
    "traffic": ("Visits", "访问量"),
    "conversion": ("Orders per visit", "每次访问的订单数"),
    "customers": ("Customers", "顾客数"),
    "orders_per_customer": ("Orders per customer", "每位顾客的订单数"),
    "order_value": ("Value of an order", "每单金额"),
    "refunds": ("Refunds", "退款"),
    "volume": ("Volume of the shop", "全店销量"),
    "mix": ("Mix", "结构"),
    "rate": ("Value per line or order", "单行或单笔金额"),
}
NOTES: dict[str, tuple[str, str]] = {
    "no_visits": (
        "Visits are not known in both spans, so the change is split into customers × orders per customer"
        " × order value; each order of a guest counts as a customer.",
        "两个时段未都有访问数据，故按顾客数 × 每位顾客订单数 × 每单金额拆分；访客的每笔订单按一位顾客计。",
    ),
    "no_unusual_days": (
        "Unusual days are not looked for: an exchange rate is missing on a day they would be compared with.",
        "未查找异常日：用于比较的某一天缺少汇率。",
    ),
    "empty_baseline": ("The baseline holds no orders.", "基准时段没有订单。"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A factor of the KPI, before and after (None: undefined), and its part in the change."""

    name: str
    before: Fraction | None
    after: Fraction | None
    effect: Decimal

    def as_record(self) -> dict[str, Any]:
        return {
            "part": self.name,
            "before": None if self.before is None else float(self.before),
            "after": None if self.after is None else float(self.after),
            "effect": float(self.effect),
        }


@dataclass(frozen=True, slots=True)
class GroupEffect:
    """A value of a dimension (None: unknown): what it brought, and why that changed.

    `volume`: the whole shop sold more; `mix`: this value has a larger share of what is sold;
    `rate`: it brings more per order line (or per order); `refunds`: less was given back.
    """

    value: str | None
    before: Decimal
    after: Decimal
    volume: Decimal
    mix: Decimal
    rate: Decimal
    refunds: Decimal

    @staticmethod
    def amounts() -> tuple[str, ...]:
        return ("before", "after", "volume", "mix", "rate", "refunds")

    @property
    def change(self) -> Decimal:
        return self.after - self.before

    def as_record(self) -> dict[str, Any]:
        amounts = {name: float(getattr(self, name)) for name in self.amounts()}
        return {"value": self.value, "change": float(self.change), **amounts}


@dataclass(frozen=True, slots=True)
class ChangeExplanation:
    """Why a KPI changed. The effects of `parts`, and of the groups of each dimension, add up to
    `change`, exactly. `span` and `baseline`: first and last local date. `notes`: keys of NOTES."""

    kpi: str
    unit: str
    span: tuple[date, date]
    baseline: tuple[date, date]
    before: Decimal
    after: Decimal
    parts: list[Part]
    dimensions: dict[str, list[GroupEffect]]
    unusual_days: list[UnusualDay]
    notes: tuple[str, ...] = field(default=())

    @property
    def change(self) -> Decimal:
        return self.after - self.before

    def as_record(self) -> dict[str, Any]:
        """JSON-ready; dates in ISO 8601, amounts to 4 decimals."""
        return {
            "kpi": self.kpi,
            "unit": self.unit,
            "from": self.span[0].isoformat(),
            "to": self.span[1].isoformat(),
            "baseline_from": self.baseline[0].isoformat(),
            "baseline_to": self.baseline[1].isoformat(),
            "before": float(self.before),
            "after": float(self.after),
            "change": float(self.change),
            "parts": [part.as_record() for part in self.parts],
            "dimensions": {name: [g.as_record() for g in groups] for name, groups in self.dimensions.items()},
            "unusual_days": [day.as_record() for day in self.unusual_days],
            "notes": [NOTES[note][0] for note in self.notes],
        }
