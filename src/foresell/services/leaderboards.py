"""How the models of a task did on held-out time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError
from foresell.services.forecasting.request import TASK as FORECAST
from foresell.services.results import read_results
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars

VALUE = "value"
VALUE_IS_CHOSEN_BY = "ranks of gini, mae and decile_error together"


@dataclass(frozen=True)
class Leaderboard:
    """How the models of a task did: a row a model and split; the score they are shown by, and in words what
    chooses."""

    task: str
    metric: str
    chosen_by: str
    rows: tuple[dict[str, object], ...]

    def as_record(self) -> dict[str, object]:
        return {
            "task": self.task,
            "metric": self.metric,
            "chosen_by": self.chosen_by,
            "rows": list(self.rows),
        }


def read_leaderboard(shop: Shop, task: str) -> Leaderboard:
    """The leaderboard of the last fit.

    NotFoundError where the task was not fitted, or the history was too short to judge models.
    """
    import polars as pl

    metric, is_higher_better = _main_score(shop, task)
    rows = read_results(shop, "leaderboard").filter(pl.col("task") == task)
    if rows.is_empty():
        raise NotFoundError(
            f"No model of '{task}' has been judged",
            do=f"The history was too short to hold weeks out. Import more, then run: foresell fit {task}",
        )
    return board_of(rows, task, metric, is_higher_better=is_higher_better)


def board_of(rows: "polars.DataFrame", task: str, metric: str, *, is_higher_better: bool) -> Leaderboard:
    """Of the rows of a task in the table: the test first, and in each split the best model first."""
    chosen_by = VALUE_IS_CHOSEN_BY if task == VALUE else metric
    grouped = [_board_row(frame) for _, frame in rows.group_by("model", "split", maintain_order=True)]
    best_first = sorted(
        grouped, key=lambda row: (row["split"] != "test", _order(row, metric, is_higher_better))
    )
    return Leaderboard(task, metric, chosen_by, tuple(best_first))


def _board_row(frame: "polars.DataFrame") -> dict[str, object]:
    first = frame.row(0, named=True)
    intervals = {
        row["score"]: [row["lower"], row["upper"]] for row in frame.to_dicts() if row["lower"] is not None
    }
    return {
        "model": first["model"],
        "split": first["split"],
        "scores": dict(zip(frame["score"], frame["value"], strict=True)),
        "intervals_95": intervals,
        "fit_seconds": first["fit_seconds"],
        "predict_seconds": first["predict_seconds"],
        "note": first["note"],
    }


def _order(row: dict[str, object], metric: str, higher_is_better: bool) -> float:
    scores = row["scores"]
    value = float(scores.get(metric, 0.0)) if isinstance(scores, dict) else 0.0
    return -value if higher_is_better else value


def _main_score(shop: Shop, task: str) -> tuple[str, bool]:
    """The score that chooses, and whether higher is better."""
    if task == "recommend":
        from foresell.predict.recommend.backtest import main_score

        return main_score(shop.settings), True
    if task.split("-")[0] == FORECAST:
        from foresell.predict.forecast.backtest import MAIN_SCORE

        return MAIN_SCORE, False
    if task == VALUE:
        return "gini", True
    from foresell.predict.customers.backtest import HIGHER_IS_BETTER
    from foresell.services.customers.tasks import load_task

    metric = load_task(shop, task)[1].metric
    return metric, metric in HIGHER_IS_BETTER
