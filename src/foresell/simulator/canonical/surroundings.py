"""What is so around the shop: places, the calendar, and what its advertising cost."""

import json

import numpy as np
import pyarrow as pa

from foresell.simulator.canonical.columns import local_midnight, moments, table
from foresell.simulator.days import Day
from foresell.simulator.draws import Draws
from foresell.simulator.settings import WorldSettings

AD_CAMPAIGN = "search-ads"
IMPRESSIONS_PER_VISIT = 14.0
COST_PER_CLICK = 0.32
PAID_SHARE = 0.3


def location_table(settings: WorldSettings) -> pa.Table:
    shop = settings.shop
    return table(
        {
            "location_id": ["web", "warehouse"],
            "kind": ["web", "warehouse"],
            "name": [shop.name, "Warehouse"],
            "country": [shop.country, shop.country],
            "time_zone": [shop.time_zone, shop.time_zone],
        }
    )


def ad_campaign_table(settings: WorldSettings) -> pa.Table:
    """The campaign that always runs."""
    shop = settings.shop
    days = [local_midnight(shop.start_date, day, shop.time_zone) for day in (0, shop.days)]
    return table(
        {
            "campaign_id": [AD_CAMPAIGN],
            "kind": ["search"],
            "channel": ["google"],
            "starts_at": moments(days[0], np.zeros(1)),
            "ends_at": moments(days[1], np.zeros(1)),
        }
    )


def calendar_table(settings: WorldSettings, day: Day) -> pa.Table:
    weather = {"temperature": day.temperature, "is_rainy": int(day.is_rainy)}
    return table(
        {
            "date": [day.date],
            "country": [settings.shop.country],
            "is_holiday": [day.holiday is not None],
            "holiday_name": pa.array([day.holiday], pa.string()),
            "regressors": [json.dumps(weather)],
        }
    )


def ad_spend_table(settings: WorldSettings, draws: Draws, day: Day, num_visits: int) -> pa.Table:
    """Search advertising follows the visits that it brings."""
    clicks = round(num_visits * PAID_SHARE)
    price = COST_PER_CLICK * (0.8 + 0.4 * draws.uniform("click_price", day.number)[0])
    return table(
        {
            "date": [day.date],
            "campaign_id": [AD_CAMPAIGN],
            "channel": ["google"],
            "currency": [settings.shop.currency],
            "cost_amount": [round(clicks * float(price), 2)],
            "impressions": [round(clicks * IMPRESSIONS_PER_VISIT)],
            "clicks": [clicks],
        }
    )
