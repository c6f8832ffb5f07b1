"""The ablation of lagged regressors, on simulated shops and on a store of The Complete Journey.

python -m benchmarks.quality.indicators --out indicators.json [--store DEMO_STORE]
"""

import argparse
import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.evaluation.intervals import bootstrap_ratio
from foresell.predict.forecast import load_model
from foresell.predict.forecast.ablation import FitAndScore, ablate, judged_on_windows, without
from foresell.predict.forecast.levels import SeriesSpec
from foresell.predict.forecast.panel import Panel, held_back
from foresell.predict.forecast.regressors import Regressors
from foresell.predict.forecast.series import panel_of
from foresell.services.shop import Shop, open_shop
from foresell.services.simulate import simulate_store
from foresell.simulator.settings import WorldSettings

WINDOWS = 3
# Windows after those, which the ablation does not see.
TEST_WINDOWS = 3
# Without the calendar: a simulated shop's weather is known for its past only, and would be questioned too.
ASKED = ("price", "promotion", "holidays", "discount", "views", "carts", "searches")
# Name → the panel, and how far ahead its windows look.
PANELS: dict[str, tuple[SeriesSpec, int]] = {
    "categories, weekly": (SeriesSpec(("category",), "week"), 4),
    "departments, daily": (SeriesSpec(("department",), "day"), 7),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="simulated shops")
    parser.add_argument("--model", default="boosted")
    parser.add_argument(
        "--store", type=Path, help="a store of `foresell demo`; without: simulated shops alone"
    )
    parser.add_argument("--customers", type=int, default=6_000)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows: list[dict[str, object]] = []
    for seed in range(1, given.seeds + 1):
        with simulated(given.customers, given.days, seed) as shop:
            rows += list(of_shop(shop, f"simulated, seed {seed}", given.model))
    if given.store:
        rows += list(of_shop(open_shop(given.store), "The Complete Journey", given.model))
    if given.out:
        machine = {"machine": platform.processor() or platform.machine(), "python": platform.python_version()}
        found = {**machine, "model": given.model, "windows": WINDOWS, "results": rows}
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


@contextmanager
def simulated(customers: int, days: int, seed: int) -> Iterator[Shop]:
    """A shop of the default world, smaller and longer."""
    tree = {"shop": {"customers": customers, "days": days}, "catalog": {"products": 300}}
    with TemporaryDirectory() as folder:
        simulate_store(Path(folder) / "store", WorldSettings.model_validate(tree), seed, processes=1)
        yield open_shop(Path(folder) / "store")


def of_shop(shop: Shop, name: str, model: str) -> Iterator[dict[str, object]]:
    with shop.reading_matched() as tables:
        for panel, (spec, horizon) in PANELS.items():
            row = {"data": name, "panel": panel, "horizon": horizon}
            row |= of_panel(tables, shop.settings, spec, horizon, model)
            print(json.dumps({key: value for key, value in row.items() if key != "steps"}), flush=True)
            yield row


def of_panel(
    tables: Tables, settings: Settings, spec: SeriesSpec, horizon: int, name: str
) -> dict[str, object]:
    """What was kept and dropped on the validation windows, and what that is worth on the test windows."""
    started = perf_counter()
    built = panel_of(tables, settings, spec, horizon=horizon, regressors=Regressors(ASKED))
    model = load_model(name)
    config = model.config(horizon=horizon)
    before, _ = held_back(built.panel, TEST_WINDOWS * horizon)
    found = ablate(before, judged_on_windows(model, config, WINDOWS))
    test = on_test(built.panel, judged_on_windows(model, config, TEST_WINDOWS), found.dropped)
    first = found.steps.filter(found.steps["step"] == 1)
    return {
        "series": built.attributes.height,
        "known": list(built.panel.known),
        "lagged": list(built.panel.lagged),
        "kept": list(found.kept),
        "dropped": list(found.dropped),
        "loss_with_all": round(first["loss"][0], 4) if first.height else None,
        "first_step": [
            {key: _rounded(value) for key, value in row.items()}
            for row in first.select("without", "help", "lower", "upper").to_dicts()
        ],
        "test": test,
        "steps": found.steps.to_dicts(),
        "seconds": round(perf_counter() - started, 1),
    }


def on_test(panel: Panel, judge: FitAndScore, dropped: tuple[str, ...]) -> dict[str, object]:
    """The loss with no lagged regressor, and how much lower (90% interval over series) it is with all of them
    and with those that were kept."""
    none = judge(without(panel, panel.lagged))
    judged = none[~np.isnan(none).any(axis=1)].sum(axis=0)
    record: dict[str, object] = {"loss_with_none": round(float(judged[0] / judged[1]), 4)}
    for name, scores in (("all", judge(panel)), ("kept", judge(without(panel, dropped)))):
        gain = bootstrap_ratio(none[:, 0] - scores[:, 0], none[:, 1], seed=0, level=0.9)
        record[name] = [round(value, 4) for value in (gain.value, gain.lower, gain.upper)]
    return record


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
