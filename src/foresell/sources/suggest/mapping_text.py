"""A plan as the text of a mapping TOML, with a comment for every column: to be corrected and used again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foresell.sources.suggest.plan import Plan
from foresell.sources.suggest.proposal import Proposals, Question
from foresell.sources.suggest.reading import Source

WIDEST_COMMENT = 140


def mapping_text(
    name: str, plan: Plan, proposals: Proposals, questions: Sequence[Question], read: Mapping[str, str]
) -> str:
    """`read`: what the reader found out and cannot be sure of (encoding, delimiter)."""
    return "\n".join(_lines(name, plan, proposals, questions, read)) + "\n"


def _lines(
    name: str, plan: Plan, proposals: Proposals, questions: Sequence[Question], read: Mapping[str, str]
) -> Iterator[str]:
    yield f"# Proposed by `foresell import {_comment(name)} --suggest`. Correct it where it is wrong."
    yield "# The numbers are confidences, 0 to 1."
    yield f"# Main table: {plan.main} ({proposals.confidence:.2f})."
    for number, question in enumerate(questions, 1):
        yield f"# Question {number}: {_comment(question.text)}"
    yield ""
    yield f"name = {_text(_source_name(name))}"
    if plan.currency:
        yield f"currency = {_text(plan.currency)}"
    if plan.null_words:
        yield f"null_words = {_value(plan.null_words)}"
    if read:
        yield from ("", "[read]", *(f"{key} = {_text(value)}" for key, value in read.items()))
    if plan.identifiers:
        yield ""
        yield "[identifiers]  # become tokens before anything is stored"
        yield from (f"{_text(column)} = {_text(kind)}" for column, kind in plan.identifiers.items())
    for table in plan.tables:
        yield from _table(table, plan)
    unused = [c for c in proposals.columns if c.target is None]
    if unused:
        yield ""
        yield "# Not used:"
        yield from (f"#   {_comment(c.column)} ({c.confidence:.2f}: {'; '.join(c.reasons)})" for c in unused)


def _table(table: str, plan: Plan) -> Iterator[str]:
    mark = ""
    yield ""
    if table in plan.left_out:
        yield f"# {table} cannot be fed: it also needs {plan.left_out[table]}."
        mark = "# "
    if table == plan.main and plan.problems:
        yield f"# To be completed: {', '.join(plan.problems)} must be mapped before this can be used."
    if table == plan.main and len(plan.tables) > 1:
        yield f"[tables.{table}]"
        yield "primary = true"
    if condition := plan.conditions.get(table):
        yield f"{mark}[tables.{table}]"
        yield f'{mark}where = {{ column = {_text(condition)}, starts_with = "" }}  # only rows that have it'
    yield f"{mark}[tables.{table}.columns]"
    for column, source in plan.tables[table].items():
        note = f"  # {_comment(source.note)}" if source.note else ""
        yield f"{mark}{column} = {_source(source)}{note}"


def _source(source: Source) -> str:
    options = {
        "from": list(source.columns)
        if len(source.columns) > 1
        else source.columns[0]
        if source.columns
        else None,
        "value": source.value,
        "calculate": source.calculate,
        "year_of": source.year_of,
        "separator": source.separator,
        "formats": list(source.formats),
        "decimal": source.decimal,
        "true": list(source.true_words),
        "false": list(source.false_words),
        "values": dict(source.values),
        "identifier": source.identifier,
    }
    given = {key: value for key, value in options.items() if value}
    if list(given) == ["from"] and isinstance(given["from"], str):
        return _text(given["from"])
    return _value(given)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _text(str(value))


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").isalnum() else _text(key)


def _text(text: str) -> str:
    # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= 4 * WIDEST_COMMENT else plain[: 4 * WIDEST_COMMENT] + "…"


def _source_name(file_name: str) -> str:
    return file_name.rsplit("/", 1)[-1].removesuffix(".gz").rsplit(".", 1)[0]
