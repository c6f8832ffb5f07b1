"""Does data still arrive as it used to? Alerts, each a rule over what was imported so far.

A rule is given what was watched and gives alerts; it reads no table itself. To add one: a function in a
file here, and a line in ALERTS.
"""

from collections.abc import Callable

from foresell.quality.alerts import columns, freshness, sizes
from foresell.quality.alerts.watched import Alert, Limits, Watched

AlertRule = Callable[[Watched, Limits], list[Alert]]

ALERTS: dict[str, AlertRule] = {
    "late_source": freshness.late_sources,
    "silent_table": freshness.silent_tables,
    "lost_column": columns.lost_columns,
    "emptied_column": columns.emptied_columns,
    "unusual_size": sizes.unusual_sizes,
    "more_quarantined": sizes.more_quarantined,
}


def find_alerts(watched: Watched, limits: Limits) -> list[Alert]:
    """What every rule finds, in the order of ALERTS, then by source and subject."""
    return [
        alert
        for rule in ALERTS.values()
        for alert in sorted(rule(watched, limits), key=lambda alert: (alert.source, alert.subject))
    ]
