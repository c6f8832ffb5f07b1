"""Everything that speaks for a column being something, put together: name, values, other columns."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from foresell.contracts.tables import TABLES
from foresell.sources.suggest.arithmetic import (
    Product,
    Total,
    find_products,
    find_totals,
    number_columns,
)
from foresell.sources.suggest.dependencies import constancy, earlier_pairs
from foresell.sources.suggest.fitness import fitness, is_readable
from foresell.sources.suggest.names import name_scores, tokens_of
from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.relations import relation_bonuses
from foresell.sources.suggest.sample import Sample
from foresell.sources.suggest.targets import CONTRARY, ESSENTIAL, Shape
from foresell.sources.suggest.verdicts import IMPOSSIBLE
from foresell.sources.suggest.vocabulary import phrases

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from foresell.sources.suggest.assign import Scored

VALUE_WEIGHT = 0.6
NAME_SHADE = 0.6
AGAINST_WEIGHT = 0.5
PRIVATE_PREFIXES = ("none:", "identifier:")
GOOD_NAME = 0.6
# A name that says one thing clearly does not mean what it resembles.
CLEAR, OTHERWISE = 0.95, 0.6
# Names that mean the main table, unless values show what they are of.
BARE = (("id",), ("name",), ("type",), ("status",))
SHOWN_BY_VALUES = 0.2
UNLIKE, LOOKS_LIKE, SURE_NAME = -0.2, 0.3, 0.6
# In exports of other tables a name or an account is seldom a person's.
OF_PERSONS = (
    *("customers", "orders", "order_lines", "tickets", "refunds", "reviews", "events", "consents"),
    *("redemptions", "identities", "audiences", "exposures", "risk_labels"),
)
# Their addresses and telephones are nobody's own.
OF_PLACES = ("locations",)
SAME, DIFFERENT, FILLED = 0.98, 0.7, 0.9
SAID = 3.0
LINE_WORDS, FEWEST_OF_LINES = {"line", "product", "unit", "sku"}, 3
# A column without values takes no target from one that has some.
EMPTY = 0.7
# A name that says "of no use" is believed a little less than one that says a target, much less if it says both.
USELESS, USELESS_BUT_NAMED = 0.97, 0.62
MUCH_BETTER = 0.15
# A name without the words that its target needs; a name where there may be a number, too; the second of several.
UNESSENTIAL, NAME_OF_ID, NOT_FIRST = 0.5, 0.85, 0.8


@dataclass
class Evidence:
    """Of one sample. `answers`: column →
    what somebody has said that it is (None: of no use)."""

    sample: Sample
    profiles: dict[str, Profile]
    answers: dict[str, str | None] = field(default_factory=dict)
    _fits: dict[tuple[str, str], float] = field(default_factory=dict)
    _privates: dict[str, list[tuple[str, float, float, float]]] = field(default_factory=dict)
    _allowed: dict[str, list[tuple[float, str]]] = field(default_factory=dict)

    @cached_property
    def products(self) -> list[Product]:
        return find_products(self._numbers, self.profiles)

    @cached_property
    def totals(self) -> list[Total]:
        return find_totals(self._numbers, self.profiles)

    @cached_property
    def _numbers(self) -> "dict[str, NDArray[np.float64]]":
        return number_columns(self.sample, self.profiles)

    @cached_property
    def earlier(self) -> set[tuple[str, str]]:
        return earlier_pairs(self.sample, self.profiles)

    @cached_property
    def order_column(self) -> str | None:
        """The column that numbers orders, if any does, by its name."""
        scores = {
            c: name_scores(c).get("orders.order_id", 0.0)
            + 0.1 * self.fit(c, "orders.order_id")
            - (1 - self.profiles[c].fill)
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
        scores = name_scores(column)
        score = scores.get(answer, 0.0)
        is_head = shape.table == "order_lines" and answer.startswith("orders.")
        if (
            not (shape.is_main(answer) or is_head)
            and tokens_of(column) in BARE
            and self.fit(column, answer) < SHOWN_BY_VALUES
        ):
            return 0.0
        doubt = _name_doubt(column, answer, score)
        if score < CLEAR - 0.1 and self._is_clear(column, shape):
            doubt *= OTHERWISE
        score *= doubt
        if score and not shape.is_main(answer) and answer.partition(".")[2] not in _KEYS:
            table = answer.partition(".")[0]
            own = max(
                (
                    likeness
                    for other, likeness in scores.items()
                    if other in shape.known and shape.is_main(other) and self.fit(column, other) > UNLIKE
                ),
                default=0.0,
            )
            if own >= score - 0.02:
                return score * (0.85 if table == "orders" else 0.4)
        return score

    def _is_clear(self, column: str, shape: Shape) -> bool:
        """Whether the name says one target of the shape that its values allow."""
        return any(
            score >= CLEAR and self.fit(column, answer) > UNLIKE
            for answer, score in name_scores(column).items()
            if answer in shape.known
        )

    def score(self, column: str, answer: str, shape: Shape) -> float:
        if column in self.answers:
            return SAID if self.answers[column] == answer else IMPOSSIBLE
        fit = self.fit(column, answer)
        if fit <= IMPOSSIBLE or self._is_rate_of_money(column, answer):
            return IMPOSSIBLE
        if name_scores(column).get(answer, 0.0) < CLEAR and not is_readable(self.profiles[column], answer):
            return IMPOSSIBLE
        name = self.name(column, answer, shape)
        score = combined(name, fit)
        if self.profiles[column].is_empty:
            return score * EMPTY
        if score < 0.05 and (column, answer) not in self.bonuses:
            return score
        return (
            score
            + self.bonuses.get((column, answer), 0.0)
            + self._level(column, answer, shape)
            + self._key(column, answer, shape)
        )

    def _is_rate_of_money(self, column: str, answer: str) -> bool:
        """A name in percent is no amount."""
        table, _, name = answer.partition(".")
        return TABLES[table].column[name].type == "decimal" and "percent" in tokens_of(column)

    def private_options(self, column: str, shape: Shape) -> "list[Scored]":
        """What a column may be without taking a target from others: an identifier, or of no use."""
        from foresell.sources.suggest.assign import Scored

        if column in self.answers:
            said = self.answers[column] or "none"
            return [Scored(said, SAID)] if said.startswith(("none", "identifier:")) else []
        best_name = self._best_name(column, shape)
        found = []
        for answer, name, fit, score in self._private(column):
            if answer.startswith("identifier:") and shape.table in OF_PLACES:
                continue
            if answer.startswith("identifier:"):
                if fit >= LOOKS_LIKE:
                    found.append(Scored(answer, score))
                elif self._is_personal(column, score, shape):
                    is_doubtful = name < best_name - MUCH_BETTER
                    found.append(Scored(answer, score * (USELESS_BUT_NAMED if is_doubtful else 1.0)))
            else:
                doubt = USELESS if name > best_name + 0.05 else USELESS_BUT_NAMED
                found.append(Scored(answer, score * doubt))
        return sorted(found, key=lambda s: -s.score)[:4]

    def _private(self, column: str) -> list[tuple[str, float, float, float]]:
        """The private answers that a column's name or values speak for: answer, name, fit, both as one."""
        if column not in self._privates:
            found = []
            for answer in _PRIVATE:
                fit = self.fit(column, answer)
                name = name_scores(column).get(answer, 0.0)
                if answer.startswith("identifier:") and name < CLEAR and self._is_of_many(column, fit):
                    continue
                if fit > IMPOSSIBLE and (name or fit > 0.5):
                    score = combined(name, fit)
                    if answer == "identifier:name" and name:
                        score = min(score, 0.97 if fit > 0.5 else 0.9 * score)
                    found.append((answer, name, fit, score))
            self._privates[column] = found
        return self._privates[column]

    def _is_of_many(self, column: str, fit: float) -> bool:
        """Whether a name says how many there are, or which row of another list: neither is a person's."""
        tokens = tokens_of(column)
        is_number = self.profiles[column].number_share == 1 and fit < LOOKS_LIKE
        return is_number and ("count" in tokens or tokens[:1] == ("id",))

    def _is_personal(self, column: str, score: float, shape: Shape) -> bool:
        """A name that leads to a person although its values do not show it."""
        return score >= SURE_NAME and shape.table in OF_PERSONS

    def _best_name(self, column: str, shape: Shape) -> float:
        """How well the name fits some target of the shape that the values allow."""
        return next((score for score, answer in self._fitting(column) if answer in shape.known), 0.0)

    def _fitting(self, column: str) -> list[tuple[float, str]]:
        """How well the name fits each target that the values allow, the best first."""
        if column not in self._allowed:
            scores = name_scores(column).items()
            told = [(score, answer) for answer, score in scores if self.fit(column, answer) > -0.4]
            self._allowed[column] = sorted(told, reverse=True)
        return self._allowed[column]

    def private_answer(self, column: str, shape: Shape) -> "Scored | None":
        options = self.private_options(column, shape)
        return options[0] if options else None

    @property
    def table_bonus(self) -> dict[str, float]:
        """Main table → what speaks for it beside its columns."""
        return {"order_lines": 0.25} if self.products else {}

    @cached_property
    def bonuses(self) -> dict[tuple[str, str], float]:
        """What other columns say: (column, answer) → plus or minus."""
        return relation_bonuses(self.products, self.totals, self.earlier)

    @cached_property
    def _names_lines(self) -> bool:
        """Whether columns of the lines are called so ("Lineitem price"): the others are then of the order."""
        return sum("line" in tokens_of(column) for column in self.profiles) >= FEWEST_OF_LINES

    def _level(self, column: str, answer: str, shape: Shape) -> float:
        """In a file of order lines: the same in all lines of an order belongs to the order."""
        if shape.table != "order_lines" or self.profiles[column].is_constant:
            return 0.0
        table = answer.partition(".")[0]
        if not self.in_orders and self._names_lines:
            return 0.12 if table == "orders" and not LINE_WORDS & set(tokens_of(column)) else 0.0
        if column not in self.in_orders:
            return 0.0
        share = self.in_orders[column]
        if table == "orders":
            return 0.12 if share >= SAME else -0.5 if share < DIFFERENT else 0.0
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
        if shape.is_main(answer) and name in contract.key and profile.fill < FILLED:
            return -0.6
        if shape.is_main(answer) and contract.key == (name,):
            return (
                0.06
                if profile.uniqueness >= 0.999
                else 0.0
                if profile.uniqueness > 0.95
                else _NOT_UNIQUE.get(name, -0.5)
            )
        if name in contract.column and contract.column[name].required:
            return 0.04 if profile.fill >= FILLED or not shape.is_main(answer) else -0.4
        return 0.0


