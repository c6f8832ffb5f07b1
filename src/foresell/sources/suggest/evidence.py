"""Everything that speaks for a column being something, put together: name, values, other columns."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from foresell.contracts.tables import TABLES
from foresell.sources.suggest.arithmetic import Product, Total, find_products, find_totals, number_columns
from foresell.sources.suggest.dependencies import constancy, earlier_pairs
from foresell.sources.suggest.fitness import IMPOSSIBLE, fitness
from foresell.sources.suggest.names import name_scores
from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.sample import Sample
from foresell.sources.suggest.targets import Shape
from foresell.sources.suggest.vocabulary import phrases

if TYPE_CHECKING:
    from foresell.sources.suggest.assign import Scored

VALUE_WEIGHT = 0.6
NAME_SHADE = 0.6
AGAINST_WEIGHT = 0.5
PRIVATE_PREFIXES = ("none:", "identifier:")
GOOD_NAME = 0.6
SAME, DIFFERENT = 0.98, 0.7
SAID = 3.0


@dataclass
class Evidence:
    """Of one sample. `table_bonus`: main table → what speaks for it beside its columns; `answers`: column →
    what somebody has said that it is (None: of no use)."""

    sample: Sample
    profiles: dict[str, Profile]
    table_bonus: dict[str, float] = field(default_factory=dict)
    answers: dict[str, str | None] = field(default_factory=dict)
    _fits: dict[tuple[str, str], float] = field(default_factory=dict)

    @cached_property
    def products(self) -> list[Product]:
        return find_products(self._numbers, self.profiles)

    @cached_property
    def totals(self) -> list[Total]:
        return find_totals(self._numbers, self.profiles)

    @cached_property
    def _numbers(self):  # type: ignore[no-untyped-def]
        return number_columns(self.sample, self.profiles)

    @cached_property
    def earlier(self) -> set[tuple[str, str]]:
        return earlier_pairs(self.sample, self.profiles)

    @cached_property
    def order_column(self) -> str | None:
        """The column that numbers orders, if any does, by its name."""
        scores = {
            c: name_scores(c).get("orders.order_id", 0.0) + 0.1 * self.fit(c, "orders.order_id")
            for c in self.profiles
        }
        best = max(scores, key=lambda c: scores[c], default=None)
        return best if best and scores[best] > GOOD_NAME else None

    @cached_property
    def in_orders(self) -> dict[str, float]:
        """Column → the share of orders of several rows in which it has one value."""
        return constancy(self.sample, self.order_column) if self.order_column else {}

    def fit(self, column: str, answer: str) -> float:
        key = (column, answer)
        if key not in self._fits:
            self._fits[key] = fitness(self.profiles[column], answer)
        return self._fits[key]

    def name(self, column: str, answer: str, shape: Shape) -> float:
        """The name's likeness; of a side table, phrases that mean a column of the main one count less."""
        score = name_scores(column).get(answer, 0.0)
        if score and not shape.is_main(answer) and answer.partition(".")[2] not in _KEYS:
            table = answer.partition(".")[0]
            own = max(
                (name_scores(column).get(a, 0.0) for a in shape.answers if shape.is_main(a)), default=0.0
            )
            if own >= score - 0.02:
                return score * (0.85 if table == "orders" else 0.4)
        return score

    def score(self, column: str, answer: str, shape: Shape) -> float:
        if column in self.answers:
            return SAID if self.answers[column] == answer else IMPOSSIBLE
        fit = self.fit(column, answer)
        if fit <= IMPOSSIBLE:
            return IMPOSSIBLE
        name = self.name(column, answer, shape)
        score = combined(name, fit)
        if score < 0.05 and (column, answer) not in self.bonuses:
            return score
        return (
            score
            + self.bonuses.get((column, answer), 0.0)
            + self._level(column, answer, shape)
            + self._key(column, answer, shape)
        )

    def private_options(self, column: str, shape: Shape) -> "list[Scored]":
        """What a column may be without taking a target from others: an identifier, or of no use."""
        from foresell.sources.suggest.assign import Scored

        if column in self.answers:
            said = self.answers[column] or "none"
            return [Scored(said, SAID)] if said.startswith(("none", "identifier:")) else []
        found = []
        for answer in _PRIVATE:
            fit = self.fit(column, answer)
            name = name_scores(column).get(answer, 0.0)
            if fit > IMPOSSIBLE and (name or fit > 0.5):
                score = combined(name, fit)
                if answer == "identifier:name" and name:
                    score = min(score, 0.97 if fit > 0.5 else 0.9 * score)
                found.append(Scored(answer, score * (0.97 if answer.startswith("none:") else 1.0)))
        return sorted(found, key=lambda s: -s.score)[:4]

    def private_answer(self, column: str, shape: Shape) -> "Scored | None":
        options = self.private_options(column, shape)
        return options[0] if options else None

    @cached_property
    def bonuses(self) -> dict[tuple[str, str], float]:
        """What other columns say: (column, answer) → plus or minus."""
        found: dict[tuple[str, str], float] = defaultdict(float)
        self._add_products(found)
        self._add_totals(found)
        for first, second in self.earlier:
            for answer in (
                "orders.created_at",
                "receipts.ordered_at",
                "campaigns.starts_at",
                "promotions.starts_at",
            ):
                found[first, answer] = max(found[first, answer], 0.06)
                found[second, answer] = min(found[second, answer], -0.12)
            found[first, "orders.paid_at"] -= 0.1
            found[first, "campaigns.ends_at"] -= 0.3
            found[first, "promotions.ends_at"] -= 0.3
        return dict(found)

    def _add_products(self, found: dict[tuple[str, str], float]) -> None:
        for item in self.products[:6]:
            weight = 0.3 if not item.others else 0.2
            for column, answers in (
                (item.quantity, ("order_lines.quantity", "events.quantity", "refunds.quantity")),
                (item.price, ("order_lines.unit_price", "events.price")),
                (item.amount, ("order_lines.line_amount", "events.value", "refunds.amount")),
            ):
                for answer in answers:
                    found[column, answer] = max(found[column, answer], weight)
            found[item.amount, "order_lines.unit_price"] -= 0.3
            for sign, column in item.others:
                if sign < 0:
                    found[column, "order_lines.discount_amount"] = max(
                        found[column, "order_lines.discount_amount"], weight
                    )
            self.table_bonus["order_lines"] = 0.25

    def _add_totals(self, found: dict[tuple[str, str], float]) -> None:
        for item in self.totals[:12]:
            if self._named_like(item.total) < self._named_like(item.first) - 0.3 and len(item.parts) < 2:
                continue
            weight = 0.15 if len(item.parts) > 1 else 0.08
            found[item.total, "orders.total_amount"] = max(found[item.total, "orders.total_amount"], weight)
            found[item.first, "orders.subtotal_amount"] = max(
                found[item.first, "orders.subtotal_amount"], weight
            )
            for sign, column in item.parts:
                if sign < 0:
                    found[column, "orders.discount_amount"] = max(
                        found[column, "orders.discount_amount"], weight
                    )

    def _named_like(self, column: str) -> float:
        return name_scores(column).get("orders.total_amount", 0.0)

    def _level(self, column: str, answer: str, shape: Shape) -> float:
        """In a file of order lines: the same in all lines of an order belongs to the order."""
        if shape.table != "order_lines" or column not in self.in_orders or self.profiles[column].is_constant:
            return 0.0
        table = answer.partition(".")[0]
        share = self.in_orders[column]
        if table == "orders":
            return 0.12 if share >= SAME else -0.3 if share < DIFFERENT else 0.0
        if table in ("order_lines", "products") and answer.partition(".")[2] != "order_id":
            return 0.12 if share < DIFFERENT else -0.15 if share >= SAME else 0.0
        return 0.0

    def _key(self, column: str, answer: str, shape: Shape) -> float:
        """A key must not repeat; something that refers to it may."""
        table, _, name = answer.partition(".")
        profile = self.profiles[column]
        if profile.num_given < 4 or table not in TABLES:
            return 0.0
        contract = TABLES[table]
        if shape.is_main(answer) and contract.key == (name,):
            return (
                0.06
                if profile.uniqueness >= 0.999
                else 0.0
                if profile.uniqueness > 0.95
                else _NOT_UNIQUE.get(name, -0.5)
            )
        if name in contract.column and contract.column[name].required:
            return 0.04
        return 0.0


_NOT_UNIQUE = {
    "order_id": -0.1,
    "product_id": -0.1,
    "customer_id": -0.1,
    "campaign_id": -0.1,
    "promotion_id": -0.2,
}
_KEYS = ("order_id", "customer_id", "product_id", "location_id", "currency")
_PRIVATE = tuple(answer for answer in phrases() if answer.startswith(PRIVATE_PREFIXES))


def combined(name: float, fit: float) -> float:
    """One score of a name's likeness and the values' fitness: values weigh more where the name says little."""
    if fit < 0:
        return name + AGAINST_WEIGHT * fit
    return name + VALUE_WEIGHT * fit * (1 - NAME_SHADE * name)
