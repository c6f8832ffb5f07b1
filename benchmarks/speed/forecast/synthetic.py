"""Made-up weekly sales of many products: what a shop's series look like, at any number, the same every time.

Of twenty series nine have a season of a year and a trend, six neither (a level that drifts), five sell now
and then. Sizes are log-normal, noise is proportional to the level; intermittent series sell in 10% to 50%
of weeks, a geometric number each time. One in fifty starts late, one in a hundred has ten unknown weeks.
"""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

START = date(2022, 1, 3)
SEASON = 52
CHUNK = 5_000


def write_series(path: Path, number: int, length: int, *, seed: int = 0) -> None:
    """A Parquet file of series_id, date, value; sorted."""
    frames = [
        _frame(start, min(CHUNK, number - start), length, np.random.default_rng((seed, start)))
        for start in range(0, number, CHUNK)
    ]
    pl.concat(frames).write_parquet(path)


def _frame(start: int, number: int, length: int, random: np.random.Generator) -> pl.DataFrame:
    kind = (start + np.arange(number)) % 20
    values = np.where(
        (kind < 9)[:, None],
        _seasonal(number, length, random),
        np.where(
            (kind < 15)[:, None], _drifting(number, length, random), _intermittent(number, length, random)
        ),
    )
    names = np.array([f"p{start + place:07}" for place in range(number)])
    first = np.where(random.random(number) < 0.02, random.integers(1, length // 2, number), 0)
    places = np.arange(length)
    unknown = (random.random(number) < 0.01)[:, None] & (np.abs(places - length // 3) < 5)[None, :]
    frame = pl.DataFrame(
        {
            "series_id": np.repeat(names, length),
            "date": np.tile(np.datetime64(START) + 7 * places, number),
            "value": np.where(unknown, np.nan, np.round(values, 2)).ravel(),
            "is_begun": (places[None, :] >= first[:, None]).ravel(),
        },
        schema_overrides={"date": pl.Date},
    )
    return frame.filter("is_begun").drop("is_begun").with_columns(pl.col("value").fill_nan(None))


def _sizes(number: int, random: np.random.Generator) -> np.ndarray:
    return random.lognormal(3.5, 1.2, (number, 1))


def _seasonal(number: int, length: int, random: np.random.Generator) -> np.ndarray:
    week = np.arange(length)[None, :]
    phase = random.uniform(0, 2 * np.pi, (number, 1))
    strength = random.uniform(0.1, 0.5, (number, 1))
    trend = 1 + random.normal(0, 0.3, (number, 1)) * week / length
    season = 1 + strength * np.sin(2 * np.pi * week / SEASON + phase)
    noise = 1 + 0.15 * random.standard_normal((number, length))
    return np.maximum(_sizes(number, random) * trend * season * noise, 0)


def _drifting(number: int, length: int, random: np.random.Generator) -> np.ndarray:
    steps = 0.05 * random.standard_normal((number, length))
    noise = 1 + 0.15 * random.standard_normal((number, length))
    return np.maximum(_sizes(number, random) * np.exp(np.cumsum(steps, axis=1)) * noise, 0)


def _intermittent(number: int, length: int, random: np.random.Generator) -> np.ndarray:
    chance = random.uniform(0.1, 0.5, (number, 1))
    sold = random.random((number, length)) < chance
    return sold * random.geometric(random.uniform(0.2, 0.9, (number, 1)), (number, length)).astype(float)
