"""A simulated shop's own tables against its truth: how far each choice of the panel is from demand."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foresell.contracts.protocols import Tables
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.series import panel_of
from foresell.predict.forecast.stockouts import StockOuts
from foresell.services.shop import open_shop
from foresell.services.simulate import simulate_store
from foresell.simulator.policies import Policies
from foresell.simulator.settings import WorldSettings
from foresell.simulator.world import World

if TYPE_CHECKING:
    import ibis.expr.types as ir

CHOICES: tuple[StockOuts, ...] = ("as_sold", "leave_out", "recover")
# The same where the shop keeps no inventory: silences stand for it.
PRESUMED = "recover, inventory unknown"


@dataclass(frozen=True)
class Errors:
    """Of a choice, over the product-weeks that it knows: what they say ÷ demand − 1 (`bias`), Σ|error| ÷
    demand (`wape`), and which share of all product-weeks they are. `hidden`: the same bias where something
    was lost."""

    bias: float
    hidden_bias: float
    wape: float
    known: float


def errors(settings: WorldSettings, seed: int) -> dict[str, Errors]:
    """Of each choice, from the tables of the shop that lived the world under the rules of thumb."""
    truth = demand(settings, seed)
    with TemporaryDirectory() as folder:
        simulate_store(Path(folder) / "store", settings, seed, processes=1)
        shop = open_shop(Path(folder) / "store")
        with shop.reading_matched() as tables:
            spec = SeriesSpec(("product",), "week", "units")
            panels: dict[str, pl.DataFrame] = {
                choice: panel_of(tables, shop.settings, spec, horizon=1, stock_outs=choice).panel.frame
                for choice in CHOICES
            }
            blind = WithoutInventory(tables)
            panels[PRESUMED] = panel_of(
                blind, shop.settings, spec, horizon=1, stock_outs="recover"
            ).panel.frame
    return {choice: _errors(frame, truth) for choice, frame in panels.items()}


@dataclass(frozen=True)
class WithoutInventory:
    """A shop's tables as if it had never counted its stock."""

    tables: Tables

    def current(self, name: str) -> "ir.Table":
        return self.tables.current(name)

    def history(self, name: str) -> "ir.Table":
        return self.tables.history(name)

    def has_rows(self, name: str) -> bool:
        return name != "inventory" and self.tables.has_rows(name)


def demand(settings: WorldSettings, seed: int) -> pl.DataFrame:
    """series_id, date, demand, lost: units sold and units that would have been sold, had they been there."""
    world = World(settings, seed)
    parts = []
    for _ in range(settings.shop.days):
        outcome = world.step(Policies())
        sold = np.zeros(len(world.catalog))
        lost = np.zeros(len(world.catalog))
        for part in outcome.shards:
            np.add.at(sold, part.lines.product, part.lines.quantity)
            lost += part.lost
        ids = [f"p{number}" for number in range(len(sold))]
        parts.append(pl.DataFrame({"series_id": ids, "day": outcome.day.date, "sold": sold, "lost": lost}))
    week = pl.col("day").dt.truncate("1w").alias("date")
    summed = pl.concat(parts).group_by("series_id", week).agg(pl.col("sold", "lost").sum())
    return summed.select("series_id", "date", "lost", demand=pl.col("sold") + pl.col("lost"))


def _errors(frame: pl.DataFrame, truth: pl.DataFrame) -> Errors:
    both = frame.join(truth, on=["series_id", "date"])
    known = both.filter(pl.col("value").is_not_null())
    hidden = known.filter(pl.col("lost") > 0)
    return Errors(
        bias=_ratio(known) - 1,
        hidden_bias=_ratio(hidden) - 1,
        wape=float((known["value"] - known["demand"]).abs().sum() / known["demand"].sum()),
        known=known.height / both.height,
    )


def _ratio(rows: pl.DataFrame) -> float:
    return float(rows["value"].sum() / max(rows["demand"].sum(), 1e-9))
