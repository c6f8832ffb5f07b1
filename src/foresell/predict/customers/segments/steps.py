"""What customers did, step by step, as arrays: what the recurrent autoencoder reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError

MOST_STEPS = 30
MOST_EVENTS = 24
# The numbers of a step: log days since the one before, log products, log units, hour and weekday on circles.
NUM_NUMBERS = 7


@dataclass(frozen=True, eq=False)
class Steps:
    """The last steps of n customers, oldest first, L at most, filled up at the end.

    event (n, L) int: 0 where there is none, 1 another name, else 2 + its place among the known; numbers
    (n, L, 7); lengths (n,)
    """

    event: NDArray[np.int64]
    numbers: NDArray[np.float32]
    lengths: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "Steps":
        return Steps(self.event[rows], self.numbers[rows], self.lengths[rows])


def event_names(actions: pl.DataFrame) -> tuple[str, ...]:
    """The most frequent names, most first, ties by name."""
    counts = actions.group_by("event_name").len().sort(["len", "event_name"], descending=[True, False])
    return tuple(counts["event_name"].drop_nulls().head(MOST_EVENTS))


def steps_of(actions: pl.DataFrame | None, ids: pl.Series, names: Sequence[str]) -> Steps:
    """The steps of these customers, in their order; one without actions has length 0.

    A step is what a customer did at one moment under one event name. Raises InputError without actions.
    """
    if actions is None:
        raise InputError(
            "Segments over events need what customers did", do="Give the actions of behavior.actions."
        )
    rows = _rows(actions, ids)
    lengths = np.zeros(len(ids), np.int64)
    event = np.zeros((len(ids), MOST_STEPS), np.int64)
    numbers = np.zeros((len(ids), MOST_STEPS, NUM_NUMBERS), np.float32)
    if rows.is_empty():
        return Steps(event, numbers, lengths)
    place, step = rows["place"].to_numpy(), rows["step"].to_numpy()
    codes = {name: 2 + number for number, name in enumerate(names)}
    event[place, step] = (
        rows["event_name"].replace_strict(codes, default=1, return_dtype=pl.Int64).fill_null(1).to_numpy()
    )
    numbers[place, step] = rows.select(*_numbers()).to_numpy()
    lengths[:] = np.bincount(place, minlength=len(ids))
    return Steps(event, numbers, lengths)


def summary(steps: Steps, num_events: int) -> NDArray[np.float64]:
    """(n, num_events + 7) how often each event is among a customer's steps, and the means of their numbers,
    as standard scores; 0 for what does not vary."""
    is_there = np.arange(steps.event.shape[1]) < steps.lengths[:, None]
    counts = np.maximum(steps.lengths, 1)[:, None]
    events = np.stack([((steps.event == one) & is_there).sum(axis=1) for one in range(num_events)], axis=1)
    found = np.concatenate([events, (steps.numbers * is_there[..., None]).sum(axis=1)], axis=1) / counts
    spread = found.std(axis=0)
    return np.asarray(
        np.divide(found - found.mean(axis=0), spread, out=np.zeros_like(found), where=spread > 0)
    )


def _rows(actions: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    places = pl.DataFrame({"customer_id": ids, "place": np.arange(len(ids), dtype=np.int64)})
    steps = (
        actions.join(places, on="customer_id")
        .group_by("place", "occurred_at", "event_name")
        .agg(products=pl.len(), units=pl.col("quantity").sum())
        .sort("place", "occurred_at", "event_name")
    )
    gap = pl.col("occurred_at").diff().over("place").dt.total_seconds() / 86_400
    steps = steps.with_columns(gap=gap.fill_null(0.0))
    steps = steps.group_by("place", maintain_order=True).tail(MOST_STEPS)
    return steps.with_columns(step=pl.int_range(pl.len()).over("place"))


def _numbers() -> list[pl.Expr]:
    hour = 2 * np.pi * pl.col("occurred_at").dt.hour() / 24
    weekday = 2 * np.pi * pl.col("occurred_at").dt.weekday() / 7
    circles = [one for angle in (hour, weekday) for one in (angle.sin(), angle.cos())]
    logs = [(pl.col(name).cast(pl.Float64).clip(0).log1p()) for name in ("gap", "products", "units")]
    return [one.alias(f"number_{place}") for place, one in enumerate([*logs, *circles])]
