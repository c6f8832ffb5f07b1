"""Sources that import no more, and tables whose newest rows grow old.

The rhythm is learned: a pause is too long where it exceeds the longest of the recent ones by
`late_factor`, so that weekends and holidays that the source always keeps raise no alarm.
"""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from foresell.quality.alerts.watched import Alert, Limits, Watched
from foresell.quality.finding import Words

# Of fewer days no rhythm can be learned.
LEAST_IMPORT_DAYS = 4
LEAST_ACTIVE_DAYS = 14
RECENT = 30


def late_sources(watched: Watched, limits: Limits) -> list[Alert]:
    """Sources that were imported on at least four days, and not for longer than they ever paused of late."""
    alerts = []
    for source, runs in watched.by_source().items():
        days = sorted({run.day for run in runs})
        pause, usual = _pauses(days, watched.day)
        if len(days) >= LEAST_IMPORT_DAYS and pause > usual * limits.late_factor:
            alerts.append(Alert("late_source", "error", source, source, _late_words(source, days[-1], usual)))
    return alerts


def silent_tables(watched: Watched, limits: Limits) -> list[Alert]:
    """Tables with rows on at least fourteen dates whose newest row is older than any recent pause."""
    alerts = []
    for (source, table), rows in watched.rows_by_day.items():
        days = sorted(rows)
        pause, usual = _pauses(days, watched.day)
        if len(days) >= LEAST_ACTIVE_DAYS and pause > usual * limits.late_factor:
            words = _silent_words(table, source, days[-1], usual)
            alerts.append(Alert("silent_table", "error", source, table, words))
    return alerts


def _pauses(days: Iterable[date], today: date) -> tuple[int, int]:
    """Days since the last one, and the longest pause among the recent ones; both at least 0."""
    recent = list(days)[-RECENT:]
    usual = max(((later - earlier).days for earlier, later in pairwise(recent)), default=0)
    return ((today - recent[-1]).days if recent else 0), usual


def _late_words(source: str, last: date, usual: int) -> Words:
    return Words(
        f"'{source}' has not been imported since {last}; its longest usual pause is {_days(usual)}",
        "See whether the export and the scheduled import still run.",
        f"“{source}”自 {last} 起没有再导入；以往最长间隔为 {usual} 天",
        "请检查导出和定时导入是否仍在运行。",
    )


def _silent_words(table: str, source: str, last: date, usual: int) -> Words:
    return Words(
        f"The newest {table} of '{source}' are of {last}; the longest usual pause is {_days(usual)}",
        "If the shop was open, the export is cut short or comes from an old file.",
        f"“{source}”的 {table} 最新数据停在 {last}；以往最长间隔为 {usual} 天",
        "若店铺照常营业，则导出不完整或来自旧文件。",
    )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
