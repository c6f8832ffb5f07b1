"""What a repair may be asked: it refuses where its answer would lie."""

from collections.abc import Sequence

from foresell.contracts.columns import Type
from foresell.quality.repair.rule import Rule

NUMBERS: tuple[Type, ...] = ("decimal", "integer", "float")
# Of these, one value can stand for another.
VALUES: tuple[Type, ...] = ("string", "decimal", "timestamp", "date", "integer", "float", "boolean")


def refuse_argument(rule: Rule) -> None:
    if rule.argument:
        raise rule.error(
            f"has a word that '{rule.repair}' does not take: {rule.argument}",
            do="Leave it out, or write 'by COLUMN' or 'if CONDITION'.",
        )


def require_attribute(rule: Rule, *, is_reference_allowed: bool = False) -> None:
    """The column says something about its row, and does not name the row or what it belongs to."""
    column = rule.the_column
    if column.name in rule.contract.key:
        raise rule.error("would change a key: another row", do="Merge duplicates with merge_same_key.")
    if column.identifies:
        raise rule.error(
            f"would guess whose the row is: '{column.name}' identifies",
            do="Leave it missing, or drop the row.",
        )
    if column.name.endswith("_id") and not is_reference_allowed:
        raise rule.error(f"would guess what '{column.name}' refers to", do="Give one value with 'constant'.")
    if rule.member is not None:
        raise rule.error("names a member of JSON", do="Only 'unit' and 'fix_encoding' look into JSON.")
    require_wrong_cells(rule)


def require_wrong_cells(rule: Rule) -> None:
    column = rule.the_column
    if column.required and not rule.is_asked:
        raise rule.error(
            f"finds nothing: a row without '{column.name}' is in quarantine",
            do="Say which values are wrong, such as 'if < 0', or see `foresell quarantine list`.",
        )


def require_type(rule: Rule, types: Sequence[Type], instead: str) -> None:
    column = rule.the_column
    if column.type not in types:
        raise rule.error(f"cannot be: '{column.name}' is a {column.type}", do=f"Use {instead}.")
