"""Which model serves which series, by windows that the test never sees."""

from collections.abc import Sequence

import polars as pl

from foresell.predict.forecast.model import LEVELS, QUANTILES

# A series' own windows count as so many periods of it; what served all series counts as PRIOR of them.
PRIOR = 24.0
SCORED = pl.Schema({"series_id": pl.String(), "model": pl.String(), "score": pl.Float64()})


def losses(results: pl.DataFrame) -> pl.DataFrame:
    """series_id, model, loss, num: the mean quantile loss over LEVELS from 0.1 to 0.9 and over the `num`
    periods with a value.

    `results`: model, the columns of FORECAST, value; rows with a null in any are left out.
    """
    told = results.drop_nulls(["value", *QUANTILES])
    pinballs = [_pinball(level, name) for level, name in zip(LEVELS, QUANTILES, strict=True)][1:-1]
    loss = pl.mean_horizontal(*pinballs).mean()
    return told.group_by("series_id", "model").agg(loss=loss, num=pl.len()).sort("series_id", "model")


def _pinball(level: float, name: str) -> pl.Expr:
    short = pl.col("value") - pl.col(name)
    return pl.max_horizontal(level * short, (level - 1) * short)


def scored(results: pl.DataFrame, series: Sequence[str], models: Sequence[str]) -> pl.DataFrame:
    """SCORED, a row for each of `series` and `models`: lower is better, 1 is as good as the models' mean.

    The loss of a model over the mean loss of all on that series, mixed with what the model is on all series
    (as PRIOR periods): so a series with few periods follows the others, and one with none follows them
    wholly. A model without a result for a series is taken to be there as it is elsewhere; without any: null.
    """
    found = losses(results.filter(pl.col("model").is_in(list(models))))
    usual = pl.col("loss").mean().over("series_id")
    relative = pl.when(usual > 0).then(pl.col("loss") / usual).otherwise(1.0)
    told = found.with_columns(relative=relative)
    pooled = told.group_by("model").agg(pooled=pl.col("relative").mean())
    grid = pl.DataFrame({"series_id": list(series)}, schema={"series_id": pl.String}).join(
        pl.DataFrame({"model": list(models)}, schema={"model": pl.String}), how="cross"
    )
    all_told = grid.join(told, on=["series_id", "model"], how="left").join(pooled, on="model", how="left")
    num = pl.col("num").fill_null(0)
    own = pl.col("relative").fill_null(0.0) * num
    score = (own + PRIOR * pl.col("pooled")) / (num + PRIOR)
    return all_told.select("series_id", "model", score=score).sort("series_id", "model")


def choose_per_series(results: pl.DataFrame, series: Sequence[str], models: Sequence[str]) -> pl.DataFrame:
    """series_id, model: the one with the least score of `scored`; equal ones: the first of `models`."""
    order = pl.DataFrame(
        {"model": list(models), "place": range(len(models))}, schema_overrides={"model": pl.String}
    )
    told = scored(results, series, models).join(order, on="model")
    ranked = told.sort("series_id", "score", "place", nulls_last=True)
    return ranked.group_by("series_id", maintain_order=True).first().select("series_id", "model")
