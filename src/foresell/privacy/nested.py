"""Direct identifiers inside JSON: in nested objects and lists, as deep as they lie.

A source's identifiers are named by column. Where its values are JSON, a name can also say more:

    context.traits.name    a path: of a column, or below a column whose values are JSON
    *.email                every column and every key named `email`, at any depth

Upper and lower case, `_` and `-` make no difference in names. Items of a list share its path; of an object
`{"key": "email", "value": …}` the value counts as named `email`. Each text and number under such a name
becomes a token, and so does, where any `*.` is named, each e-mail address within any other text (a page's
address may bring one along). Of an address that is an object, the city, state and country stay.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    import duckdb

Projection = Callable[[Sequence[str]], Mapping[str, str]]
# (kind, identifier as it is tokenized) → token
Replace = Callable[[str, str], str]

ANYWHERE = "*."
FUNCTION = "replace_nested"
EMAIL = re.compile(r"[A-Za-z0-9._+-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
IS_JSON = "regexp_matches({}, '^\\s*[\\[{{]')"
# Of an address these are shared by many, and of use.
SHARED = ("city", "state", "region", "province", "country", "countrycode")
KEY_NAMES = ("key", "name")


def identified(identifiers: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    """The columns that are identifiers as a whole → kind."""
    if not has_nested(identifiers):
        return {column: identifiers[column] for column in columns if column in identifiers}
    names = {_plain(name): kind for name, kind in identifiers.items()}
    found = {column: identifiers.get(column) or _kind(names, column) for column in columns}
    return {column: kind for column, kind in found.items() if kind is not None}


def has_nested(identifiers: Mapping[str, str]) -> bool:
    return any(name.startswith(ANYWHERE) for name in identifiers)


@contextmanager
def replacing_nested(
    connection: "duckdb.DuckDBPyConnection",
    identifiers: Mapping[str, str],
    replace: Replace,
    whole: Projection,
) -> Iterator[Projection]:
    """The projection `whole` of whole columns, and of the others what lies within their texts.

    Without a name that begins with `*.` it is `whole` itself.
    """
    if not has_nested(identifiers):
        yield whole
        return
    names = {_plain(name): kind for name, kind in identifiers.items()}

    def replaced(column: str, value: str) -> str:
        return _replaced_text(value, column, names, replace)

    def projection(columns: Sequence[str]) -> Mapping[str, str]:
        chosen = whole(columns)
        return {c: _of_whole(c, chosen[c]) if c in chosen else _within(c, names) for c in columns}

    connection.create_function(FUNCTION, replaced, ["VARCHAR", "VARCHAR"], "VARCHAR", side_effects=True)
    yield projection
    # A function in use cannot be taken away, and one that stays keeps its connection alive.
    connection.execute("SELECT 1").fetchall()
    connection.remove_function(FUNCTION)


def nested_tokens_sql(column: str) -> str:
    """SQL: the tokens that stand within a column's text, as a list."""
    return f"regexp_extract_all(CAST({quoted(column)} AS VARCHAR), '\\b[0-9a-f]{{32}}\\b')"


def _of_whole(column: str, mark: str) -> str:
    """SQL: of JSON the parts become tokens, so that what is none of the person's own can stay."""
    text = f"CAST({quoted(column)} AS VARCHAR)"
    return f"CASE WHEN {IS_JSON.format(text)} THEN {FUNCTION}({literal(column)}, {text}) ELSE {mark} END"


def _within(column: str, names: Mapping[str, str]) -> str:
    """SQL that calls the function only for texts that may hold an identifier: it takes its time."""
    text = f"CAST({quoted(column)} AS VARCHAR)"
    words = sorted({re.escape(name.rsplit(".", 1)[-1]) for name in names})
    is_json = IS_JSON.format(text)
    is_named = f"regexp_matches(regexp_replace(lower({text}), '[_-]', '', 'g'), {literal('|'.join(words))})"
    is_suspect = f"contains({text}, '@') OR contains({text}, '%40') OR ({is_json} AND {is_named})"
    return f"CASE WHEN {is_suspect} THEN {FUNCTION}({literal(column)}, {text}) ELSE {text} END"


def replacing_in(identifiers: Mapping[str, str], replace: Replace) -> Callable[[Any, str], Any]:
    """What gives a value of JSON, called by a name as in `identifiers`, without its direct identifiers."""
    names = {_plain(name): kind for name, kind in identifiers.items()}
    return lambda value, path: _walked(value, path, names, replace)


def may_hold_address(text: str) -> bool:
    """Whether an e-mail address may stand within a text: a quick look."""
    return "@" in text or "%40" in text


def _replaced_text(value: str, column: str, names: Mapping[str, str], replace: Replace) -> str:
    if value.lstrip()[:1] in ("{", "["):
        try:
            return json.dumps(_walked(json.loads(value), column, names, replace), ensure_ascii=False)
        except ValueError:
            pass
    return _without_addresses(value, replace)


def _walked(
    value: Any, path: str, names: Mapping[str, str], replace: Replace, kind: str | None = None
) -> Any:
    kind = kind or _kind(names, path)
    if kind == "address" and _plain(path).rsplit(".", 1)[-1] in SHARED:
        kind = None
    if isinstance(value, dict):
        named = next((value[key] for key in KEY_NAMES if isinstance(value.get(key), str)), None)
        return {
            key: _walked(item, f"{path}.{named if key == 'value' and named else key}", names, replace, kind)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_walked(item, path, names, replace, kind) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if kind is not None:
        return _token(str(value), kind, replace)
    return _without_addresses(value, replace) if isinstance(value, str) else value


def _token(value: str, kind: str, replace: Replace) -> str:
    written = _normalized(kind, value)
    return replace(kind, written) if written else ""


def _without_addresses(value: str, replace: Replace) -> str:
    return EMAIL.sub(lambda found: _token(found.group().replace("%40", "@"), "email", replace), value)


def _normalized(kind: str, value: str) -> str:
    """As `tokens.normalized_sql` does."""
    if kind == "email":
        return value.strip().lower()
    return re.sub("[^0-9+]", "", value) if kind == "phone" else value.strip()


def _plain(name: str) -> str:
    return re.sub("[_-]", "", name.lower())


def _kind(names: Mapping[str, str], path: str) -> str | None:
    plain = _plain(path)
    return names.get(plain) or names.get(ANYWHERE + plain.rsplit(".", 1)[-1])
