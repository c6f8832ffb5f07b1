"""A task's model learned again with weights under which group and outcome are independent, and the trade."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.evaluation.fairness import Decisions
from foresell.evaluation.money import Costs
from foresell.evaluation.reweighting import Traded, fair_weights, trade
from foresell.predict.customers.examples import Examples
from foresell.predict.customers.fitted import FittedTask, fit_task, vectors_of_examples


@dataclass(frozen=True)
class Fairer:
    """`trade`: on the test, the reweighted model against the one without weights."""

    fitted: FittedTask
    trade: Traded


def decisions_of(fitted: FittedTask, examples: Examples) -> Decisions:
    """What the task's model and threshold would have done. Raises InputError without a threshold, and for
    examples without groups or with labels that are not known."""
    if fitted.threshold is None:
        raise InputError(
            "Without a threshold nobody is chosen, so fairness cannot be told",
            do="Declare what errors cost.",
        )
    said = fitted.predict(examples.features, vectors_of_examples(examples))
    return Decisions(
        examples.labels, said, fitted.threshold.chosen(said), examples.keys["entity_id"], examples.groups
    )


def reweighted(train: Examples, attribute: str) -> Examples:
    """`train` with Kamiran and Calders' weights for an attribute, times the weights that it has.

    Raises NotFoundError for an attribute that is not among the groups.
    """
    if attribute not in train.groups.columns:
        raise NotFoundError(
            f"There are no groups by '{attribute}'", do=did_you_mean(attribute, train.groups.columns)
        )
    weights = fair_weights(train.groups[attribute], train.labels)
    return replace(train, weights=weights * train.weights if len(train.weights) else weights)


def fit_fairer(
    before: FittedTask,
    train: Examples,
    validation: Examples,
    test: Examples,
    attribute: str,
    costs: Costs,
    *,
    config: Mapping[str, Any] = {},
    seed: int = 0,
) -> Fairer:
    """The model of `before` learned again from reweighted examples, and both judged on the test.

    `config`: as `before` was fitted with. The calibrator and the threshold are chosen on validation again,
    without weights, since scores are to be true of the customers that there are. Errors: as
    `reweighted` and `decisions_of`.
    """
    fitted = fit_task(
        before.name,
        reweighted(train, attribute),
        validation,
        before.target,
        config=config,
        costs=costs,
        task=before.task,
        spec=before.spec,
        seed=seed,
    ).fitted
    return Fairer(
        fitted, trade(decisions_of(before, test), decisions_of(fitted, test), costs=costs, seed=seed)
    )
