"""`foresell leaderboard`: how the models did."""

from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from foresell.services.leaderboards import Leaderboard


def leaderboard(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="recommend, forecast, or a task that was fitted.")
    ],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """How the models of a task did on held-out time."""
    from foresell.cli.output import print_json, progress_bar
    from foresell.services.predict import leaderboard as show_leaderboard

    shop = open_given(store)
    with progress_bar() as progress:
        board = show_leaderboard(shop, task, progress)
    print_json(board.as_record()) if as_json else print_leaderboard(board)


def print_leaderboard(board: "Leaderboard") -> None:
    """A line a model: the score that chose it on validation, then its test scores."""
    from foresell.cli.output import print_note, print_table, print_text, rounded

    print_text(f"{board.task}: chosen by {board.chosen_by} on validation; the other figures are of the test")
    chosen_by = {row["model"]: _scores(row).get(board.metric) for row in board.rows if row["split"] != "test"}
    of_test = [row for row in board.rows if row["split"] == "test"]
    # Not every model has every score: one without intervals has no coverage.
    names = dict.fromkeys(name for row in of_test for name in _scores(row))
    lines = [
        {
            "model": row["model"],
            "validation": rounded(chosen_by.get(row["model"])),
            **{name: rounded(_scores(row).get(name)) for name in names},
            "fit s": rounded(row["fit_seconds"], 1),
            "predict s": rounded(row["predict_seconds"], 1),
        }
        for row in of_test
    ]
    print_table(lines)
    for note in dict.fromkeys(f"{row['split']}: {row['note']}" for row in board.rows):
        print_note(note)


def _scores(row: dict[str, object]) -> dict[str, float]:
    scores = row["scores"]
    return scores if isinstance(scores, dict) else {}
