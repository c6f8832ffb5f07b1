"""What a task puts to work: a model, the curve that makes it true, and from where on acting pays."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.evaluation.money import Costs
from foresell.features.feature import Feature
from foresell.predict.customers import NEED_VECTORS, config_of, load_model
from foresell.predict.customers.calibrate import Calibrator, Chosen, choose_calibrator
from foresell.predict.customers.examples import Examples, Floats
from foresell.predict.customers.model import FittedTaskModel, Target, Weights
from foresell.predict.customers.spread import Spread, learn_spread
from foresell.predict.customers.threshold import Threshold, choose_threshold

KIND = "customer_task"
OWN_TABLES = ("calibrator", "spread")
# The column of a frame of features that holds the behavior model's vector of each row.
VECTOR = "behavior_vector"


@dataclass(frozen=True)
class FittedTask:
    """`name`: of MODELS. `described`: the features in the order of the examples. `threshold`: None without
    costs. `spread`: of amounts. `task`, `spec`: plain values that the caller wants back, such as the
    declaration and what its features were chosen by."""

    name: str
    model: FittedTaskModel
    target: Target
    described: tuple[Feature, ...]
    calibrator: Calibrator
    threshold: Threshold | None = None
    spread: Spread | None = None
    task: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> Floats:
        """(n,) calibrated probabilities, or amounts, in the order of the rows. `vectors`: None: those in the
        column VECTOR, where there is one.

        Raises InputError naming a feature that is missing, or where vectors are needed and not given.
        """
        if VECTOR in features.columns:
            vectors = features[VECTOR].to_numpy() if vectors is None else vectors
            features = features.drop(VECTOR)
        return self.calibrator.apply(self.model.predict(features, vectors))

    @property
    def reads_vectors(self) -> bool:
        return self.name in NEED_VECTORS

    def scored(self, features: pl.DataFrame, vectors: NDArray[np.float32] | None = None) -> pl.DataFrame:
        """score, lower, upper (of amounts, 80%; else null), is_chosen (null without costs), in the order of
        the rows."""
        found = self.predict(features, vectors)
        ends = (None, None) if self.spread is None else self.spread.around(found)
        chosen = None if self.threshold is None else pl.Series(self.threshold.chosen(found))
        return pl.DataFrame({"score": found}).with_columns(
            lower=pl.lit(None, pl.Float64) if ends[0] is None else pl.Series(ends[0]),
            upper=pl.lit(None, pl.Float64) if ends[1] is None else pl.Series(ends[1]),
            is_chosen=pl.lit(None, pl.Boolean) if chosen is None else chosen,
        )

    def to_config(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "model": asdict(self.model.config),
            "target": self.target,
            "described": [asdict(feature) for feature in self.described],
            "threshold": None if self.threshold is None else self.threshold.to_record(),
            "task": dict(self.task),
            "spec": dict(self.spec),
        }

    def to_tables(self) -> dict[str, pl.DataFrame]:
        own = {"calibrator": self.calibrator.to_table()}
        if self.spread is not None:
            own["spread"] = self.spread.to_table()
        return own | {f"model_{name}": table for name, table in self.model.to_tables().items()}

    def to_weights(self) -> dict[str, NDArray[Any]]:
        return self.model.to_weights()

    @classmethod
    def load(
        cls, config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights | None = None
    ) -> Self:
        """The inverse of to_config, to_tables and to_weights."""
        own = {name: table for name, table in tables.items() if name in OWN_TABLES}
        of_model = {name.removeprefix("model_"): t for name, t in tables.items() if name not in OWN_TABLES}
        return cls(
            config["name"],
            load_model(config["name"]).load(config["model"], of_model, weights or {}),
            config["target"],
            tuple(Feature(**one) for one in config["described"]),
            Calibrator.from_table(own["calibrator"]),
            None if config["threshold"] is None else Threshold.from_record(config["threshold"]),
            Spread.from_table(own["spread"]) if "spread" in own else None,
            config["task"],
            config["spec"],
        )


@dataclass(frozen=True)
class Fitting:
    """`on_validation`: (n,) what it says of the validation examples, each calibrated without its entity.
    `losses`: of the ways to calibrate."""

    fitted: FittedTask
    on_validation: Floats
    losses: Mapping[str, float]


def fit_task(
    name: str,
    train: Examples,
    validation: Examples,
    target: Target,
    *,
    config: Mapping[str, Any] = {},
    costs: Costs | None = None,
    task: Mapping[str, Any] = {},
    spec: Mapping[str, Any] = {},
    seed: int = 0,
) -> Fitting:
    """Fit on `train`, stop early by `validation`, and there choose how to calibrate and from where to act.

    `config`: fields of the model's config that differ from its defaults. Raises InputError where there is
    nothing to tell apart.
    """
    model = load_model(name).fit(train, config_of(name, config), target, validation=validation)
    said = model.predict(validation.features, vectors_of_examples(validation))
    entities = validation.keys["entity_id"]
    chosen: Chosen = choose_calibrator(validation.labels, said, entities, target, seed=seed)
    threshold = None
    if costs is not None and target == "happens":
        threshold = choose_threshold(validation.labels, chosen.predicted, entities, costs, seed=seed)
    spread = learn_spread(validation.labels, chosen.predicted) if target == "amount" else None
    fitted = FittedTask(
        name, model, target, train.described, chosen.calibrator, threshold, spread, task, spec
    )
    return Fitting(fitted, chosen.predicted, chosen.losses)


def vectors_of_examples(examples: Examples) -> NDArray[np.float32] | None:
    return examples.vectors if examples.vectors.shape[1] else None
