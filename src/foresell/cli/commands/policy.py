"""`foresell policy`: what recommending earns, and what it would earn otherwise."""

from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(
    help="Judge how recommendations are chosen, from what was served and what came of it.",
    no_args_is_help=True,
)


@app.command()
def value(
    epsilon: Annotated[
        float | None, typer.Option(min=0, max=1, help="Judge this epsilon too, from what chance has shown.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 30,
    surface: Annotated[str | None, typer.Option(help="Only this surface.")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh. Default: the store's.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Clicks and revenue a shown product, with 95% intervals: as served, and with another epsilon."""
    from foresell.cli.output import print_json
    from foresell.services.policy import policy_report
    from foresell.services.report import read_language

    chosen = read_language(language)
    shop = open_given(store)
    chosen = chosen or shop.settings.store.language
    report = policy_report(shop, epsilon=epsilon, days=days, surface=surface)
    record = report.as_record(chosen)
    if as_json:
        print_json(record)
        return
    _print(record, chosen)


def _print(record: dict[str, object], language: str) -> None:
    from foresell.cli.output import print_fields, print_note, print_table
    from foresell.evaluation.off_policy import WARNINGS

    values = record["values"]
    rows = values if isinstance(values, list) else []
    shown = ["surface", "reward", "num_shown", "num_known", "served"]
    if record["epsilon"] is not None:
        shown += ["num_judged", "served_in_same_rows", "other_epsilon", "effective_rows"]
    print_table([{name: _in_words(row[name]) for name in shown} for row in rows])
    rates = ("return_rate_of_recommended", "return_rate_of_others")
    print_fields({name.replace("_", " "): _in_words(record[name]) for name in rates})
    left_out = record["left_out"]
    for one in left_out if isinstance(left_out, list) else []:
        print_note(f"{one['rows']:,} rows left out: {one['why']}")
    place = 1 if language == "zh" else 0
    for row in rows:
        for code in row["warnings"]:
            print_note(f"{row['surface']}, {row['reward']}: {WARNINGS[code][place]}")


def _in_words(value: object) -> object:
    """A value with its interval in one cell."""
    if not isinstance(value, list):
        return value
    number, lower, upper = value
    return f"{number:.4f} ({lower:.4f} to {upper:.4f})"
