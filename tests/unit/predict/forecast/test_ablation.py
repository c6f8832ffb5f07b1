"""Lagged regressors that do not help for certain go, one at a time; those that do stay."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.predict.forecast.ablation import ablate, without
from foresell.predict.forecast.panel import Panel

NUM_SERIES, NUM_WEEKS = 60, 12


def panel_of_views() -> Panel:
    """What sells is what was viewed the week before; carts repeat the views, searches are noise."""
    random = np.random.default_rng(4)
    views = random.gamma(4, 10, (NUM_SERIES, NUM_WEEKS))
    value = np.roll(views, 1, axis=1) + random.normal(size=views.shape)
    columns = {"value": value, "views": views, "carts": views, "searches": random.normal(size=views.shape)}
    weeks = [date(2026, 1, 5) + timedelta(weeks=n) for n in range(NUM_WEEKS)]
    frame = pl.DataFrame(
        {
            "series_id": np.repeat([f"s{n:02}" for n in range(NUM_SERIES)], NUM_WEEKS),
            "date": weeks * NUM_SERIES,
            **{name: array.ravel() for name, array in columns.items()},
        }
    )
    return Panel(frame, "week", lagged=("views", "carts", "searches"))


def least_squares(panel: Panel) -> np.ndarray:
    """Of each series the last week, by a regression on the week before of all weeks but the last."""
    shape = (NUM_SERIES, NUM_WEEKS)
    value = panel.frame["value"].to_numpy().reshape(shape)
    columns = [np.ones(shape), *(panel.frame[name].to_numpy().reshape(shape) for name in panel.lagged)]
    past = np.stack([column[:, :-1] for column in columns], axis=-1)
    found, *_ = np.linalg.lstsq(past[:, :-1].reshape(-1, len(columns)), value[:, 1:-1].ravel(), rcond=None)
    return np.column_stack([np.abs(past[:, -1] @ found - value[:, -1]), np.abs(value[:, -1])])


def test_what_repeats_another_or_is_noise_goes_and_what_leads_stays() -> None:
    found = ablate(panel_of_views(), least_squares)
    assert len(found.kept) == 1
    assert set(found.kept) < {"views", "carts"}
    assert len(found.dropped) == 2
    last = found.steps.filter(pl.col("step") == 3)
    assert last["without"].to_list() == list(found.kept)
    assert last["lower"][0] > 0
    assert last["loss_without"][0] > 5 * last["loss"][0]
    leaving = found.steps.filter("leaves")["without"].to_list()
    assert leaving == [*found.dropped, *found.kept]


def test_what_helps_only_together_stays() -> None:
    """Without either of two, the other is of no use: to leave at the first that does not help is no way."""
    losses = {0: 8.0, 1: 8.0, 2: 2.0}

    def judged(panel: Panel) -> np.ndarray:
        number = len({"views", "carts"} & set(panel.lagged))
        penalty = 0.0 if "searches" in panel.lagged else -0.5
        return np.column_stack([np.full(40, losses[number] + penalty), np.full(40, 10.0)])

    found = ablate(panel_of_views(), judged)
    assert (found.kept, found.dropped) == (("views", "carts"), ("searches",))


def test_only_what_is_asked_is_questioned() -> None:
    found = ablate(panel_of_views(), least_squares, names=["searches"])
    assert (found.kept, found.dropped) == (("views", "carts"), ("searches",))
    with pytest.raises(InputError, match="prices"):
        ablate(panel_of_views(), least_squares, names=["prices"])


def test_units_that_were_not_judged_say_nothing() -> None:
    def some(panel: Panel) -> np.ndarray:
        scores = least_squares(panel)
        scores[: NUM_SERIES // 2] = np.nan
        return scores

    assert ablate(panel_of_views(), some).kept == ablate(panel_of_views(), least_squares).kept


def test_a_panel_without_lagged_regressors_is_judged_as_it_is() -> None:
    panel = without(panel_of_views(), ["views", "carts", "searches"])
    assert panel.frame.columns == ["series_id", "date", "value"]
    found = ablate(panel, least_squares)
    assert (found.kept, found.dropped, found.steps.height) == ((), (), 0)
