"""Matching: persons behind several ids, orders of several sources, events of orders."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foresell.services.links import MatchRun, links_of, list_runs, record_links, undo_run
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    from foresell.matching.reconciliation import Reconciliation


@dataclass(frozen=True)
class Matched:
    """`run`: None where nothing is to change, or for a dry run. `found`: what was found, in numbers."""

    run: MatchRun | None
    found: dict[str, object]
    is_dry_run: bool

    def as_record(self) -> dict[str, object]:
        run = None if self.run is None else self.run.as_record()
        return {"run": run, "is_dry_run": self.is_dry_run, **self.found}


def match_identities(shop: Shop, *, dry_run: bool = False, progress: Progress = silent) -> Matched:
    """Find which customer ids, visitors and sessions are one person, and believe just those links.

    A dry run only tells what would be found. Running it again on the same rows changes nothing.
    """
    from foresell.matching.identities import stitch

    with writing(shop, "match identities", progress):
        progress("stitching identities", 0, None)
        with shop.reading() as tables:
            stitched = stitch(tables, shop.settings.matching)
        run = None if dry_run else record_links(shop, "identities", stitched.links)
    return Matched(run, stitched.as_record(), dry_run)


def match_orders(shop: Shop, *, dry_run: bool = False, progress: Progress = silent) -> Matched:
    """Find the orders that several sources bring, and believe just those links: copies count nowhere.

    Customers are the persons that `match_identities` has found. A dry run only tells.
    """
    from foresell.matching import orders
    from foresell.matching.resolve import MatchedTables

    with writing(shop, "match orders", progress):
        progress("matching orders", 0, None)
        with shop.reading() as tables:
            found = orders.match_orders(MatchedTables(tables, ("customer_links",)), shop.settings)
        run = None if dry_run else record_links(shop, "orders", found.links)
    return Matched(run, found.as_record(), dry_run)


def reconcile_events(shop: Shop) -> "Reconciliation":
    """Purchase events against the orders, persons and orders counted once. It changes nothing."""
    from foresell.matching.reconciliation import reconcile

    with shop.reading_matched() as tables:
        return reconcile(tables, shop.settings.matching)


def list_matches(shop: Shop) -> list[MatchRun]:
    """The runs of matching that are not undone, oldest first."""
    return list_runs(shop)


def show_match(shop: Shop, run_id: str, limit: int | None = None) -> list[dict[str, Any]]:
    """The links that a run made, each with its evidence."""
    return links_of(shop, run_id, limit)


def undo_match(shop: Shop, run_id: str, progress: Progress = silent) -> MatchRun:
    """Take a run back: the links are again, row for row, what they were before it."""
    with writing(shop, "match undo", progress):
        return undo_run(shop, run_id)
