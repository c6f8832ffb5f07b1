"""A model's settings by trying: at most so many, judged on validation alone, the defaults first.

Source: Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011 (tree-structured Parzen
estimator), as optuna has it. The test examples are never seen here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

import numpy as np

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.predict.customers import config_of, load_model
from foresell.predict.customers.columns import row_weights
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.fitted import vectors_of_examples
from foresell.predict.customers.linear import mean_loss
from foresell.predict.customers.model import Target

# (fit, judge), such as months before and the month after.
Pair = tuple[Examples, Examples]


@dataclass(frozen=True)
class Tuned:
    """`config`: fields that differ from the model's defaults. `loss`: mean over the pairs; `default_loss`: of
    the defaults; `tried`: how many settings."""

    config: Mapping[str, Any]
    loss: float
    default_loss: float
    tried: int


def _trees(trial: Any) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "min_rows_in_leaf": trial.suggest_int("min_rows_in_leaf", 10, 400, log=True),
        "row_share": trial.suggest_float("row_share", 0.5, 1.0),
        "column_share": trial.suggest_float("column_share", 0.2, 1.0),
        "l2": trial.suggest_float("l2", 0.01, 100.0, log=True),
    }


# Model → what is tried. All others have nothing that a validation would not choose by itself.
SPACES: Mapping[str, Callable[[Any], dict[str, Any]]] = {"trees": _trees, "fused": _trees}


def tune(
    name: str,
    pairs: Sequence[Pair],
    target: Target,
    *,
    fixed: Mapping[str, Any] = {},
    trials: int = 30,
    seconds: float | None = None,
    seed: int = 0,
) -> Tuned:
    """The settings with the least mean loss over `pairs`, each fitted on the first and judged on the second
    (which also stops early).

    `fixed`: fields that are not tried. The same for the same seed, unless `seconds` ends it earlier than
    `trials`. Raises NotFoundError for a model that has nothing to tune, InputError without a pair.
    """
    import optuna

    if name not in SPACES:
        raise NotFoundError(f"There is nothing to tune of '{name}'", do=did_you_mean(name, SPACES))
    if not pairs or trials < 1:
        raise InputError(
            "Tuning takes a pair of examples and one trial at least", received=f"{len(pairs)} pairs"
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8))
    space, started = SPACES[name], monotonic()
    defaults = asdict(config_of(name, fixed))

    def judge(trial: Any) -> float:
        return _loss(name, pairs, target, {**fixed, **space(trial)})

    first = {key: defaults[key] for key in space(optuna.trial.FixedTrial(defaults))}
    study.enqueue_trial(first)
    for _ in range(trials):
        study.optimize(judge, n_trials=1)
        if seconds is not None and monotonic() - started > seconds:
            break
    best = {**fixed, **study.best_params}
    return Tuned(best, float(study.best_value), float(study.trials[0].value or 0.0), len(study.trials))


def _loss(name: str, pairs: Sequence[Pair], target: Target, config: Mapping[str, Any]) -> float:
    model, losses = load_model(name), []
    for train, judged in pairs:
        fitted = model.fit(train, config_of(name, config), target, validation=judged)
        said = fitted.predict(judged.features, vectors_of_examples(judged))
        losses.append(mean_loss(judged.labels, said, row_weights(judged), target))
    return float(np.mean(losses))
