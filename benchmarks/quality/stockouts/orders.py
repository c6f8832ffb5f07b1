"""Shops that order by forecasts of what was sold, of what was left, or of what was recovered: same people,
same forecaster, same rule."""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import polars as pl

from foresell.predict.forecast import load_model
from foresell.predict.forecast.panel import Panel
from foresell.predict.forecast.stockouts import IN_STOCK, NOT_SOLD, OUT, RAN_OUT, Sales, StockOuts, recovered
from foresell.simulator.draws import Ints
from foresell.simulator.ledger import Ledger
from foresell.simulator.policies import Policies, ShopView, WeeksOfCover
from foresell.simulator.settings import WorldSettings
from foresell.simulator.world import World

WEEK = 7
# Until then all order by two weeks of cover: there is nothing to forecast from.
FIRST_REVIEW = 28
# Standard deviations of Poisson demand that lie in stock beyond the forecast.
SAFETY = 1.0


@dataclass
class ByForecast:
    """Once a week: up to the forecast of the lead time and a week, and SAFETY beyond."""

    settings: WorldSettings
    choice: StockOuts
    model: str
    on_hand: list[Ints] = field(default_factory=list)
    listed: list[np.ndarray] = field(default_factory=list)
    sold: list[Ints] = field(default_factory=list)

    def order(self, view: ShopView) -> Ints:
        """Asked in the evening, when the day before is the last whose sales are known."""
        if view.day:
            self.sold.append(view.sold[-1])
        self.on_hand.append(view.on_hand)
        self.listed.append(view.is_listed)
        if view.day < FIRST_REVIEW:
            return WeeksOfCover().order(view)
        if view.day % WEEK:
            return np.zeros(len(view.on_hand), dtype=np.int64)
        days = view.lead_time_days + WEEK
        expected = self._weekly_rate() * days / WEEK
        target = expected + SAFETY * np.sqrt(expected)
        missing = np.ceil(target - view.on_hand - view.on_order)
        return np.where(view.is_listed, np.maximum(missing, 0), 0).astype(np.int64)

    def _weekly_rate(self) -> np.ndarray:
        """(P,) units a week, by the model."""
        demand = self._demand()
        products, num_days = demand.shape
        num_weeks = num_days // WEEK
        weekly = demand[:, num_days - num_weeks * WEEK :].reshape(products, num_weeks, WEEK)
        values = weekly.sum(axis=2)
        if self.choice == "leave_out":
            values = np.where(np.isnan(weekly).any(axis=2), np.nan, values)
        start = self.settings.shop.start_date
        frame = pl.DataFrame(
            {
                "series_id": np.repeat([f"p{number:05}" for number in range(products)], num_weeks),
                "date": [start + timedelta(weeks=week) for week in range(num_weeks)] * products,
                "value": np.nan_to_num(values, nan=-1.0).ravel(),
            }
        ).with_columns(pl.when(pl.col("value") >= 0).then("value"))
        model = load_model(self.model)
        fitted = model.fit(Panel(frame, "week"), model.config(horizon=1))
        found = fitted.forecast(1).select("series_id", "mean")
        ids = pl.DataFrame({"series_id": [f"p{number:05}" for number in range(products)]})
        return ids.join(found, on="series_id", how="left")["mean"].fill_null(0.0).to_numpy()

    def _demand(self) -> np.ndarray:
        """(P, days whose sales are known) by choice; NaN: unknown."""
        sold = np.array(self.sold, dtype=np.float64).T
        on_hand = np.array(self.on_hand[: sold.shape[1]]).T
        listed = np.array(self.listed[: sold.shape[1]]).T
        if self.choice == "as_sold":
            return sold
        empty = np.where(sold > 0, RAN_OUT, OUT)
        state = np.where(~listed, NOT_SOLD, np.where(on_hand > 0, IN_STOCK, empty)).astype(np.int8)
        if self.choice == "leave_out":
            return np.where((state == RAN_OUT) | (state == OUT), np.nan, sold)
        weekday = np.arange(sold.shape[1]) % WEEK
        return recovered(Sales(sold, state, weekday, np.zeros(sold.shape, dtype=bool)))


@dataclass(frozen=True)
class Life:
    """Units lost in vain after FIRST_REVIEW and the ledger of the whole time."""

    lost_units: float
    sold_units: float
    ledger: Ledger

    @property
    def lost_share(self) -> float:
        return self.lost_units / (self.lost_units + self.sold_units)


def live(settings: WorldSettings, seed: int, choice: StockOuts, model: str) -> Life:
    world, policies = World(settings, seed), Policies(replenish=ByForecast(settings, choice, model))
    lost = sold = 0.0
    total = Ledger()
    for day in range(settings.shop.days):
        outcome = world.step(policies)
        total += outcome.ledger
        if day >= FIRST_REVIEW:
            lost += sum(float(part.lost.sum()) for part in outcome.shards)
            sold += outcome.ledger.num_units
    return Life(lost, sold, total)
