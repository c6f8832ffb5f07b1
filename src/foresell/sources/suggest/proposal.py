"""What is proposed for each column, how sure that is, and what has to be asked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from foresell.sources.suggest.assign import NOTHING, Assignment, Scored
from foresell.sources.suggest.evidence import Evidence
from foresell.sources.suggest.names import is_known, name_scores, tokens_of
from foresell.sources.suggest.vocabulary import lexicon

# Below this confidence the software asks instead of guessing.
LIMIT = 0.5
# A column that nothing is proposed for is asked about if something comes as close as this.
NEAR = 0.03
SURELY_TAKEN = 0.9
SURELY_SAID = 0.8
LONGEST_CIPHER = 5
# Texts speak for themselves.
WORDY = 3
SIGNS = {-1: "−", 1: "+", 0: "less the rate"}
SHOWN = 3
STEEPNESS, MARGIN_WEIGHT, MOST_MARGIN, OFFSET = 7.0, 2.5, 0.5, 0.4


@dataclass(frozen=True)
class Question:
    """What the file does not say. `kind`: column, table, dates, time_zone, currency, values, key, missing.

    `choices`: the answers that come into question, the likeliest first.
    """

    kind: str
    text: str
    column: str | None = None
    choices: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnProposal:
    """`target`: table.column, identifier:KIND, or None: nothing. `is_asked`: see the questions."""

    column: str
    target: str | None
    confidence: float
    reasons: tuple[str, ...]
    alternatives: tuple[tuple[str, float], ...] = ()
    is_asked: bool = False


@dataclass
class Proposals:
    """All columns of a file, in its order, with the questions about them."""

    table: str
    confidence: float
    columns: list[ColumnProposal]
    questions: list[Question] = field(default_factory=list)

    def target_of(self, column: str) -> str | None:
        return next((c.target for c in self.columns if c.column == column), None)


def propose(evidence: Evidence, assignment: Assignment) -> Proposals:
    columns, questions = [], []
    for column, scored in assignment.answers.items():
        proposal, question = _proposed(evidence, assignment, column, scored)
        columns.append(proposal)
        questions.extend([question] if question else [])
    return Proposals(assignment.shape.table, _table_confidence(assignment), columns, questions)


def _table_confidence(assignment: Assignment) -> float:
    if len(assignment.ranking) < 2:
        return 1.0
    (_, first), (_, second) = assignment.ranking[:2]
    if first <= 0:
        return 0.1
    return round(1 / (1 + math.exp(-3 * (first - second) / max(1.0, math.sqrt(first)))), 2)


def _proposed(
    evidence: Evidence, assignment: Assignment, column: str, scored: Scored
) -> tuple[ColumnProposal, Question | None]:
    rivals = _rivals(assignment, column, scored)
    is_none = scored.answer.startswith("none")
    confidence = _confidence(scored.score, rivals[0].score if rivals else 0.0, is_none)
    reasons = _reasons(evidence, column, scored.answer)
    alternatives = tuple((rival.answer, round(rival.score, 2)) for rival in rivals[:SHOWN])
    question = None
    if _is_unsure(evidence, assignment, column, scored, confidence, rivals):
        choices = [s.answer for s in (scored, *rivals) if not s.answer.startswith("none")]
        question = _ask(evidence, column, choices[:2])
    target = None if is_none else scored.answer
    proposal = ColumnProposal(
        column, target, round(confidence, 2), reasons, alternatives, question is not None
    )
    return proposal, question


def _rivals(assignment: Assignment, column: str, scored: Scored) -> list[Scored]:
    """What else it could be: answers that no other column has a better claim to, best first."""
    taken = {other.answer: other.score for name, other in assignment.answers.items() if name != column}
    options = [o for o in assignment.options[column] if o.answer != scored.answer]
    return [o for o in options if taken.get(o.answer, -1.0) < min(o.score - 0.05, SURELY_TAKEN)]


def _confidence(score: float, rival: float, is_none: bool) -> float:
    if is_none and score <= NOTHING:
        return min(0.9, max(0.3, 0.95 - 1.2 * max(0.0, rival)))
    margin = max(-MOST_MARGIN, min(MOST_MARGIN, score - max(rival, 0.0 if is_none else NOTHING - 0.2)))
    return 1 / (1 + math.exp(-(STEEPNESS * (score - 0.6) + MARGIN_WEIGHT * margin - OFFSET + 0.6)))


def _is_unsure(
    evidence: Evidence,
    assignment: Assignment,
    column: str,
    scored: Scored,
    confidence: float,
    rivals: Sequence[Scored],
) -> bool:
    if evidence.profiles[column].is_empty:
        return False
    if scored.answer.startswith("none"):
        useful = [rival for rival in rivals if not rival.answer.startswith("none")]
        is_near = bool(useful) and useful[0].score > max(scored.score, NOTHING) - NEAR
        is_near = is_near and not _is_second(assignment, column)
        return is_near or (scored.answer == "none" and _is_opaque(evidence, column))
    return confidence < LIMIT


def _is_second(assignment: Assignment, column: str) -> bool:
    """Whether a column says clearly what it is, and another one is it already: a name beside its number."""
    best = next(iter(assignment.options[column]), None)
    taken = {scored.answer for name, scored in assignment.answers.items() if name != column}
    return best is not None and best.score > SURELY_SAID and best.answer in taken


def _is_opaque(evidence: Evidence, column: str) -> bool:
    """A name that says nothing to anybody over values that vary: somebody knows what they are, we do not."""
    profile = evidence.profiles[column]
    words = [token for token in tokens_of(column) if not token.isdigit()]
    known = lexicon()
    is_numbered = any(map(str.isdigit, tokens_of(column)))
    is_code = all(t in known.opaque or (is_numbered and _is_cipher(t)) for t in words)
    return is_code and not profile.is_constant and profile.mean_words < WORDY


def _is_cipher(word: str) -> bool:
    """An unknown word of two letters, or of a few without a vowel."""
    is_short = len(word) <= 2 or (len(word) <= LONGEST_CIPHER and not set(word) & set("aeiouy"))
    return is_short and word.isascii() and not is_known(word)


def _ask(evidence: Evidence, column: str, choices: Sequence[str]) -> Question:
    profile = evidence.profiles[column]
    samples = tuple(profile.shown[:3])
    if not choices:
        return Question("column", f"What is '{column}'?", column, (), samples)
    described = [describe(choice) for choice in choices]
    text = (
        f"Is '{column}' {' or '.join(described)}?" if len(described) > 1 else f"Is '{column}' {described[0]}?"
    )
    return Question("column", text, column, tuple(choices), samples)


def describe(answer: str) -> str:
    """An answer in words: 'when the order was placed (orders.created_at)'."""
    words = DESCRIBED.get(answer)
    kind, _, name = answer.partition(":")
    if kind == "identifier":
        return f"a person's {name} ({answer})"
    return f"{words} ({answer})" if words else answer


DESCRIBED = {
    "orders.created_at": "when the order was placed",
    "orders.paid_at": "when the order was paid",
    "orders.cancelled_at": "when the order was cancelled",
    "orders.total_amount": "what the customer paid in all",
    "orders.subtotal_amount": "the goods before any discount",
    "orders.discount_amount": "the whole discount of the order",
    "orders.shipping_amount": "what shipping cost the customer",
    "orders.tax_amount": "the order's tax",
    "orders.status": "the order's state",
    "orders.channel": "where it was sold",
    "orders.customer_id": "the customer's number",
    "order_lines.line_amount": "the line's amount after discount",
    "order_lines.unit_price": "the price of one unit",
    "order_lines.discount_amount": "the line's discount",
    "order_lines.quantity": "how many units",
    "refunds.created_at": "when the money was given back",
    "refunds.amount": "the money given back",
    "customers.created_at": "since when they are a customer",
    "products.price": "the price",
    "products.cost": "what the product costs the shop",
    "products.title": "the product's name",
    "products.category": "the product's category",
    "inventory.on_hand": "the stock",
    "inventory.as_of_date": "the day of the stock",
    "ad_spend.cost_amount": "what the advertising cost",
    "events.occurred_at": "when it happened",
}


def _reasons(evidence: Evidence, column: str, answer: str) -> tuple[str, ...]:
    profile = evidence.profiles[column]
    if answer.startswith("none"):
        named = answer.partition(":")[2]
        return (
            (f"no canonical column takes it ({named.replace('_', ' ')})",) if named else ("nothing fits it",)
        )
    found = []
    name = name_scores(column).get(answer, 0.0)
    if name >= 0.9:
        found.append("its name says so")
    elif name >= 0.3:
        found.append("its name is like it")
    if evidence.fit(column, answer) >= 0.25:
        found.append("its values look like it")
    found.extend(_relations(evidence, column, answer))
    if (
        evidence.bonuses.get((column, answer), 0) == 0
        and answer.endswith("_id")
        and profile.uniqueness >= 0.999
    ):
        found.append("no value repeats")
    return tuple(found) or ("of what is left it fits best",)


def _relations(evidence: Evidence, column: str, answer: str) -> list[str]:
    found = []
    for item in evidence.products[:6]:
        if column in (item.quantity, item.price, item.amount) and (column, answer) in evidence.bonuses:
            others = "".join(f" {SIGNS[sign]} {name}" for sign, name in item.others)
            found.append(f"{item.quantity} × {item.price}{others} = {item.amount}")
            break
    for total in evidence.totals[:12]:
        named = (total.total, total.first, *(name for _, name in total.parts))
        if column in named and answer.startswith("orders.") and (column, answer) in evidence.bonuses:
            parts = "".join(f" {SIGNS[sign]} {name}" for sign, name in total.parts)
            found.append(f"{total.first}{parts} = {total.total}")
            break
    share = evidence.in_orders.get(column)
    if share is not None and answer.startswith("orders.") and share >= 0.98:
        found.append("one value an order")
    return found
