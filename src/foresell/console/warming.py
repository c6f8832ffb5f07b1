"""What pages ask first is asked before anybody opens them, and again when a table has changed."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from foresell.console.house import House
from foresell.console.pages.customers import around
from foresell.console.pages.demand import at_work, forecaster
from foresell.console.pages.products_rules import touched
from foresell.console.periods import CHOICES, USUAL
from foresell.console.tables import PAGE_ROWS
from foresell.console.visit import LANGUAGES
from foresell.contracts.errors import ForesellError, NotFoundError
from foresell.services.customers.find import Wanted, customer_choices, find_customers
from foresell.services.customers.last_segments import last_segments
from foresell.services.demand import demand
from foresell.services.leaderboards import read_leaderboard
from foresell.services.measure import check_quality
from foresell.services.measured_rows import sold_lines
from foresell.services.report.sections import Span
from foresell.services.result_pages import imports
from foresell.services.rules import history
from foresell.services.today import (
    HEADLINE,
    against_forecast,
    cut_kpi,
    daily_sales,
    digest_of_last_day,
    headline,
    known_span,
    last_days,
    why_changed,
)

LOOK_SECONDS = 20.0
# What moves all the time is looked at again so many times longer than looking takes: a twentieth of one
# processor at most.
REST = 20.0
LEAST_REST_SECONDS = 60.0
# What is asked beforehand waits until no page was opened for so long, but not longer than PATIENCE.
QUIET_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
log = logging.getLogger("foresell.console")
Versions = Mapping[str, int]
Question = tuple[Callable[..., Any], tuple[Any, ...]]


async def keep_warm(house: House) -> None:
    """Until it is cancelled. What fails is asked again by whoever opens the page, and told to them."""
    asked_of: Versions | None = None
    next_look = 0.0
    while True:
        with suppress(NotFoundError):
            now = await house.in_thread(_versions, house)
            if _is_due(house, asked_of, now, next_look):
                began = time.monotonic()
                await _ask_all(house, now)
                await house.in_thread(house.answers.settle, now)
                await house.refresh_recommender()
                house.is_warm, asked_of = True, now
                took = time.monotonic() - began
                next_look = time.monotonic() + max(LEAST_REST_SECONDS, REST * took)
        await asyncio.sleep(LOOK_SECONDS)


def _versions(house: House) -> Versions:
    return house.shop.folder.tables.versions()


def _is_due(house: House, before: Versions | None, now: Versions, next_look: float) -> bool:
    """At once where a table changed that stands still else; what moves all the time is let rest."""
    if before is None:
        return True
    changed = {name for name in now if now[name] != before.get(name)}
    return bool(changed - house.answers.moving) or bool(changed and time.monotonic() > next_look)


async def _ask_all(house: House, versions: Versions) -> None:
    try:
        known = await house.ask(known_span, versions=versions)
        if known is None:
            return
        languages = sorted(LANGUAGES, key=lambda code: code != house.shop.settings.store.language)
        patience = time.monotonic() + PATIENCE_SECONDS
        others = await house.in_thread(_others, house, known)
        for question in (*_of_today(known, USUAL, languages), *others):
            while house.quiet_seconds < QUIET_SECONDS and time.monotonic() < patience:
                await asyncio.sleep(1.0)
            await _asked(house, question, versions)
    except Exception:
        log.exception("what pages show could not be asked beforehand")


async def _asked(house: House, question: Question, versions: Versions) -> None:
    """What a shop lacks is said on the page."""
    verb, arguments = question
    with suppress(ForesellError):
        await house.ask(verb, *arguments, versions=versions)


def _of_today(known: Span, days: int, languages: Sequence[str]) -> list[Question]:
    recent, before = last_days(known, days)
    asked: list[Question] = [(headline, (recent, before))]
    asked += [(daily_sales, (span,)) for span in (recent, before) if span]
    if before is not None:
        asked.append((why_changed, (recent, before)))
    asked += [(digest_of_last_day, (known.end, code)) for code in languages]
    return [*asked, (demand, ()), (against_forecast, ())]


def _others(house: House, known: Span) -> list[Question]:
    """Of the other pages, those opened most first; what takes longest last."""
    recent, _ = last_days(known, USUAL)
    segmentations = dict.fromkeys(name for name, _, _ in customer_choices(house.shop).segments)
    asked: list[Question] = [
        (customer_choices, ()),
        (find_customers, (Wanted(), 1, PAGE_ROWS)),
        (sold_lines, (recent, 1, PAGE_ROWS)),
        (imports, (PAGE_ROWS, 0)),
        *((read_leaderboard, (task,)) for task in ("recommend", "forecast")),
        *((cut_kpi, (kpi, recent, "day")) for kpi in HEADLINE),
        *((last_segments, (name,)) for name in segmentations),
        (touched, (len(history(house.shop)),)),
        (around, ()),
    ]
    version = at_work(house.shop)
    if version is not None:
        asked.append((forecaster, (version,)))
    for days in CHOICES:
        if days != USUAL:
            asked += _of_today(known, days, [])
    return [*asked, (check_quality, ())]
