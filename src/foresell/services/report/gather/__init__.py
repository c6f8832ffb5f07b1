"""Reading everything the report says out of the tables."""

from datetime import UTC, date, datetime
from pathlib import Path

from foresell import __version__
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.services.report.sections import Report
from foresell.services.shop import Progress

STEPS = ("measuring", "checking", "places", "baskets", "explaining", "predictions", "customers")


def gather(
    tables: Tables,
    settings: Settings,
    start: date | None,
    end: date | None,
    progress: Progress,
    models: Path | None = None,
) -> Report:
    """The report's data over the local dates `start` to `end`, both inclusive; None: all there is.

    `models`: the folder of the artifacts, for what they say in words.
    """
    from foresell.services.report.gather.baskets import gather_pairs
    from foresell.services.report.gather.change import gather_change
    from foresell.services.report.gather.customers import gather_customers
    from foresell.services.report.gather.measures import find_span, gather_measures
    from foresell.services.report.gather.places import gather_places
    from foresell.services.report.gather.predictions import gather_predictions
    from foresell.services.report.gather.quality import gather_quality
    from foresell.services.report.sections import Change, Places

    def begin(step: str, detail: str = "") -> None:
        progress(f"report: {step} {detail}".strip(), STEPS.index(step), len(STEPS))

    begin("measuring")
    span = find_span(tables, settings, start, end)
    measured = gather_measures(tables, settings, span)
    begin("checking")
    quality = gather_quality(tables, settings, lambda check: begin("checking", check))
    begin("places")
    places = gather_places(tables, settings, span) if span else Places()
    begin("baskets")
    pairs = gather_pairs(tables, measured.overall)
    begin("explaining")
    change = gather_change(tables, settings, span) if span else Change()
    begin("predictions")
    predictions = gather_predictions(tables, settings, span)
    begin("customers")
    customers = gather_customers(tables, models)
    return Report(
        store=settings.store.name,
        currency=settings.store.currency,
        version=__version__,
        made_at=datetime.now(UTC),
        time_zone=settings.store.time_zone,
        span=span,
        quality=quality,
        measured=measured,
        places=places,
        pairs=pairs,
        change=change,
        predictions=predictions,
        customers=customers,
    )
