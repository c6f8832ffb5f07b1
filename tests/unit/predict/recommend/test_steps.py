"""The graph of steps speaks of the model's products, also where it never saw one of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.steps import COUNTED, MODELS, Steps, learn_steps

START = datetime(2026, 1, 1, tzinfo=UTC)


def taken(*rows: tuple[str, str, int]) -> pl.DataFrame:
    full = [(who, what, START + timedelta(days=day), 1.0) for who, what, day in rows]
    return pl.DataFrame(full, schema=INTERACTIONS, orient="row")


def test_a_product_of_held_out_customers_alone_has_no_steps() -> None:
    learned = taken(*((f"c{n}", product, day) for n in range(5) for day, product in enumerate("ab")))
    later = taken(("c0", "new", 9), ("c1", "c", 9))
    everything = pl.concat([learned, later])
    catalog = Catalog.from_interactions(everything, 30.0)

    def evenly(customers: pl.Series, histories: pl.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(np.arange(len(customers)), np.full((len(customers), catalog.size), 0.25, np.float32))]

    steps = learn_steps(catalog, learned, later, everything, None, evenly)
    if steps is not None:
        found = steps.chances(steps.profiles(pl.Series(["c0"]), learned))
        assert found.shape == (1, catalog.size)


@pytest.mark.parametrize("counted", COUNTED, ids=lambda counted: counted[0])
def test_counts_come_back_from_their_tables(counted: tuple[str, Any]) -> None:
    past = taken(*((f"c{n}", product, day) for n in range(5) for day, product in enumerate("abcd"[: n + 1])))
    catalog = Catalog.from_interactions(past, 30.0)
    name, config = counted
    graph = MODELS[name].fit(past, config)
    steps = Steps(name, graph, 0.3, np.arange(catalog.size))
    found = Steps.from_tables({"products": catalog.to_table(), **steps.to_tables(catalog)})
    assert found is not None
    whom, chances = pl.Series(["c1"]), np.full((1, catalog.size), 0.25, np.float32)
    mixed = steps.mix(chances, steps.profiles(whom, past))
    assert (found.mix(chances, found.profiles(whom, past)) == mixed).all()
    assert not np.allclose(mixed, chances)
