"""interpolate_seasonal: as interpolate, on top of what each weekday or month adds."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.interpolate import on_line, require_series
from foresell.quality.repair.patch import Patch, changes
from foresell.quality.repair.rule import Rule
from foresell.quality.repair.series import Series, as_series, neighbors

SEASONS = ("weekly", "yearly")
# A weekday or month seen once says nothing of its season.
LEAST_SEEN = 2


def check(rule: Rule) -> None:
    require_series(rule)
    if rule.argument not in (None, *SEASONS):
        raise rule.error(
            f"has no season '{rule.argument}'", do=f"Valid: {', '.join(SEASONS)}; weekly if left out."
        )


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Additive: what a weekday (`weekly`, the default) or month (`yearly`) adds is the mean of its right
    values less that of the whole series; the values without it are interpolated linearly, and it is added.

    A cell whose weekday or month has fewer than LEAST_SEEN right values is left. Where no right value of the
    series is negative, no new one is.
    """
    import ibis

    column = rule.the_column.name
    series = as_series(tables, settings, rule)
    rows = _with_season(series, column, _phase(series.rows._time, rule.argument))
    adjusted = rows.mutate(**{column: rows[column].cast("float64") - rows._season})
    order = [adjusted._time, *[adjusted[name] for name in rule.contract.key]]
    around = neighbors(Series(adjusted, series.groups, order), column)
    around = around.mutate(**{column: around._original})
    wrong = around.filter(
        around._wrong,
        around._time_before.notnull(),
        around._time_after.notnull(),
        around._seen >= LEAST_SEEN,
    )
    value = on_line(wrong) + wrong._season
    value = ibis.ifelse((wrong._least >= 0) & (value < 0), 0.0, value)
    evidence = (
        "interpolated; its season adds "
        + wrong._season.round(4).cast("string")
        + ", the mean of "
        + wrong._seen.cast("string")
        + " values"
    )
    return [changes(wrong, rule, {column: value}, evidence)]


def _phase(time: Any, season: str | None) -> Any:
    moments = time.cast("timestamp('UTC')")
    return moments.month() if season == "yearly" else moments.day_of_week.index()


def _with_season(series: Series, column: str, phase: Any) -> Any:
    """The rows with `_season`, how many right values it is of (`_seen`) and the least of the series."""
    import ibis

    rows = series.rows.filter(series.rows._time.notnull())
    known = ~rows._wrong & rows[column].notnull()
    right = ibis.ifelse(known, rows[column].cast("float64"), ibis.null("float64"))
    rows = rows.mutate(_phase=phase, _right=right, _original=rows[column])
    whole = ibis.window(group_by=series.groups)
    like = ibis.window(group_by=[*series.groups, "_phase"])
    return rows.mutate(
        _season=rows._right.mean().over(like) - rows._right.mean().over(whole),
        _seen=rows._right.count().over(like),
        _least=rows._right.min().over(whole),
    )
