"""A day's profit and loss, by line."""

from dataclasses import dataclass, fields

MONEY_LINES = (
    "gross_sales",
    "discount",
    "cost_of_goods",
    "gross_margin",
    "shipping_margin",
    "payment_fees",
    "holding_cost",
    "refunds",
    "profit",
    "lost_margin",
)


@dataclass(frozen=True)
class Ledger:
    """Money of one day. gross_margin = gross_sales − discount − cost_of_goods; profit = gross_margin +
    shipping_margin − payment_fees − holding_cost − refunds. `lost_margin`: of units that would have been
    bought, had they been there; no part of the profit. Refunds count on their own day; what comes back is
    sold off at no value, and its payment's fee is kept. Stock counts when sold, not when it is bought in."""

    gross_sales: float = 0.0
    discount: float = 0.0
    cost_of_goods: float = 0.0
    shipping_margin: float = 0.0
    payment_fees: float = 0.0
    holding_cost: float = 0.0
    refunds: float = 0.0
    lost_margin: float = 0.0
    num_visits: int = 0
    num_orders: int = 0
    num_units: int = 0

    @property
    def gross_margin(self) -> float:
        return self.gross_sales - self.discount - self.cost_of_goods

    @property
    def profit(self) -> float:
        earned = self.gross_margin + self.shipping_margin
        return earned - self.payment_fees - self.holding_cost - self.refunds

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def as_record(self) -> dict[str, float]:
        """The money by line, then the counts."""
        counts = ("num_visits", "num_orders", "num_units")
        money = {name: round(float(getattr(self, name)), 4) for name in MONEY_LINES}
        return money | {name: getattr(self, name) for name in counts}
