"""How features are named and worded: one form for a window, a value, a measure and a ratio."""

from collections.abc import Sequence

from foresell.features.feature import Feature
from foresell.features.measures import How, Measure, Ratio, Where


def window_words(days: int | None) -> tuple[str, str, str]:
    """The end of a column's name, and a window in English and Chinese words; None: the whole history."""
    if days is None:
        return "ever", "ever", "历史上"
    return f"{days}d", "in the last day" if days == 1 else f"in the last {days} days", f"最近 {days} 天"


def columns_of(values: Sequence[str]) -> dict[str, str]:
    """Each value and its part of a column's name: letters and digits of any script, else `_`; those that
    would be alike are numbered."""
    columns: dict[str, str] = {}
    for value in values:
        plain = "".join(sign if sign.isalnum() else "_" for sign in value.lower()).strip("_") or "other"
        name, number = plain, 2
        while name in columns.values():
            name, number = f"{plain}_{number}", number + 1
        columns[value] = name
    return columns


def measure(
    name: str,
    text: str,
    text_zh: str,
    unit: str,
    fact: str,
    how: How,
    of: str = "",
    *,
    days: int | None = None,
    where: Where = (),
    is_actionable: bool = False,
) -> Measure:
    return Measure(
        Feature(name, text, text_zh, unit, is_actionable=is_actionable), fact, how, of, days, where
    )


def ratio(
    name: str, text: str, text_zh: str, unit: str, top: str, bottom: str, *, is_actionable: bool = False
) -> Ratio:
    return Ratio(Feature(name, text, text_zh, unit, is_actionable=is_actionable), top, bottom)
