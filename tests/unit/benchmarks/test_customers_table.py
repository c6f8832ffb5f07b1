"""The table of figures: a goal that is missed is said, whatever else is met."""

from benchmarks.quality.customers.table import ROWS, Row


def row(what: str) -> Row:
    [found] = [one for one in ROWS if what in one.what]
    return found


def journey(lower: float, error: float) -> dict[str, object]:
    less = {"auroc": {"value": lower + 0.01, "lower": lower, "upper": lower + 0.02}}
    scores = {"auroc": {"value": 0.86}, "calibration_error": {"value": error}}
    told = {"chosen_on_validation": "stack", "models": {"stack": {"scores": scores, "less_lightgbm": less}}}
    return {"tasks": {"churn": told}}


def test_above_means_that_the_whole_interval_is_above() -> None:
    [churn] = [one for one in ROWS if one.what == "churn"]
    assert churn.read(journey(0.001, 0.01))[1]
    assert not churn.read(journey(-0.001, 0.01))[1]
    assert not churn.read(journey(0.0, 0.01))[1]


def test_a_calibration_error_of_the_limit_is_too_large() -> None:
    error = row("churn, calibration")
    assert error.read(journey(0.1, 0.0199))[1]
    assert not error.read(journey(0.1, 0.02))[1]


def test_both_scores_of_the_months_must_be_above() -> None:
    def months(aupr: float) -> dict[str, object]:
        less = {
            name: {"value": lower + 0.01, "lower": lower, "upper": lower + 0.02}
            for name, lower in (("auroc", 0.01), ("aupr", aupr))
        }
        test = {"foresell": {"auroc": {"value": 0.7}, "aupr": {"value": 0.34}}}
        return {"months": {"test": test, "foresell_less": {"lightgbm": less}}}

    against = row("told to leave out the month")
    assert against.read(months(0.001))[1]
    assert not against.read(months(-0.001))[1]


def test_the_best_figure_of_a_world_counts_and_nan_is_no_figure() -> None:
    def world(*means: float) -> dict[str, object]:
        summary = {f"leaving: {place}": {"mean": mean} for place, mean in enumerate(means)}
        return {"results": [{"world": "default", "summary": summary}]}

    leaving = row("leaving, default")
    assert leaving.read(world(0.2, 0.5))[1]
    assert not leaving.read(world(0.2, 0.49))[1]
    assert not leaving.read(world(float("nan")))[1]
