"""Products and what belongs to them: prices by day, promotions, stock, deliveries, suppliers."""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from foresell.simulator.canonical.columns import constant, ids, local_midnight, moments, table
from foresell.simulator.catalog import CATEGORIES, Catalog
from foresell.simulator.days import promoted
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.settings import WorldSettings
from foresell.simulator.stock import Delivery
from foresell.simulator.world import Outcome

NUM_SUPPLIERS = 12
# How long before the first day the shop had its first products.
DAYS_BEFORE = 400


def product_table(
    settings: WorldSettings, draws: Draws, catalog: Catalog, products: Ints, price: Floats, day: int
) -> pa.Table:
    """The products as they are from a day on; `price`: (P,). Titles are Chinese in a shop of China."""
    language = int(settings.shop.country == "CN")
    category = [CATEGORIES[code] for code in catalog.category[products]]
    created = np.where(
        catalog.launched[products] > 0,
        catalog.launched[products],
        -draws.below(DAYS_BEFORE, "product.created", products) - 1,
    )
    is_ended = catalog.ended[products] <= day
    start = settings.shop.start_date
    since = local_midnight(start, day, settings.shop.time_zone)
    first = local_midnight(start, 0, settings.shop.time_zone)
    # What holds on the first day has always held.
    always = pa.nulls(len(products), pa.timestamp("us", "UTC"))
    valid_from = moments(since, np.zeros(len(products))) if day else always
    return table(
        {
            "product_id": ids("p", products),
            "parent_product_id": pa.array(
                [f"p{parent}" if parent >= 0 else None for parent in catalog.parent[products]], pa.string()
            ),
            "title": [catalog.title(p, language) for p in products],
            "description": [catalog.description(p, language) for p in products],
            "brand": [catalog.brand_names[b] for b in catalog.brand[products]],
            "department": [one.department[language] for one in category],
            "category": [one.name[language] for one in category],
            "category_path": [f"{one.department[language]} > {one.name[language]}" for one in category],
            "price": np.round(price[products], 2),
            "cost": catalog.cost[products],
            "currency": constant(settings.shop.currency, len(products)),
            "status": ["discontinued" if ended else "active" for ended in is_ended],
            "created_at": moments(first, created * 86_400),
            "valid_from": valid_from,
        }
    )


def changed_products(catalog: Catalog, before: Floats | None, price: Floats, day: int) -> Ints:
    """The products whose row is another one on this day: launched, ended, or with another price."""
    is_known = catalog.launched <= day
    if before is None:
        return np.flatnonzero(is_known)
    is_changed = np.round(before, 2) != np.round(price, 2)
    is_new = (catalog.launched == day) | (catalog.ended == day)
    return np.flatnonzero(is_known & (is_changed | is_new))


def promotion_tables(
    settings: WorldSettings, draws: Draws, catalog: Catalog, week: int
) -> tuple[pa.Table, pa.Table] | None:
    """The promotions of a week of the world, and their campaign."""
    products = promoted(settings, draws, catalog, week)
    if not len(products):
        return None
    zone, start = settings.shop.time_zone, settings.shop.start_date
    weeks = np.full(len(products), week)
    begins = local_midnight(start, 7 * week, zone)
    ends = local_midnight(start, 7 * week + 7, zone)
    promotions = table(
        {
            "promotion_id": ids("promo", weeks, products),
            "campaign_id": ids("promotions-", weeks),
            "product_id": ids("p", products),
            "kind": constant("price", len(products)),
            "starts_at": moments(begins, np.zeros(len(products))),
            "ends_at": moments(ends, np.zeros(len(products))),
            "discount_rate": constant(settings.demand.promotion_discount, len(products)),
        }
    )
    campaign = table(
        {
            "campaign_id": [f"promotions-{week}"],
            "kind": ["promotion"],
            "channel": ["web"],
            "starts_at": moments(begins, np.zeros(1)),
            "ends_at": moments(ends, np.zeros(1)),
        }
    )
    return promotions, campaign


def inventory_table(settings: WorldSettings, outcome: Outcome) -> pa.Table:
    """Stock at the end of the day, of what is in the catalog."""
    products = np.flatnonzero(outcome.shelf.is_listed)
    return table(
        {
            "product_id": ids("p", products),
            "location_id": constant("warehouse", len(products)),
            "as_of_date": constant(outcome.day.date, len(products)),
            "on_hand": outcome.on_hand[products].astype(np.float64),
            "on_order": outcome.on_order[products].astype(np.float64),
        }
    )


def receipt_table(settings: WorldSettings, deliveries: tuple[Delivery, ...]) -> pa.Table | None:
    if not deliveries:
        return None
    zone, start = settings.shop.time_zone, settings.shop.start_date
    parts = []
    for delivery in deliveries:
        number = len(delivery.product)
        ordered = local_midnight(start, delivery.ordered_on, zone) + timedelta(hours=20)
        received = local_midnight(start, delivery.arrives_on, zone) + timedelta(hours=7)
        parts.append(
            table(
                {
                    "receipt_id": ids("g", np.full(number, delivery.ordered_on), delivery.product),
                    "product_id": ids("p", delivery.product),
                    "supplier_id": ids("supplier-", delivery.product % NUM_SUPPLIERS),
                    "location_id": constant("warehouse", number),
                    "ordered_at": moments(ordered, np.zeros(number)),
                    "received_at": moments(received, np.zeros(number)),
                    "quantity": delivery.quantity.astype(np.float64),
                }
            )
        )
    return pa.concat_tables(parts)


def supply_table(settings: WorldSettings, catalog: Catalog) -> pa.Table:
    products = np.arange(len(catalog))
    return table(
        {
            "product_id": ids("p", products),
            "supplier_id": ids("supplier-", products % NUM_SUPPLIERS),
            "lead_time_days": constant(settings.stock.lead_time_days, len(products)),
            "pack_size": constant(1.0, len(products)),
            "min_order_quantity": constant(1.0, len(products)),
            "unit_cost": catalog.cost,
            "currency": constant(settings.shop.currency, len(products)),
        }
    )
