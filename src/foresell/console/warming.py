"""What Today asks first is asked before anybody opens it, and again when a table has changed."""

import asyncio
import logging

from foresell.console.house import House
from foresell.console.periods import USUAL
from foresell.services.demand import demand
from foresell.services.today import (
    against_forecast,
    daily_sales,
    digest_of_last_day,
    headline,
    known_span,
    last_days,
    why_changed,
)

LOOK_SECONDS = 20.0
log = logging.getLogger("foresell.console")


async def keep_warm(house: House) -> None:
    """Until it is cancelled. What fails is asked again by whoever opens the page, and told to them."""
    seen: object = None
    while True:
        if await house.in_thread(lambda: house.has_shop):
            now = await house.in_thread(house.shop.folder.tables.versions)
            if now != seen:
                seen = now
                try:
                    await _ask(house)
                except Exception:
                    log.exception("what Today shows could not be asked beforehand")
        await asyncio.sleep(LOOK_SECONDS)


async def _ask(house: House) -> None:
    known = await house.ask(known_span)
    if known is None:
        return
    recent, before = last_days(known, USUAL)
    await house.ask(headline, recent, before)
    for span in filter(None, (recent, before)):
        await house.ask(daily_sales, span)
    await house.ask(digest_of_last_day, known.end, house.shop.settings.store.language)
    if before is not None:
        await house.ask(why_changed, recent, before)
    await house.ask(demand)
    await house.ask(against_forecast)
