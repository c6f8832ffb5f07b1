"""`foresell fit`: judge the models of a task and put the best in production."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, Task, open_given


def fit(
    task: Annotated[Task, typer.Argument(help="recommend or forecast.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Evaluate every model on held-out time; fit the best on everything, for use."""
    from foresell.cli.commands.leaderboard import print_leaderboard
    from foresell.cli.output import print_json, progress_bar
    from foresell.services.predict import fit as fit_models
    from foresell.services.predict import read_leaderboard

    shop = open_given(store)
    with progress_bar() as progress:
        fit_models(shop, task.value, progress)
    board = read_leaderboard(shop, task.value)
    print_json(board.as_record()) if as_json else print_leaderboard(board)
