"""Files that are much larger or smaller than usual, or bring more that cannot be used."""

from collections.abc import Sequence
from math import log1p
from statistics import median

from foresell.quality.alerts.watched import Alert, Limits, RunFacts, Watched
from foresell.quality.finding import Words

LEAST_FILES = 5
RECENT = 20
# The median absolute deviation of a normal distribution with deviation 1.
MEDIAN_DEVIATION = 0.6745
# Files of nearly equal size would make every other one unusual: below this, a deviation is none.
LEAST_SPREAD = 0.05
# A share of quarantined rows worth a word, and how many times the usual one it must be.
LEAST_QUARANTINED = 0.01
TIMES_QUARANTINED = 3


def unusual_sizes(watched: Watched, limits: Limits) -> list[Alert]:
    """The last file of a source against at least five before: robust z-score of the logarithm of its rows
    (Iglewicz and Hoaglin, 1993)."""
    alerts = []
    for source, runs in watched.by_source().items():
        files = [run for run in runs if not run.is_duplicate]
        last, before = files[-1:], files[:-1][-RECENT:]
        if not last or len(before) < LEAST_FILES:
            continue
        if abs(_robust_z(last[0].rows_read, [run.rows_read for run in before])) >= limits.unusual_z:
            usual = median(run.rows_read for run in before)
            alerts.append(
                Alert("unusual_size", "warning", source, last[0].source_file, _size_words(last[0], usual))
            )
    return alerts


def more_quarantined(watched: Watched, _limits: Limits) -> list[Alert]:
    """The last file of a source has three times the usual share of unusable rows, and at least 1%."""
    alerts = []
    for source, runs in watched.by_source().items():
        files = [run for run in runs if not run.is_duplicate and run.rows_read]
        last, before = files[-1:], files[:-1][-RECENT:]
        if not last or not before:
            continue
        share, usual = _quarantined(last[0]), median(_quarantined(run) for run in before)
        if share >= LEAST_QUARANTINED and share > TIMES_QUARANTINED * usual:
            words = _quarantined_words(last[0], share, usual)
            alerts.append(Alert("more_quarantined", "error", source, last[0].source_file, words))
    return alerts


def _robust_z(size: int, before: Sequence[int]) -> float:
    logs = [log1p(one) for one in before]
    center = median(logs)
    spread = max(median(abs(one - center) for one in logs) / MEDIAN_DEVIATION, LEAST_SPREAD)
    return (log1p(size) - center) / spread


def _quarantined(run: RunFacts) -> float:
    return run.rows_quarantined / run.rows_read


def _size_words(last: RunFacts, usual: float) -> Words:
    return Words(
        f"{last.source_file} of '{last.source}' has {last.rows_read:,} rows; usual are {usual:,.0f}",
        "Look whether the export was cut short, or holds a longer time.",
        f"“{last.source}”的 {last.source_file} 有 {last.rows_read:,} 行；通常约 {usual:,.0f} 行",
        "请确认导出是否被截断，或包含了更长的时段。",
    )


def _quarantined_words(last: RunFacts, share: float, usual: float) -> Words:
    return Words(
        f"{share:.1%} of {last.source_file} could not be used; usual is {usual:.1%}",
        "`foresell quarantine list` says why.",
        f"{last.source_file} 有 {share:.1%} 的行无法使用；通常为 {usual:.1%}",
        "运行 `foresell quarantine list` 查看原因。",
    )
