"""The columns of one target, compiled: for each its source, its typed expression, and its faults."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from foresell.contracts.columns import Column
from foresell.contracts.settings import Settings
from foresell.contracts.tables import VALIDITY
from foresell.sources.mapping import Field, Mapping, Target
from foresell.sources.parsing import (
    FIRST,
    IN_A_MAPPING,
    WHITE_SPACE,
    Fault,
    Parsed,
    Reading,
    Value,
    as_text,
    is_given,
    is_word,
    kind_of,
    parse_boolean,
    parse_json,
)
from foresell.sources.parsing_numbers import parse_number
from foresell.sources.parsing_times import parse_date, parse_time
from foresell.sources.words import CURRENCIES, VOCABULARIES
from foresell.store.engine import literal, quoted

VALID_FROM = VALIDITY[0]


@dataclass(frozen=True, slots=True)
class CompiledColumn:
    """One target column: its source expression, its typed one, and the faults to look for."""

    column: Column
    source: str
    parsed: Parsed
    given: str | None
    words_of_source: str


def compile_columns(
    target: Target, mapping: Mapping, raw_columns: MappingOf[str, str], settings: Settings
) -> list[CompiledColumn]:
    """The target's own columns in the contract's order, then `valid_from` where it is versioned."""
    fields = all_fields(target, mapping, raw_columns, settings)
    return [
        _compile_column(column, fields.get(column.name), target, mapping, raw_columns, settings)
        for column in _target_columns(target)
    ]


def _target_columns(target: Target) -> list[Column]:
    keys = set(target.contract.key)
    own = [c.as_required() if c.name in keys else c for c in target.contract.own_columns]
    return [*own, VALID_FROM] if target.contract.is_versioned else own


def all_fields(
    target: Target, mapping: Mapping, raw_columns: MappingOf[str, str], settings: Settings
) -> dict[str, Field]:
    """The target's fields; a currency that the file does not give is the mapping's, else the store's."""
    fields = target.all_fields
    column = target.contract.column.get("currency")
    mapped = fields.get("currency")
    is_there = mapped is not None and all(
        name in raw_columns or not mapped.is_optional for name in mapped.columns
    )
    if column is None or is_there:
        return fields
    has_money = any(target.contract.column[name].type == "decimal" for name in target.fields)
    if column.required or has_money:
        fields["currency"] = Field(value=mapping.currency or settings.store.currency)
    return fields


def _compile_column(
    column: Column,
    source: Field | None,
    target: Target,
    mapping: Mapping,
    raw_columns: MappingOf[str, str],
    settings: Settings,
) -> CompiledColumn:
    if source is None:
        empty = f"CAST(NULL AS {column.sql_type})"
        return CompiledColumn(column, "NULL", Parsed(empty), None, column.name)
    in_words = " + ".join(source.columns) or column.name
    if source.columns and not any(name in raw_columns for name in source.columns):
        return CompiledColumn(column, "NULL", Parsed(f"CAST(NULL AS {column.sql_type})"), None, in_words)
    if source.sql is not None:
        return _compile_sql(column, source, in_words)
    value = _value(column, source, mapping, raw_columns)
    alias = Value(quoted(f"_x_{column.name}"), value.kind)
    reading = Reading(
        time_zone=source.time_zone or mapping.time_zone or settings.store.time_zone,
        formats=source.formats,
        decimal=source.decimal or mapping.decimal,
        true_words=source.true_words,
        false_words=source.false_words,
    )
    named = Column(in_words, column.type)
    return CompiledColumn(
        column, value.sql, _parse(alias, column, named, target, reading), is_given(alias, column), in_words
    )


def _compile_sql(column: Column, source: Field, in_words: str) -> CompiledColumn:
    """SQL gives a value of its own type; where that cannot be cast, the row is at fault."""
    alias = quoted(f"_x_{column.name}")
    if column.type in ("string", "json"):
        parsed = Parsed(f"nullif(trim(CAST({alias} AS VARCHAR), {WHITE_SPACE}), '')")
        return CompiledColumn(column, "NULL", parsed, None, in_words)
    fault = Fault("invalid_value", f"'{in_words}' cannot be used as {column.type}")
    parsed = Parsed(f"TRY_CAST({alias} AS {column.sql_type})", (fault,))
    return CompiledColumn(column, "NULL", parsed, f"{alias} IS NOT NULL", in_words)


def _value(column: Column, source: Field, mapping: Mapping, raw_columns: MappingOf[str, str]) -> Value:
    """The source's value: a constant, a column, or columns joined; null words and word maps applied."""
    if source.value is not None:
        return Value(literal(source.value))
    kind = kind_of(raw_columns.get(source.columns[0], "VARCHAR"))
    has_words = bool(source.values) or (kind == "text" and bool(mapping.null_words))
    if column.type != "string" and len(source.columns) == 1 and not has_words:
        return Value(quoted(source.columns[0]), kind)
    text = joined_text(source, raw_columns)
    if mapping.null_words:
        text = f"CASE WHEN {is_word(text, mapping.null_words)} THEN NULL ELSE {text} END"
    if source.values:
        cases = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in source.values.items())
        text = f"CASE {text} {cases} ELSE {text} END"
    return Value(text)


def joined_text(source: Field, raw_columns: MappingOf[str, str]) -> str:
    parts = [as_text(Value(quoted(c), kind_of(raw_columns.get(c, "VARCHAR")))) for c in source.columns]
    if len(parts) == 1:
        return parts[0]
    is_missing = " OR ".join(f"({part}) IS NULL" for part in parts)
    joined = f"concat_ws({literal(source.separator)}, {', '.join(parts)})"
    return f"CASE WHEN {is_missing} THEN NULL ELSE {joined} END"


def _parse(alias: Value, column: Column, named: Column, target: Target, reading: Reading) -> Parsed:
    vocabulary = VOCABULARIES.get((target.table, column.name))
    if column.type == "string" and column.name == "currency":
        return _parse_currency(alias, named)
    if vocabulary is not None:
        return _parse_word(alias, named, *vocabulary)
    if column.type == "string":
        # The source expression is clean text already.
        return Parsed(alias.sql)
    if column.type == "json":
        return parse_json(alias, named)
    if column.type == "boolean":
        return parse_boolean(alias, named, reading)
    if column.type == "date":
        return parse_date(alias, named, reading)
    if column.type == "timestamp":
        return parse_time(alias, named, reading)
    return parse_number(alias, named, reading)


def _parse_currency(alias: Value, named: Column) -> Parsed:
    code = f"upper({alias.sql})"
    fault = Fault("unknown_currency", f"'{named.name}' must be an ISO 4217 code, such as EUR or USD")
    return Parsed(f"CASE WHEN {code} IN ({', '.join(map(literal, CURRENCIES))}) THEN {code} END", (fault,))


def _parse_word(
    alias: Value, named: Column, known: tuple[str, ...], aliases: dict[str, str], error_code: str
) -> Parsed:
    is_known = f"IN ({', '.join(map(literal, known))})"
    plain = f"regexp_replace(lower({alias.sql}), '[^a-z0-9]+', '_', 'g')"
    cases = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in aliases.items())
    fault = Fault(
        error_code,
        f"'{named.name}' must be one of {', '.join(known)}; other words need values = {{…}} {IN_A_MAPPING}",
    )
    return Parsed(
        f"CASE WHEN {FIRST} {is_known} THEN {FIRST} ELSE CASE {FIRST} {cases} END END",
        (fault,),
        first=f"CASE WHEN {alias.sql} {is_known} THEN {alias.sql} ELSE {plain} END",
    )
