"""Members of JSON columns, and text columns as if they were one."""

from typing import Any

from foresell.quality.repair.rule import Rule


def text_of(rows: Any, rule: Rule) -> Any:
    """The text that a rule is about: a column, or a member of a JSON column (null where it is not text)."""
    values = rows[rule.the_column.name]
    if rule.member is None:
        return values
    return _functions()["json_extract_string"](values, _path(rule.member))


def replaced_member(rows: Any, rule: Rule, new: Any) -> Any:
    """The column with the text replaced; the other members stay."""
    if rule.member is None:
        return new
    functions = _functions()
    patch = functions["json_object"](rule.member, new)
    return functions["json_merge_patch"](rows[rule.the_column.name], patch)


def _path(member: str) -> str:
    """The JSON pointer of a member."""
    return "/" + member.replace("~", "~0").replace("/", "~1")


def _functions() -> dict[str, Any]:
    """DuckDB's own: repairs run on DuckDB alone."""
    import ibis

    @ibis.udf.scalar.builtin
    def json_extract_string(value: str, path: str) -> str: ...

    @ibis.udf.scalar.builtin
    def json_merge_patch(value: str, patch: str) -> str: ...

    @ibis.udf.scalar.builtin
    def json_object(name: str, value: str) -> str: ...

    return {
        "json_extract_string": json_extract_string,
        "json_merge_patch": json_merge_patch,
        "json_object": json_object,
    }
