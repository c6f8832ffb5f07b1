"""LightGBM as an analyst would tune it: the file's own columns, its own search, the same months."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np
import optuna
from benchmarks.quality.online_shoppers.sessions import Floats, with_codes_as_numbers

from foresell.predict.customers.columns import Columns
from foresell.predict.customers.examples import Examples

# Whether codes such as that of the browser are numbers to it, as most analyses of this file have them.
AS_NUMBERS = "codes_as_numbers"
DEFAULTS: Mapping[str, Any] = {"num_iterations": 100}
# Labels and predictions → how good; higher is better.
Judge = Callable[[Floats, Floats], float]


def fitted(train: Examples, given: Mapping[str, Any], seed: int) -> Callable[[Examples], Floats]:
    """What LightGBM with these parameters says of other examples."""
    settings = {"objective": "binary", "num_threads": 1, "verbosity": -1, "seed": seed, **given}
    number = settings.pop("num_iterations")
    seen = with_codes_as_numbers if settings.pop(AS_NUMBERS, True) else _as_they_are
    train = seen(train)
    columns = Columns.learn(train)
    categories = [place for place, flag in enumerate(columns.is_category) if flag]
    data = lightgbm.Dataset(
        columns.matrix(train.features), train.labels, categorical_feature=categories, params=settings
    )
    booster = lightgbm.train(settings, data, number)
    return lambda examples: np.asarray(
        booster.predict(columns.matrix(seen(examples).features), num_threads=1)
    )


def _as_they_are(examples: Examples) -> Examples:
    return examples


def tuned(
    pairs: Sequence[tuple[Examples, Examples]], judge: Judge, trials: int, seed: int
) -> tuple[dict[str, Any], float]:
    """The parameters that are best in the mean over pairs (learned from, judged), weighed by how many bought.
    LightGBM's defaults are the first trial."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        given = {
            "num_iterations": trial.suggest_int("num_iterations", 30, 600, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 3, 64, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 300, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
            "bagging_freq": 1,
            "lambda_l1": trial.suggest_float("lambda_l1", 1e-3, 30.0, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 100.0, log=True),
            "max_depth": trial.suggest_int("max_depth", 2, 10),
            AS_NUMBERS: trial.suggest_categorical(AS_NUMBERS, [True, False]),
        }
        return mean_over(pairs, lambda train: fitted(train, given, seed), judge)

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(
        {
            "num_iterations": 100,
            "learning_rate": 0.1,
            "num_leaves": 31,
            "min_data_in_leaf": 20,
            "feature_fraction": 1.0,
            "bagging_fraction": 1.0,
            "lambda_l1": 1e-3,
            "lambda_l2": 1e-3,
            "max_depth": 10,
            AS_NUMBERS: True,
        }
    )
    study.optimize(objective, n_trials=trials)
    return {**study.best_params, "bagging_freq": 1}, float(study.best_value)


def mean_over(
    pairs: Sequence[tuple[Examples, Examples]],
    fit: Callable[[Examples], Callable[[Examples], Floats]],
    judge: Judge,
) -> float:
    """Of each pair, how good what is learned from the first is on the second; weighed by who bought."""
    values = [judge(judged.labels, fit(train)(judged)) for train, judged in pairs]
    return float(np.average(values, weights=[judged.labels.sum() for _, judged in pairs]))
