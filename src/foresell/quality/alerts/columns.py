"""Columns of a source that have gone, or have become empty."""

from foresell.quality.alerts.watched import Alert, Limits, RunFacts, Watched
from foresell.quality.finding import Words

# A column that was filled in most rows, and now in hardly any, has become empty.
FILLED = 0.5
EMPTY = 0.95
LEAST_ROWS = 20


def lost_columns(watched: Watched, _limits: Limits) -> list[Alert]:
    """Columns that the file before the last had, and the last one has not."""
    alerts = []
    for source, (earlier, last) in _last_two(watched).items():
        for column in sorted(earlier.missing.keys() - last.missing.keys()):
            alerts.append(Alert("lost_column", "error", source, column, _lost_words(column, last)))
    return alerts


def emptied_columns(watched: Watched, _limits: Limits) -> list[Alert]:
    """Columns with values in more than half of the rows before, and in less than 5% of the last file's."""
    alerts = []
    for source, (earlier, last) in _last_two(watched).items():
        if min(earlier.rows_read, last.rows_read) < LEAST_ROWS:
            continue
        for column, share in sorted(last.missing.items()):
            before = earlier.missing.get(column)
            if before is not None and before < FILLED and share > EMPTY:
                words = _emptied_words(column, last, before, share)
                alerts.append(Alert("emptied_column", "warning", source, column, words))
    return alerts


def _last_two(watched: Watched) -> dict[str, list[RunFacts]]:
    """The last two files of a source that brought something."""
    found = {}
    for source, runs in watched.by_source().items():
        told = [run for run in runs if not run.is_duplicate and run.missing]
        if len(told) > 1:
            found[source] = told[-2:]
    return found


def _lost_words(column: str, last: RunFacts) -> Words:
    return Words(
        f"'{column}' has gone from '{last.source}' ({last.source_file})",
        "Was it renamed? Change the mapping, or ask for the column again.",
        f"“{last.source}”不再提供“{column}”列（{last.source_file}）",
        "是否改名了？请修改映射，或要求恢复该列。",
    )


def _emptied_words(column: str, last: RunFacts, before: float, share: float) -> Words:
    return Words(
        f"'{column}' of '{last.source}' is empty in {share:.0%} of the rows, before in {before:.0%}",
        "Ask whether the source still fills it.",
        f"“{last.source}”的“{column}”有 {share:.0%} 的行为空，此前为 {before:.0%}",
        "请确认数据源是否仍填写该列。",
    )
