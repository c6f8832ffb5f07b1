"""A repair rule as a shop writes it: TABLE.COLUMN: REPAIR [ARGUMENT] [by COLUMN, …] [if CONDITION].

    products.price: median by category
    orders.channel: constant web
    orders.shipping_amount: constant 0 if < 0
    inventory.on_hand: interpolate by product_id, location_id
    products.attributes.weight: unit kg
    products: merge_same_key

`if` says which cells are wrong: `if missing` (the default), `if = X`, `if < X` (also <=, >, >=) or
`if in A, B`.
`by nothing` puts all rows into one group. A value with spaces, or the words by and if, stands in 'quotes'.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from foresell.contracts.columns import Column
from foresell.contracts.errors import InputError, did_you_mean
from foresell.contracts.tables import TABLES, Table
from foresell.quality.repair.values import read_value

WORDS = ("by", "if")
COMPARISONS = ("=", "<", "<=", ">", ">=")
NOTHING = "nothing"
# What no rule may touch: a guess there would lie about what somebody decided, or who somebody is.
REFUSED_TABLES = {
    "identities": "a guess would tie an identifier to the wrong person",
    "consents": "only the customer can give consent",
    "risk_labels": "a label is what somebody found out",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Which cells are wrong. `operator`: missing, in, or a comparison; `values`: typed as the column."""

    operator: str = "missing"
    values: tuple[Any, ...] = ()


MISSING = Condition()


@dataclass(frozen=True, slots=True)
class Rule:
    """A parsed rule. `text`: as it was written, spaces apart; it names the rule in the store's records.

    `column` None: the rule is about whole rows. `member`: of a JSON column. `by` None: the repair's own
    groups; (): all rows are one group. `is_asked`: the rule says by itself which cells are wrong.
    """

    text: str
    table: str
    column: str | None
    member: str | None
    repair: str
    argument: str | None = None
    by: tuple[str, ...] | None = None
    condition: Condition = MISSING
    is_asked: bool = False

    @property
    def contract(self) -> Table:
        return TABLES[self.table]

    @property
    def the_column(self) -> Column:
        """The column; InputError for a rule that names none."""
        if self.column is None:
            raise self.error(
                "names no column",
                do=f"Write: {self.table}.COLUMN: {self.repair}, with a column of "
                f"{', '.join(c.name for c in self.contract.own_columns)}.",
            )
        return self.contract.column[self.column]

    def error(self, what: str, do: str) -> InputError:
        return InputError(f"The repair rule '{self.text}' {what}", do=do)


def parse_rule(text: str, repairs: Sequence[str]) -> Rule:
    """A rule from its text; `repairs` are the known ones. InputError says what is wrong and what is known."""
    plain = " ".join(text.split())
    place, colon, rest = plain.partition(":")
    tokens = _tokens(plain, rest)
    if not colon or not tokens:
        raise InputError(
            f"The repair rule '{plain}' cannot be read",
            do="Write: TABLE.COLUMN: REPAIR [by COLUMN] [if CONDITION], such as 'products.price: median by "
            "category'.",
        )
    table, column, member = _place(plain, place)
    repair = tokens[0][0]
    if repair not in repairs:
        raise InputError(
            f"The repair rule '{plain}': there is no repair '{repair}'", do=did_you_mean(repair, repairs)
        )
    parts = _split(plain, tokens[1:])
    contract = TABLES[table]
    by = None if parts["by"] is None else _columns(plain, contract, parts["by"])
    condition = MISSING
    if parts["if"] is not None:
        condition = _condition(plain, contract.column[column] if column else None, parts["if"])
    argument = " ".join(parts[""] or ()) or None
    return Rule(plain, table, column, member, repair, argument, by, condition, parts["if"] is not None)


def _tokens(text: str, rest: str) -> list[tuple[str, bool]]:
    """The words, each with whether it stood in quotes."""
    try:
        lexer = shlex.shlex(rest, posix=False)
        lexer.whitespace_split = True
        lexer.commenters = ""
        pieces = list(lexer)
    except ValueError as error:
        raise InputError(f"The repair rule '{text}' has a quote that does not end", received=error) from error
    return [_unquoted(piece) for piece in pieces]


def _unquoted(piece: str) -> tuple[str, bool]:
    is_quoted = len(piece) >= 2 and piece[0] == piece[-1] and piece[0] in "'\""
    return (piece[1:-1], True) if is_quoted else (piece, False)


def _place(text: str, place: str) -> tuple[str, str | None, str | None]:
    table, _, rest = place.strip().partition(".")
    column, _, member = rest.partition(".")
    if table not in TABLES:
        raise InputError(
            f"The repair rule '{text}': there is no table '{table}'", do=did_you_mean(table, TABLES)
        )
    if table in REFUSED_TABLES:
        raise InputError(
            f"'{table}' is never repaired: {REFUSED_TABLES[table]}", do="Correct it at the source."
        )
    if column:
        _require_column(text, TABLES[table], column)
    if member and TABLES[table].column[column].type != "json":
        raise InputError(
            f"The repair rule '{text}': {table}.{column} has no members", do="Only JSON columns have them."
        )
    return table, column or None, member or None


def _require_column(text: str, table: Table, column: str) -> None:
    names = [c.name for c in table.own_columns]
    if column not in names:
        raise InputError(
            f"The repair rule '{text}': {table.name} has no column '{column}'", do=did_you_mean(column, names)
        )


def _split(text: str, tokens: Sequence[tuple[str, bool]]) -> dict[str, list[str] | None]:
    """The argument (""), and what follows the words by and if."""
    parts: dict[str, list[str] | None] = {"": [], "by": None, "if": None}
    current = parts[""]
    for word, is_quoted in tokens:
        if word in WORDS and not is_quoted:
            if parts[word] is not None:
                raise InputError(f"The repair rule '{text}' says '{word}' twice", do="Say it once.")
            current = parts[word] = []
        elif current is not None:
            current.append(word)
    return parts


def _columns(text: str, table: Table, words: Sequence[str]) -> tuple[str, ...]:
    names = tuple(name for name in " ".join(words).replace(",", " ").split() if name)
    if names == (NOTHING,):
        return ()
    for name in names:
        _require_column(text, table, name)
    if not names:
        raise InputError(
            f"The repair rule '{text}' does not say by what", do="Name columns, or write 'by nothing'."
        )
    return names


def _condition(text: str, column: Column | None, words: Sequence[str]) -> Condition:
    if column is None:
        raise InputError(f"The repair rule '{text}' has a condition but no column", do="Name the column.")
    if list(words) == ["missing"]:
        return MISSING
    operator, values = (words[0], words[1:]) if words else ("", ())
    if operator == "in" and values:
        given = [value.strip() for value in " ".join(values).strip("()").split(",")]
        return Condition("in", tuple(read_value(column, value, text) for value in given if value))
    if operator in COMPARISONS and values:
        return Condition(operator, (read_value(column, " ".join(values), text),))
    raise InputError(
        f"The repair rule '{text}' has a condition that cannot be read",
        received=" ".join(words),
        do="Write one of: if missing, if = X, if < X, if <= X, if > X, if >= X, if in A, B.",
    )
