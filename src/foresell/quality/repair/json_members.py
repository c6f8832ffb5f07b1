"""Members of JSON columns, and text columns as if they were one."""

from typing import Any

from foresell.quality.repair.duckdb_functions import call
from foresell.quality.repair.rule import Rule


def text_of(rows: Any, rule: Rule) -> Any:
    """The text that a rule is about: a column, or a member of a JSON column (null where it is not text)."""
    values = rows[rule.the_column.name]
    if rule.member is None:
        return values
    # The JSON pointer of the member.
    path = "/" + rule.member.replace("~", "~0").replace("/", "~1")
    return call("json_extract_string", [values, path], "string")


def replaced_member(rows: Any, rule: Rule, new: Any) -> Any:
    """The column with the text replaced; the other members stay."""
    if rule.member is None:
        return new
    patch = call("json_object", [rule.member, new], "string")
    return call("json_merge_patch", [rows[rule.the_column.name], patch], "string")
