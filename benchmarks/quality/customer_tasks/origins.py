"""Rolling origins: at each, a model learns from the past, is chosen on the window before, and judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from foresell.predict.customers.examples import Examples
from foresell.predict.customers.task import Task
from foresell.predict.customers.training import features_of, spec_for, training_examples
from foresell.services.embeddings import embed
from foresell.services.shop import Shop

MOST_TRAIN = 12
LABEL = "~label"


@dataclass(frozen=True)
class Origin:
    """Cutoffs. The label window of each training cutoff ends where validation's begins or before, and
    validation's where the test's begins."""

    train: tuple[datetime, ...]
    validation: datetime
    test: datetime


def origins(
    first: datetime, until: datetime, horizon: timedelta, steps: int, number: int, known: timedelta
) -> list[Origin]:
    """At most the `number` newest, a horizon apart, so that no two test windows overlap. Of cutoffs there are
    `steps` in a horizon; before the first of them lies `known`."""
    grid = []
    cutoff = until - horizon
    while cutoff >= first + known:
        grid.append(cutoff)
        cutoff -= horizon / steps
    return [
        Origin(
            tuple(reversed(grid[place + 2 * steps : place + 2 * steps + MOST_TRAIN])),
            grid[place + steps],
            grid[place],
        )
        for place in range(0, number * steps, steps)
        if place + 2 * steps < len(grid)
    ]


def cutoffs_of(found: Sequence[Origin]) -> list[datetime]:
    return sorted({cutoff for one in found for cutoff in (*one.train, one.validation, one.test)})


def examples_at(
    shop: Shop, task: Task, cutoffs: Sequence[datetime], folder: Path
) -> dict[datetime, Examples]:
    """Of each cutoff, kept in `folder` once computed. The features are chosen at the oldest cutoff."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    with shop.reading_matched() as tables:
        spec = spec_for(tables, shop.settings, task, min(cutoffs))
        described = features_of(task, spec)
        for cutoff in cutoffs:
            path = folder / f"{cutoff:%Y-%m-%d}.parquet"
            if not path.exists():
                made = training_examples(tables, shop.settings, task, [cutoff], spec)
                columns = [*made.keys.get_columns(), *made.features.get_columns()]
                pl.DataFrame([*columns, pl.Series(LABEL, made.labels)]).write_parquet(path)
            rows = pl.read_parquet(path)
            found[cutoff] = Examples(
                rows.select("entity_id", "cutoff_at"),
                rows.select(feature.name for feature in described),
                rows[LABEL].to_numpy(),
                described,
            )
    return found


def with_vectors(shop: Shop, found: dict[datetime, Examples]) -> dict[datetime, Examples]:
    """Each with the vectors of its cutoff by the store's production behavior model; a customer without one
    has zeros."""
    return {cutoff: _with_vectors(shop, one, cutoff) for cutoff, one in found.items()}


def _with_vectors(shop: Shop, examples: Examples, cutoff: datetime) -> Examples:
    def there() -> pl.DataFrame:
        with shop.reading() as tables:
            rows = tables.current("embeddings")
            of_cutoff = rows.filter(rows.entity_type == "customer", rows.cutoff_at == cutoff)
            told: pl.DataFrame = of_cutoff.select("entity_id", "vector").to_polars()
            return told

    rows = there()
    if rows.is_empty():
        embed(shop, ("customer",), cutoff)
        rows = there()
    width = len(rows["vector"][0])
    joined = examples.keys.select("entity_id").join(rows, on="entity_id", how="left", maintain_order="left")
    filled = joined["vector"].to_list()
    vectors = np.array([one if one is not None else [0.0] * width for one in filled], np.float32)
    return replace(examples, vectors=vectors)
