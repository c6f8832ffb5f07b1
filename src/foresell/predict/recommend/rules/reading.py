"""Rules from TOML, read strictly: whatever is not understood is an error that names the closest valid choice.

[[rules]]
name = "no tobacco in e-mail"      # answers and `--why-not` refer to it
kind = "exclude"                   # one of RULES
category = "Tobacco"               # which products: the keys of `rule.Selection`
surfaces = ["email"]               # default: everywhere
from = 2026-12-01                  # a day or a moment, in the shop's time zone
until = 2026-12-31                 # the last day, or a moment that is excluded
dates = [2026-12-24]               # only on these days
priority = 1                       # where two rules want different things of one place or product
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.predict.recommend.rules import RULES, SURFACES, load_kind
from foresell.predict.recommend.rules.compiling import require_names_once, require_one_window
from foresell.predict.recommend.rules.kind import Kind
from foresell.predict.recommend.rules.kinds.frequency_cap import FrequencyCap
from foresell.predict.recommend.rules.rule import Day, Moment, Options, Rule, Selection, Text, Texts


class Frame(Options):
    """What every rule can say."""

    name: Text
    kind: Text
    surfaces: Texts = ()
    begins: Day | Moment | None = Field(None, alias="from")
    ends: Day | Moment | None = Field(None, alias="until")
    dates: Annotated[tuple[Day, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)] = ()
    priority: int = Field(0, ge=-1_000_000, le=1_000_000)


FRAME_KEYS = tuple(field.alias or name for name, field in Frame.model_fields.items())
TOP_KEYS = ("rules",)


def read_rules(path: Path, time_zone: str = "UTC") -> tuple[Rule, ...]:
    """The rules of a file, in its order; days and times without a zone are those of `time_zone`.

    Raises NotFoundError for a missing file, InputError as of `rules_from_text`.
    """
    return rules_from_text(text_of(path), path.name, time_zone)


def text_of(path: Path) -> str:
    """The text of a file of rules; NotFoundError for a missing one, InputError for one that is no text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {path}", do="Check the path.") from error
    except (IsADirectoryError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no text file", do="Give a TOML file with [[rules]].") from error


def rules_from_text(text: str, where: str, time_zone: str = "UTC") -> tuple[Rule, ...]:
    """The rules of a TOML text; `where` is what errors call it.

    Raises InputError for text that is no TOML, an unknown key, kind, surface or value, and names that
    repeat. No rules at all is an empty tuple.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not TOML: {error}", do="Correct it at that line.") from error
    _require_known(tree, TOP_KEYS, where)
    tables = tree.get("rules", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{where}: `rules` is no list of tables", do="Write each rule under [[rules]].")
    rules = tuple(
        rule_from_record(table, _place(table, number, where), time_zone)
        for number, table in enumerate(tables, 1)
    )
    require_names_once(sorted(rules, key=lambda rule: rule.name))
    require_one_window(rule.options.days for rule in rules if isinstance(rule.options, FrequencyCap))
    return rules


def _place(table: Mapping[str, Any], number: int, where: str) -> str:
    name = table.get("name")
    return f"{where}, rule {number}" + (f" ('{name}')" if isinstance(name, str) else "")


def rule_from_record(table: Mapping[str, Any], where: str, time_zone: str = "UTC") -> Rule:
    """One rule from the keys and values that TOML gives; errors as of `rules_from_text`."""
    name = table.get("kind")
    if not isinstance(name, str) or name not in RULES:
        what = "has no kind" if name is None else f"has the kind {name!r}, which there is not"
        raise InputError(f"{where} {what}", do=did_you_mean(str(name), RULES))
    kind = load_kind(name)
    options = tuple(kind.options.model_fields)
    selection_keys = () if kind.selection == "none" else tuple(Selection.model_fields)
    _require_known(table, (*FRAME_KEYS, *selection_keys, *options), where)
    frame = _checked(Frame, _some(table, FRAME_KEYS), where)
    for surface in frame.surfaces:
        if surface not in SURFACES:
            raise InputError(f"{where}: there is no surface '{surface}'", do=did_you_mean(surface, SURFACES))
    selected = _some(table, selection_keys)
    rule = Rule(
        name=frame.name.strip(),
        kind=name,
        options=_checked(kind.options, _some(table, options), where),
        selection=_checked(Selection, selected, where) if selected else None,
        surfaces=frame.surfaces,
        begins=frame.begins,
        ends=frame.ends,
        dates=frame.dates,
        priority=frame.priority,
        time_zone=time_zone,
    )
    _require_sense(rule, kind, where)
    return rule


def _require_sense(rule: Rule, kind: Kind, where: str) -> None:
    if kind.selection == "required" and rule.selection is None:
        raise InputError(
            f"{where} does not say which products it is about",
            do=f"Add one of: {', '.join(Selection.model_fields)}.",
        )
    begins_at, ends_at = rule.span()
    if begins_at and ends_at and begins_at >= ends_at:
        raise InputError(f"{where} ends before it begins", do="Correct `from` and `until`.")
    if kind.needs_time and not (begins_at or ends_at or rule.dates):
        raise InputError(f"{where} does not say when", do="Add `dates`, `from` or `until`.")


def _checked(model: type[Any], values: Mapping[str, Any], where: str) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "missing":
            raise InputError(f"{where} lacks `{key}`", do=f"Add it: {key} = …") from error
        received = first["input"]
        do = "docs/rules.md shows every kind."
        if first["type"] == "literal_error":
            choices = [
                choice.strip(" '")
                for choice in str(first["ctx"]["expected"]).replace(" or ", ", ").split(",")
            ]
            do = did_you_mean(str(received), choices)
        said = first["msg"].removeprefix("Value error, ")
        raise InputError(
            f"{where}: {key + ': ' if key else ''}{said}", received=repr(received), do=do
        ) from error


def _some(table: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key in keys}


def _require_known(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise InputError(f"{where}: there is no key '{key}'", do=did_you_mean(key, keys))
