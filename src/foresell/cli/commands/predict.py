"""`foresell predict`: what customers will do."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

Of = Annotated[str | None, typer.Option("--of", help="The category or product that the task is asked about.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="By what was known then. Default: now.")
]


def predict(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="value, churn, will_buy_category, … or a TOML file.")
    ],
    of: Of = None,
    as_of: AsOf = None,
    customer: Annotated[
        list[str] | None, typer.Option(help="Only this customer; repeatable. Default: everybody.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many customers are shown, the first by score.")] = 20,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """What customers will do, by the model that `foresell fit TASK` chose."""
    from foresell.cli.moments import read_moment
    from foresell.cli.output import print_json, print_note, print_table, print_text, progress_bar
    from foresell.services.customers.predict import predict_customers
    from foresell.services.customers.value import predict_value
    from foresell.services.leaderboards import VALUE

    shop = open_given(store)
    moment = None if as_of is None else read_moment(as_of, shop.settings.store.time_zone)
    with progress_bar() as progress:
        if task == VALUE:
            scored = predict_value(shop, as_of=moment, customers=customer or (), progress=progress)
        else:
            scored = predict_customers(
                shop, task, of, as_of=moment, customers=customer or (), progress=progress
            )
    if as_json:
        print_json(scored.as_record(top))
        return
    print_text(f"{scored.question}, {scored.horizon_days:g} days from {scored.cutoff_at:%Y-%m-%d}")
    print_table(_without_empty(scored.top_rows(top)))
    chosen = "" if scored.num_chosen is None else f", {scored.num_chosen:,} worth acting on"
    print_note(f"{scored.rows.height:,} customers{chosen}; model {scored.model}")


def _without_empty(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Without the columns that are empty in all of them."""
    kept = [name for name in rows[0] if any(row[name] is not None for row in rows)] if rows else []
    return [{name: row[name] for name in kept} for row in rows]
