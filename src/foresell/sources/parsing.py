"""From a source's value to a typed one: SQL expressions with a fast path, and the faults where they fail.

Every expression is vectorized SQL: first a plain TRY_CAST; text patterns are tried only on values for which
that gave null.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from foresell.contracts.columns import Column
from foresell.sources.words import FALSE_WORDS, NOTHING_WORDS, TRUE_WORDS
from foresell.store.engine import literal

Kind = Literal["text", "integer", "float", "decimal", "boolean", "naive", "zoned", "date", "nested", "other"]

FIRST = "$first$"
SECOND = "$second$"
IN_A_MAPPING = "in a mapping (foresell import FILE --mapping MAPPING.toml)"
WHITE_SPACE = "' \t\r\n\u00a0\ufeff'"

INTEGERS = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
}
NAIVE_TIMES = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason why a given value has no typed one. `condition`: SQL; None: whatever else it is."""

    code: str
    message: str
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How the values of one column are written; of all that a mapping says, what applies to it."""

    time_zone: str
    formats: tuple[str, ...] = ()
    decimal: str | None = None
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A typed SQL expression, and the faults, first match first, of given values for which it is null.

    `first`, then `second`: expressions that are computed before, once, and stand as FIRST and SECOND in what
    follows them. Without that the SQL would grow with every mention of them.
    """

    sql: str
    faults: tuple[Fault, ...] = ()
    first: str | None = None
    second: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A SQL expression of a source's value and what kind of type it has."""

    sql: str
    kind: Kind = field(default="text")


def kind_of(sql_type: str) -> Kind:
    """What kind of value a DuckDB type holds."""
    upper = sql_type.upper()
    if upper in INTEGERS:
        return "integer"
    if upper.startswith("DECIMAL"):
        return "decimal"
    if upper.endswith(("]", ")")) and not upper.startswith("ENUM"):
        return "nested"
    kinds: dict[str, Kind] = {
        "VARCHAR": "text",
        "DOUBLE": "float",
        "FLOAT": "float",
        "BOOLEAN": "boolean",
        "TIMESTAMP WITH TIME ZONE": "zoned",
        "DATE": "date",
        **dict.fromkeys(NAIVE_TIMES, "naive"),
    }
    return kinds.get(upper, "other")


def is_given(value: Value, column: Column) -> str:
    """The SQL condition that the source says something at all."""
    if value.kind == "float":
        return f"({value.sql} IS NOT NULL AND NOT isnan({value.sql}))"
    if value.kind != "text":
        return f"({value.sql} IS NOT NULL)"
    trimmed = f"lower(trim({value.sql}, {WHITE_SPACE}))"
    nothing = ("",) if column.type in ("string", "json") else ("", *NOTHING_WORDS)
    return f"({value.sql} IS NOT NULL AND NOT {is_word(trimmed, nothing)})"


def is_word(sql: str, words: Iterable[str]) -> str:
    """The SQL condition that a text is one of a few words, looked at only where a CASE needs it.

    DuckDB turns IN and list_contains into a join, which is computed for every row.
    """
    pattern = "|".join(re.escape(word) for word in words)
    return f"regexp_full_match({sql}, {literal(pattern)})"


def as_text(value: Value) -> str:
    """The value as text: verbatim, without surrounding white space and NUL characters, null if empty.

    A number that happens to be stored as a float (a nullable integer of pandas) has no ".0".
    """
    sql = value.sql
    if value.kind == "text":
        # Most text needs no trimming: two comparisons tell, at a third of the cost of trimming by a set.
        is_tidy = (
            f"{sql} BETWEEN '!' AND '~' AND {sql}[-1] BETWEEN '!' AND '~' AND NOT contains({sql}, chr(0))"
        )
        trimmed = f"nullif(trim(replace({sql}, chr(0), ''), {WHITE_SPACE}), '')"
        return f"CASE WHEN {is_tidy} THEN {sql} ELSE {trimmed} END"
    if value.kind in ("float", "decimal"):
        is_whole = f"{sql} = trunc({sql}) AND abs({sql}) < 1e15"
        whole = f"CAST(CAST({sql} AS BIGINT) AS VARCHAR)"
        number = f"CASE WHEN {is_whole} THEN {whole} ELSE CAST({sql} AS VARCHAR) END"
        return number if value.kind == "decimal" else f"CASE WHEN isnan({sql}) THEN NULL ELSE {number} END"
    if value.kind == "nested":
        return f"CAST(to_json({sql}) AS VARCHAR)"
    return f"CAST({sql} AS VARCHAR)"


def parse_json(value: Value, column: Column) -> Parsed:
    """JSON text is checked, anything else becomes JSON."""
    if value.kind != "text":
        return Parsed(f"CAST(to_json({value.sql}) AS VARCHAR)")
    text = as_text(value)
    fault = Fault("invalid_json", f'\'{column.name}\' must be JSON, such as {{"color": "red"}}')
    return Parsed(f"CASE WHEN json_valid({text}) THEN {text} END", (fault,))


def parse_boolean(value: Value, column: Column, reading: Reading) -> Parsed:
    true_words = (*TRUE_WORDS, *(word.lower() for word in reading.true_words))
    false_words = (*FALSE_WORDS, *(word.lower() for word in reading.false_words))
    text = f"lower({as_text(value)})"
    fault = Fault(
        "invalid_boolean",
        f"'{column.name}' must be yes or no: write one of {', '.join((*TRUE_WORDS, *FALSE_WORDS))},"
        f' or say true = ["…"] and false = ["…"] {IN_A_MAPPING}',
    )
    if value.kind == "boolean":
        return Parsed(value.sql)
    is_true, is_false = (is_word(text, given) for given in (true_words, false_words))
    return Parsed(f"CASE WHEN {is_true} THEN true WHEN {is_false} THEN false END", (fault,))
