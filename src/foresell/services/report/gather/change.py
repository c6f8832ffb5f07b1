"""Why the recent weeks differ from those before."""

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.services.report.gather.measures import recent_spans
from foresell.services.report.sections import Change, Span

KPI = "net_sales"


def gather_change(tables: Tables, settings: Settings, span: Span) -> Change:
    """Net sales of the last whole weeks, explained against as many before; empty where there are too few."""
    from foresell.explain.change import explain_change

    spans = recent_spans(span, settings)
    if spans is None:
        return Change()
    recent, before = spans
    try:
        why = explain_change(
            tables,
            settings,
            KPI,
            start=recent.start,
            end=recent.end,
            baseline_start=before.start,
            baseline_end=before.end,
        )
    except (InputError, NotFoundError):
        return Change(recent, before)
    return Change(recent, before, why)
