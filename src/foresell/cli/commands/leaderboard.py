"""`foresell leaderboard`: how the models did."""

from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, Task, open_given

if TYPE_CHECKING:
    from foresell.services.predict import Leaderboard


def leaderboard(
    task: Annotated[Task, typer.Argument(help="recommend or forecast.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """How the models of a task did on held-out time."""
    from foresell.cli.output import print_json
    from foresell.services.predict import read_leaderboard

    board = read_leaderboard(open_given(store), task.value)
    print_json(board.as_record()) if as_json else print_leaderboard(board)


def print_leaderboard(board: "Leaderboard") -> None:
    from foresell.cli.output import print_note, print_table, print_text

    print_text(f"{board.task}: chosen by {board.metric} on validation")
    lines = []
    for row in board.rows:
        scores = row["scores"]
        named = scores if isinstance(scores, dict) else {}
        seconds = {"fit s": row["fit_seconds"], "predict s": row["predict_seconds"]}
        lines.append({"model": row["model"], "split": row["split"], **named, **seconds})
    names = list(dict.fromkeys(name for line in lines for name in line))
    print_table([{name: line.get(name) for name in names} for line in lines])
    for note in dict.fromkeys(f"{row['split']}: {row['note']}" for row in board.rows):
        print_note(note)
