"""Small worlds, each with one thing to be found, and the tables that their shops see."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import polars as pl

from foresell.simulator.canonical import behavior
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.policies import Policies, ShopView, Visitors
from foresell.simulator.settings import WorldSettings
from foresell.simulator.world import Outcome, World

# Nothing but what a test is about: no season, no promotion, no feedback of trouble, stock without end.
PLAIN = {
    "shop": {"customers": 1500, "days": 45},
    "catalog": {"products": 150, "launch_rate": 0.0, "popularity_spread": 1.2},
    "people": {
        "visits_per_month": 2.6,
        "visit_spread": 1.0,
        "known_rate": 1.0,
        "churn_after_trouble": 0.0,
        "churn_per_month": 0.0,
        "taste_drift": 0.0,
    },
    # More is looked at and bought than in a real shop: a small world then tells as much as a large one.
    "journeys": {
        "bounce_rate": 0.0,
        "click_rate": 0.16,
        "cart_rate": 0.13,
        "more_pages_rate": 0.55,
        "most_pages": 8,
        "interest_spread": 0.0,
        "restock_rate": 0.0,
        "checkout_rate": 0.62,
        "free_shipping_from": 0.0,
    },
    "demand": {
        "weekday_weights": (1.0,) * 7,
        "year_amplitude": 0.0,
        "trend_per_year": 0.0,
        "holiday_lift": 0.0,
        "rain_lift": 0.0,
        "promotion_rate": 0.0,
        "return_rate": 0.0,
    },
    "stock": {"is_limited": False},
}


def plain_world(**changed: dict[str, object]) -> WorldSettings:
    tree: dict[str, dict[str, object]] = {name: dict(values) for name, values in PLAIN.items()}
    for section, values in changed.items():
        tree[section] = {**tree.get(section, {}), **values}
    return WorldSettings.model_validate(tree)


@dataclass(frozen=True)
class RandomPrices:
    """Each product's price is drawn anew each day, up to `width` (of the logarithm) off its list price."""

    draws: Draws
    width: float = 0.25

    def price(self, view: ShopView) -> Floats:
        products = np.arange(len(view.list_price))
        step = self.draws.below(5, "experiment.price", products, view.day) - 2
        return np.round(view.list_price * np.exp(self.width * step / 2), 2)


@dataclass(frozen=True)
class RandomOrder:
    """Products in random order, another one for each visitor."""

    draws: Draws

    def recommend(self, view: ShopView, visitors: Visitors, k: int) -> Ints:
        products = np.arange(len(view.list_price))
        drawn = self.draws.uniform("experiment.order", visitors.ids[:, None], view.day, products)
        return np.argsort(drawn, axis=1)[:, :k]


def live(settings: WorldSettings, seed: int, policies: Policies) -> tuple[World, list[Outcome]]:
    world = World(settings, seed)
    return world, [world.step(policies) for _ in range(settings.shop.days)]


def shop_tables(world: World, days: list[Outcome]) -> dict[str, pl.DataFrame]:
    """Events and exposures as the shop has them."""
    parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for outcome in days:
        for done in outcome.shards:
            events = behavior.event_table(world.settings, world.draws, done)
            parts["events"].append(pl.DataFrame(events))
            shown = behavior.exposure_table(world.settings, world.draws, done)
            if shown is not None:
                parts["exposures"].append(pl.DataFrame(shown))
    return {name: pl.concat(frames) for name, frames in parts.items()}


def daily_sales(world: World, days: list[Outcome]) -> pl.DataFrame:
    """Product, day, units sold, and whether nothing was left or nothing there: from lines and inventory."""
    frames = []
    products = np.arange(len(world.catalog))
    for outcome in days:
        sold = np.zeros(len(products), dtype=np.int64)
        for done in outcome.shards:
            np.add.at(sold, done.lines.product, done.lines.quantity)
        is_out = (outcome.on_hand == 0) | ~outcome.shelf.is_there
        if not frames:
            first_stock = outcome.on_hand + sold
        frames.append(
            pl.DataFrame(
                {
                    "product_id": products,
                    "sold": sold,
                    "is_out": is_out,
                    "day": outcome.day.number,
                    "first_stock": first_stock,
                }
            )
        )
    return pl.concat(frames)
