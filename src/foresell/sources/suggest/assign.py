"""The joint answer: which table a file is of, and which column is what, each target at most once.

A linear assignment (Jonker and Volgenant's algorithm, as SciPy has it) over the sum of names' likeness,
values' fitness and what columns say of each other; a column may always stay without a target.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from foresell.contracts.tables import TABLES
from foresell.sources.suggest.evidence import Evidence
from foresell.sources.suggest.names import name_scores, tokens_of
from foresell.sources.suggest.targets import NEEDS, OF_SEVERAL_ROWS, SHARED, SIGNATURES, Shape, shapes
from foresell.sources.suggest.verdicts import IMPOSSIBLE

# What a column without a target counts: a target must be better than that.
NOTHING = 0.5
SIDE_WEIGHT = 0.85
# The heads of orders, in a file of their lines.
HEAD_WEIGHT = 0.9
IDENTIFIER_WEIGHT = 0.25
WORTH = 0.35
UNIQUE = 0.98
REPEATS = 0.9
VALUES_SUFFICE, ONLY_ONE, ONE_OF_SEVERAL = 0.25, 0.66, 0.51
SIGN, MOST_SIGNS, OWN_KEY = 0.2, 0.8, 1.2
# A file is called after what is in it.
FILE_SAYS = 0.8
CLEAR = 0.9
# What it costs a list of customers that its rows are places.
CUSTOMERS_OF_PLACES = 2.5
# What it costs sales that somebody delivered the goods, and nobody took them.
BOUGHT_IN = 2.5
SALES = ("orders", "order_lines")
OF_CUSTOMERS = (
    "orders.customer_id",
    "customers.customer_id",
    "identifier:email",
    "identifier:name",
    "identifier:phone",
)
# Their keys are called "id" as others' are.
COMMON = ("customers", "products", "orders", "order_lines", "locations", "campaigns")
LACK = 1.2
LONE, MANY = 2.0, 8
# What it costs a list of customers that each row has its own order.
OF_ORDERS = 2.5
MOST_SHAPES = 6


@dataclass(frozen=True)
class Scored:
    """An answer for a column: its score; below NOTHING it is not worth proposing."""

    answer: str
    score: float


@dataclass(frozen=True)
class Assignment:
    """The best answer for every column if the file is of `shape`. `options`: all of a column's answers, best
    first; `score`: how likely the shape is, to compare shapes."""

    shape: Shape
    answers: Mapping[str, Scored]
    options: Mapping[str, list[Scored]]
    score: float
    ranking: list[tuple[str, float]] = field(default_factory=list)

    def column_of(self, answer: str) -> str | None:
        return next((column for column, scored in self.answers.items() if scored.answer == answer), None)


def best_assignment(evidence: Evidence, table: str | None = None) -> Assignment:
    """The assignment of the likeliest table, or of a given one; `ranking`: the tables with their scores."""
    tables = [table] if table else list(TABLES)
    found = sorted((_assigned(evidence, shapes()[name]) for name in tables), key=lambda a: -a.score)
    best = found[0]
    ranking = [(a.shape.table, a.score) for a in found]
    return Assignment(best.shape, best.answers, best.options, best.score, ranking)


def _assigned(evidence: Evidence, shape: Shape) -> Assignment:
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    columns = list(evidence.profiles)
    scores = np.full((len(columns), len(shape.answers)), IMPOSSIBLE)
    free = {column: evidence.private_answer(column, shape) for column in columns}
    for row, column in enumerate(columns):
        for place, answer in enumerate(shape.answers):
            scores[row, place] = evidence.score(column, answer, shape)
    alone = np.full((len(columns), len(columns)), IMPOSSIBLE)
    for row, column in enumerate(columns):
        private = free[column]
        alone[row, row] = max(NOTHING, private.score if private else 0.0)
    rows, places = linear_sum_assignment(np.hstack([scores, alone]), maximize=True)
    answers: dict[str, Scored] = {}
    for row, place in zip(rows, places, strict=True):
        column = columns[row]
        if place < len(shape.answers):
            answers[column] = Scored(shape.answers[place], float(scores[row, place]))
        else:
            private = free[column]
            answers[column] = private if private and private.score > NOTHING else Scored("none", NOTHING)
    _fill_needed(evidence, shape, answers)
    options = {column: _options(evidence, shape, column, scores[row]) for row, column in enumerate(columns)}
    return Assignment(shape, answers, options, _table_score(evidence, shape, answers))


def _fill_needed(evidence: Evidence, shape: Shape, answers: dict[str, Scored]) -> None:
    """A column that the table cannot do without, by its values alone, where no name says which it is.

    Of several the one whose name is most like it, but so unsurely that it is asked about.
    """
    given = {scored.answer for scored in answers.values()}
    _take_back(evidence, shape, answers, given)
    for column in TABLES[shape.table].own_columns:
        answer = f"{shape.table}.{column.name}"
        is_needed = column.required or column.name in TABLES[shape.table].key
        is_told = column.type in ("timestamp", "date", "decimal") or column.name == "event_name"
        if answer in given or not is_needed or not is_told:
            continue
        fitting = [
            name
            for name, scored in answers.items()
            if scored.answer == "none" and evidence.fit(name, answer) >= VALUES_SUFFICE
        ]
        if fitting:
            best = max(fitting, key=lambda name: name_scores(name).get(answer, 0.0))
            answers[best] = Scored(answer, ONLY_ONE if len(fitting) == 1 else ONE_OF_SEVERAL)


def _take_back(evidence: Evidence, shape: Shape, answers: dict[str, Scored], given: set[str]) -> None:
    """A column called something of no use, where an order has no other that says when it was."""
    answer = "orders.created_at"
    is_of_orders = "orders.order_id" in given or "order_lines.order_id" in given
    if answer in given or answer not in shape.known or not is_of_orders:
        return
    likely = {
        column: score
        for column, scored in answers.items()
        if scored.answer.startswith("none:") and (score := evidence.score(column, answer, shape)) > NOTHING
    }
    if likely:
        best = max(likely, key=lambda column: likely[column])
        answers[best] = Scored(answer, likely[best])


def _options(evidence: Evidence, shape: Shape, column: str, scores: "object") -> list[Scored]:
    listed = [Scored(answer, float(score)) for answer, score in zip(shape.answers, scores, strict=True)]  # type: ignore[call-overload]
    listed += evidence.private_options(column, shape)
    return sorted((s for s in listed if s.score > 0.2), key=lambda s: -s.score)[:5]


def _table_score(evidence: Evidence, shape: Shape, answers: Mapping[str, Scored]) -> float:
    total = evidence.table_bonus.get(shape.table, 0.0) + _signs(evidence, shape, answers)
    total += FILE_SAYS if _is_called_so(evidence.sample.name, shape.table) else 0.0
    given = {scored.answer for scored in answers.values()}
    for scored in answers.values():
        if scored.answer.startswith("none"):
            continue
        worth = scored.score - WORTH
        if shape.is_main(scored.answer):
            total += worth
        elif scored.answer.startswith("identifier:"):
            total += worth * (1.0 if shape.table == "customers" else IDENTIFIER_WEIGHT)
        else:
            is_head = shape.table == "order_lines" and scored.answer.startswith("orders.")
            total += worth * (HEAD_WEIGHT if is_head else SIDE_WEIGHT)
    return (
        total
        - _lacks(shape, given)
        - _repeated_key(evidence, shape, answers)
        - _lone_lines(evidence, answers)
        - (OF_ORDERS if shape.table == "customers" and _numbers_orders(evidence) else 0.0)
        - (BOUGHT_IN if shape.table in SALES and _names_suppliers(evidence, given) else 0.0)
        - (CUSTOMERS_OF_PLACES if shape.table == "customers" and _numbers_places(evidence, given) else 0.0)
    )


def _is_called_so(file: str, table: str) -> bool:
    words = {*tokens_of(table.removesuffix("s")), *SIGNATURES.get(table, ())}
    return not words.isdisjoint(tokens_of(PurePath(file).stem))


def _signs(evidence: Evidence, shape: Shape, answers: Mapping[str, Scored]) -> float:
    """What names say of the table alone: a key that no other table has, and words that few others have."""
    words = SIGNATURES.get(shape.table, frozenset())
    signs = sum(not words.isdisjoint(tokens_of(column)) for column in answers)
    key = f"{shape.table}.{TABLES[shape.table].key[0]}"
    column = next((name for name, scored in answers.items() if scored.answer == key), None)
    is_own = column is not None and key.partition(".")[2] not in SHARED and shape.table not in COMMON
    is_key = (
        is_own
        and column is not None
        and tokens_of(column) != ("id",)
        and name_scores(column).get(key, 0.0) > CLEAR
    )
    signs += _signs_of_people(evidence, shape, answers)
    return min(MOST_SIGNS, SIGN * signs) + (
        OWN_KEY if is_key and evidence.profiles[column or ""].uniqueness > UNIQUE else 0.0
    )


def _signs_of_people(evidence: Evidence, shape: Shape, answers: Mapping[str, Scored]) -> int:
    """Of a list of customers: how many of its columns have one value for each person, none twice."""
    if shape.table != "customers" or _numbers_orders(evidence):
        return 0
    personal = ("customers.customer_id", "identifier:email", "identifier:phone", "identifier:account")
    columns = [column for column, scored in answers.items() if scored.answer in personal]
    profiles = [evidence.profiles[column] for column in columns]
    return 2 * sum(p.num_given > MANY and p.uniqueness > UNIQUE for p in profiles)


def _numbers_orders(evidence: Evidence) -> bool:
    """Whether each row has its own order, and the name says so: people may then be told apart by chance."""
    column = evidence.order_column
    if column is None or name_scores(column).get("orders.order_id", 0.0) < CLEAR:
        return False
    profile = evidence.profiles[column]
    return profile.fill == 1 and profile.uniqueness > UNIQUE


def _names_suppliers(evidence: Evidence, given: set[str]) -> bool:
    """Whether rows name who delivered, and no customer."""
    if not given.isdisjoint(OF_CUSTOMERS):
        return False
    return any(name_scores(column).get("receipts.supplier_id", 0.0) > CLEAR for column in evidence.profiles)


def _numbers_places(evidence: Evidence, given: set[str]) -> bool:
    """Whether each row has its own shop or warehouse, and none a customer."""
    if "customers.customer_id" in given:
        return False
    return any(
        name_scores(column).get("locations.location_id", 0.0) > CLEAR
        and profile.fill == 1
        and profile.uniqueness > UNIQUE
        for column, profile in evidence.profiles.items()
    )


def _lacks(shape: Shape, given: set[str]) -> float:
    cost = 0.0
    for columns, price in NEEDS.get(shape.table, {}).items():
        wanted = {name if "." in name or ":" in name else f"{shape.table}.{name}" for name in columns}
        cost += 0.0 if wanted & given else LACK * price
    return cost


def _lone_lines(evidence: Evidence, answers: Mapping[str, Scored]) -> float:
    """What it costs that no order has two lines, and no line says what was bought for which price."""
    given = {scored.answer: column for column, scored in answers.items()}
    order = given.get("order_lines.order_id")
    if order is None or {"order_lines.product_id", "order_lines.unit_price"} <= set(given):
        return 0.0
    profile = evidence.profiles[order]
    return LONE if profile.num_given > MANY and profile.uniqueness == 1 else 0.0


def _repeated_key(evidence: Evidence, shape: Shape, answers: Mapping[str, Scored]) -> float:
    """What it costs that the column of the main table's key repeats: rows are of something smaller."""
    key = TABLES[shape.table].key
    if len(key) > 1 or key[0] in OF_SEVERAL_ROWS:
        return 0.0
    for column, scored in answers.items():
        profile = evidence.profiles[column]
        if scored.answer == f"{shape.table}.{key[0]}" and profile.num_given > 3:
            if profile.fill < REPEATS:
                return 2.5
            return 2.5 if profile.uniqueness < REPEATS else 0.0 if profile.uniqueness > UNIQUE else 0.4
    return 0.0