_NOT_UNIQUE = {
    "order_id": -0.1,
    "product_id": -0.1,
    "customer_id": -0.1,
    "campaign_id": -0.1,
    "promotion_id": -0.2,
    "receipt_id": -0.05,
}
_KEYS = ("order_id", "customer_id", "product_id", "location_id", "currency")
_PRIVATE = tuple(answer for answer in phrases() if answer.startswith(PRIVATE_PREFIXES))


def _name_doubt(column: str, answer: str, score: float) -> float:
    """What a likeness is multiplied by for what else the name says."""
    tokens = tokens_of(column)
    name = answer.partition(".")[2]
    doubt = 1.0
    if score < CLEAR and name in ESSENTIAL and ESSENTIAL[name].isdisjoint(tokens):
        doubt *= UNESSENTIAL
    if score < CLEAR and not CONTRARY.get(name, frozenset()).isdisjoint(tokens):
        doubt *= UNESSENTIAL
    if name.endswith("_id") and "name" in tokens and "id" not in tokens:
        doubt *= NAME_OF_ID
    if len(tokens) > 1 and tokens[-1].isdigit() and tokens[-1] != "1":
        doubt *= NOT_FIRST
    return doubt


def combined(name: float, fit: float) -> float:
    """A name's likeness and the values' fitness as one: values weigh more where the name says little."""
    if fit < 0:
        return name + AGAINST_WEIGHT * fit
    return name + VALUE_WEIGHT * fit * (1 - NAME_SHADE * name)
