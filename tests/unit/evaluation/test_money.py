import numpy as np
import pytest

from foresell.contracts.errors import InputError
from foresell.evaluation.money import NOBODY, Costs, money, money_curve

COSTS = Costs(false_positive=2.0, false_negative=10.0, action=1.0)


def test_money_by_hand() -> None:
    # Acted on: one that happens (10 − 1), one that does not (−2 − 1).
    assert money([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1], 0.5, COSTS) == (9 - 3) / 4
    assert money([1, 0], [0.9, 0.8], NOBODY, COSTS) == 0.0


def test_the_threshold_of_costs_is_where_acting_breaks_even() -> None:
    p = COSTS.threshold
    assert p * COSTS.false_negative - (1 - p) * COSTS.false_positive == pytest.approx(COSTS.action)


def test_the_curve_agrees_with_each_threshold() -> None:
    random = np.random.default_rng(0)
    labels, predicted = (random.random(60) < 0.4).astype(float), np.round(random.random(60), 1)
    curve = money_curve(labels, predicted, COSTS)
    one_by_one = [money(labels, predicted, threshold, COSTS) for threshold in curve.thresholds]
    assert curve.earned(np.ones(60)) == pytest.approx(one_by_one)
    assert money(labels, predicted, curve.best(np.ones(60)), COSTS) == pytest.approx(max(one_by_one))


def test_where_acting_never_pays_nobody_is_acted_on() -> None:
    curve = money_curve(np.zeros(3), np.array([0.1, 0.2, 0.3]), COSTS)
    assert curve.best(np.ones(3)) == NOBODY


@pytest.mark.parametrize("costs", [(0.0, 0.0), (-1.0, 2.0), (1.0, float("nan"))])
def test_costs_that_tell_nothing_are_refused(costs: tuple[float, float]) -> None:
    with pytest.raises(InputError):
        Costs(*costs)
