"""How well the series of a file are foretold: our models, what a shop would serve, and the rivals.

python -m benchmarks.quality.forecasting FILE --season S --horizon H --out F.json

FILE is long: series_id, time, y and regressor columns, CSV or Parquet (`convert` makes those of the table).
The last `--windows` windows of `--horizon` periods, `--step` apart, are the test. Everything that is chosen
(settings of `boosted` out of `--trials` where others are surely better, the weights of mixtures, which of all
is served: a mixture where it is surely better) is chosen by `--score` at the `--validation` windows before
the first test window. Finished forecasts are kept in `--work`: a stopped run goes on with the same command
(after a change of the code, name another `--work`). `--seeds`: models with chance are fitted so often; the
choice is the first's. Times that are whole numbers are places in an order of `--period`s, of which the
networks are told no date.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from benchmarks.quality.forecasting.contest import origins_of
from benchmarks.quality.forecasting.long import read
from benchmarks.quality.forecasting.run import Run
from benchmarks.quality.sequential.ledger import commit, machine

MODELS = ("seasonal_naive", "moving_average", "regression", "ets", "boosted", "mlp", "transformer", "lstm")
STATSFORECAST = ("SeasonalNaive", "AutoETS", "AutoTheta", "AutoCES", "WindowAverage")


def main() -> None:
    given = arguments()
    counts = {"auto": None, "yes": True, "no": False}[given.counts]
    file = read(given.file, given.season, given.period, given.known, given.static, counts)
    step = given.step or given.horizon
    origins = origins_of(file.dates, given.horizon, given.windows, step, given.validation)
    digest = hashlib.sha256(given.file.read_bytes()).hexdigest()[:12]
    told = f"{digest}-{given.season}-{'.'.join(file.known)}-{file.is_count}"
    work = given.work / hashlib.sha256(told.encode()).hexdigest()[:12]
    work.mkdir(parents=True, exist_ok=True)
    run = Run(file, origins, given, work)
    record: dict[str, Any] = {
        "machine": machine(),
        "commit": commit(),
        "file": {"name": given.file.name, "sha256": digest, "series": file.static.height},
        "season": given.season,
        "horizon": given.horizon,
        "period": file.period,
        "known": list(file.known),
        "lagged": list(file.lagged),
        "static": file.static.columns[1:],
        "is_count": file.is_count,
        "validation_origins": [str(origin) for origin in origins.validation],
        "test_origins": [str(origin) for origin in origins.test],
        "how_chosen": (
            f"By {given.score} at the validation origins, with seed 0: the settings of boosted out of "
            f"{given.trials}, and which is served, mixtures and widths at each origin by the others, a "
            "mixture only where it is surely better than the best model by itself. The test windows lie "
            "after all of them. At each, weights of mixtures are learned from the windows that had "
            "ended by then; widths where its intervals broke their promise in the newest of these, as "
            "many as validate."
        ),
        **run.results(),
    }
    text = json.dumps(record, indent=1) + "\n"
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, encoding="utf-8")
    show(record)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--season", type=int, required=True)
    parser.add_argument("--horizon", type=int, required=True)
    parser.add_argument("--period", choices=("day", "week", "month"))
    parser.add_argument("--known", nargs="*", help="regressors whose future is known")
    parser.add_argument("--static", nargs="*", default=[], help="beside the columns that never change")
    parser.add_argument("--counts", choices=("auto", "yes", "no"), default="auto")
    parser.add_argument("--windows", type=int, default=1)
    parser.add_argument("--step", type=int, help="between windows; a horizon where it is not given")
    parser.add_argument("--validation", type=int, default=2, help="windows before the first test window")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--settings", type=json.loads, default={}, help="of models, JSON: name → settings")
    parser.add_argument("--trials", type=int, default=8, help="of the settings of boosted")
    parser.add_argument("--rival-trials", type=int, help="of mlforecast's search; as many where not given")
    parser.add_argument("--statsforecast", nargs="*", default=list(STATSFORECAST), help="its models")
    parser.add_argument("--no-mlforecast", action="store_true")
    parser.add_argument("--rival-python", type=Path, help="one that has both libraries; made where not given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--score", default="crps", help="by which is chosen; lower is better")
    parser.add_argument("--work", type=Path, default=Path("/tmp/foresell-forecasting"))  # noqa: S108
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def show(record: dict[str, Any]) -> None:
    print(f"\nserved: {record['served']}")
    print(f"{'test':34} {'MASE':>8} {'WAPE':>8} {'CRPS':>8} {'bias':>8} {'80%':>6} {'95%':>6}")
    rows = [(name, {key: one["mean"] for key, one in told.items()}) for name, told in record["test"].items()]
    rows += [(name, {key: one[0] for key, one in told.items()}) for name, told in record["rivals"].items()]
    sides = ("pit_80", "pit_95") if record["is_count"] else ("coverage_80", "coverage_95")
    for name, told in sorted(rows, key=lambda row: row[1]["crps"]):
        numbers = " ".join(f"{told[key]:8.4f}" for key in ("mase", "wape", "crps", "bias"))
        print(f"{name:34} {numbers} {told[sides[0]]:6.3f} {told[sides[1]]:6.3f}")


if __name__ == "__main__":
    main()
