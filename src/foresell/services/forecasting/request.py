"""Which series are asked about, and what a fitted model of them is called."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from foresell.contracts.errors import InputError
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.contracts.protocols import Tables
    from foresell.predict.forecast.levels import SeriesSpec
    from foresell.predict.forecast.series import BuiltPanel

TASK = "forecast"
LONGEST_HORIZON = 104
StockOuts = Literal["recover", "leave_out", "as_sold"]
STOCK_OUTS: tuple[StockOuts, ...] = ("as_sold", "recover", "leave_out")


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """`by`: dimensions, () for the store's setting; `period`: day, week or month; `measure`: net_sales or
    units; `horizon`: periods ahead, None for the store's setting; `stock_outs`: what is made of periods in
    which products had run out; `left_out`: lagged regressors that are not read."""

    by: tuple[str, ...] = ()
    period: str = "week"
    measure: str = "net_sales"
    horizon: int | None = None
    stock_outs: StockOuts = "as_sold"
    left_out: tuple[str, ...] = ()

    def spec(self, shop: Shop) -> "SeriesSpec":
        """NotFoundError and InputError name the dimension, period or measure that is none."""
        from foresell.predict.forecast.levels import SeriesSpec

        return SeriesSpec(
            self.by or (shop.settings.forecast.series_by,),
            self.period,  # type: ignore[arg-type]  # SeriesSpec says what is wrong
            self.measure,  # type: ignore[arg-type]
        )

    def horizon_of(self, shop: Shop) -> int:
        """InputError for one that is too short or too long."""
        periods = shop.settings.forecast.horizon_weeks if self.horizon is None else self.horizon
        if not 1 <= periods <= LONGEST_HORIZON:
            raise InputError(f"A horizon is from 1 to {LONGEST_HORIZON} {self.period}s", received=periods)
        return periods

    def name(self, shop: Shop) -> str:
        """Of the model: "forecast" for the store's own series, else with what makes it another."""
        spec, usual = self.spec(shop), ForecastRequest().spec(shop)
        if spec == usual and self.stock_outs == "as_sold":
            return TASK
        parts = [TASK, *spec.by, spec.period, spec.measure]
        if self.stock_outs != "as_sold":
            parts.append(self.stock_outs)
        return "-".join(parts)

    def panel(
        self, shop: Shop, tables: "Tables", horizon: int, complete_through: date | None = None
    ) -> "BuiltPanel":
        """With everything that the tables tell of prices, promotions, holidays and what was looked at."""
        from foresell.predict.forecast.regressors import Regressors
        from foresell.predict.forecast.series import panel_of

        built = panel_of(
            tables,
            shop.settings,
            self.spec(shop),
            horizon=horizon,
            complete_through=complete_through,
            stock_outs=self.stock_outs,
            regressors=Regressors(),
        )
        return self.narrowed(built)

    def narrowed(self, built: "BuiltPanel") -> "BuiltPanel":
        """Without what is left out."""
        from foresell.predict.forecast.ablation import without

        gone = [name for name in self.left_out if name in built.panel.lagged]
        return replace(built, panel=without(built.panel, gone)) if gone else built


# The series of the store's settings.
STORES_OWN = ForecastRequest()
