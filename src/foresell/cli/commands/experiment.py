"""`foresell experiment`: A/B tests of what recommends."""

from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foresell.cli.options import Json, Store, open_given

if TYPE_CHECKING:
    from foresell.services.experiments.result import ExperimentResult
    from foresell.services.experiments.running import Experiment

app = typer.Typer(help="A/B tests: add, plan, start, result, stop, assign, list.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME")]
VERDICTS = {
    "better": "better than the control",
    "worse": "worse than the control",
    "no_difference": "no difference worth finding",
    "open": "not decided yet",
}


@app.command()
def add(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.toml", help="[experiment] and [[variant]].")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Without a file: what it is called.")] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:KEY=VALUE,…]",
            help="Without a file, repeatable, the control first: `control --variant newer:model=0002`.",
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="Without a file: what decides.")] = "revenue",
    guardrail: Annotated[list[str] | None, typer.Option(help="What must not suffer; repeatable.")] = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Declare an experiment; nobody sees anything of it before it is started."""
    from foresell.contracts.errors import InputError
    from foresell.services.experiments.declaration import make_declaration, read_declaration
    from foresell.services.experiments.running import declare

    if (file is None) == (name is None):
        raise InputError("Declare it by a file, or by --name and --variant", do="Give one of the two.")
    declared = (
        read_declaration(file)
        if file is not None
        else make_declaration(
            {
                "name": name,
                "metric": metric,
                "guardrails": guardrail or [],
                "variants": _variants(variant or []),
            }
        )
    )
    _tell(declare(open_given(store), declared, getuser()), as_json)


def _variants(given: list[str]) -> list[dict[str, Any]]:
    """Equal shares, where none are given; they add up to 1."""
    found: list[dict[str, Any]] = []
    for one in given:
        name, _, rest = one.partition(":")
        changes = dict(pair.partition("=")[::2] for pair in rest.split(",") if pair)
        found.append({"name": name, "share": 1 / len(given), **changes})
    return found


@app.command()
def plan(name: Name, store: Store = None, as_json: Json = False) -> None:
    """How many customers it needs, by the shop's own figures."""
    from foresell.cli.output import print_json, print_note, print_table
    from foresell.services.experiments.planning import ACTIVE_DAYS, plan_experiment
    from foresell.services.experiments.running import find_experiment

    shop = open_given(store)
    made = plan_experiment(shop, find_experiment(shop, name).declaration)
    if as_json:
        print_json(made.as_record())
        return
    print_table([one.as_record() for one in made.metrics])
    print_note(
        f"{made.num_active:,} customers did something in {ACTIVE_DAYS} days. fixed: one look at the end; "
        "sequential: looked at as often as you like; with_cuped: that, with their past taken out."
    )


@app.command()
def start(name: Name, store: Store = None, as_json: Json = False) -> None:
    """Show it; a server that runs begins within seconds."""
    from foresell.services.experiments.running import start as begin

    _tell(begin(open_given(store), name, getuser()), as_json)


@app.command()
def stop(name: Name, store: Store = None, as_json: Json = False) -> None:
    """Everybody sees what is in production again."""
    from foresell.services.experiments.running import stop as end

    _tell(end(open_given(store), name, getuser()), as_json)


@app.command()
def result(name: Name, store: Store = None, as_json: Json = False) -> None:
    """What it found so far; look as often as you like."""
    from foresell.cli.output import print_json
    from foresell.services.experiments.result import experiment_result

    found = experiment_result(open_given(store), name)
    print_json(found.as_record()) if as_json else _print_result(found)


@app.command()
def assign(
    name: Name,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Which variant a customer sees."""
    from foresell.cli.output import print_json, print_text
    from foresell.services.experiments.running import variant_of

    found = variant_of(open_given(store), name, customer)
    if as_json:
        print_json({"experiment_id": name, "variant": found})
    else:
        print_text(found or "does not take part")


@app.command("list")
def list_(store: Store = None, as_json: Json = False) -> None:
    """Every experiment, the newest first."""
    from foresell.cli.output import print_json, print_table
    from foresell.services.experiments.running import experiments

    found = experiments(open_given(store))
    if as_json:
        print_json({"experiments": [one.as_record() for one in found]})
        return
    rows = [
        {
            "experiment": one.name,
            "state": one.state,
            "metric": one.declaration.metric,
            "variants": [variant.name for variant in one.declaration.variants],
            "started": f"{one.started_at:%Y-%m-%d}" if one.started_at else None,
        }
        for one in found
    ]
    print_table(rows, empty="There is no experiment yet.")


def _tell(found: "Experiment", as_json: bool) -> None:
    from foresell.cli.output import print_json, print_text

    if as_json:
        print_json(found.as_record())
    else:
        print_text(f"Experiment {found.name} is {found.state}")


def _known(value: float) -> float | None:
    from math import isfinite

    return value if isfinite(value) else None


def _print_result(found: "ExperimentResult") -> None:
    from foresell.cli.output import print_note, print_table, print_text

    print_table(
        [
            {"variant": name, "exposed": number, "measured": found.measured[name]}
            for name, number in found.exposed.items()
        ]
    )
    rows = []
    for one in found.findings:
        adjusted = one.adjusted
        rows.append(
            {
                "metric": one.metric,
                "variant": one.variant,
                "control": _known(adjusted.control),
                "difference": _known(adjusted.difference.value),
                "lower": _known(adjusted.difference.lower),
                "upper": _known(adjusted.difference.upper),
                "p": adjusted.p_value,
                "variance_taken_out": one.reduction,
                "verdict": VERDICTS[one.verdict],
            }
        )
    print_table(rows)
    for one in found.findings:
        if (money := one.money()) is not None:
            print_text(f"{one.variant}: {money[0]:+,.2f} [{money[1]:+,.2f}, {money[2]:+,.2f}] in all so far")
    if not found.is_divided_as_meant:
        print_text(f"Customers are not divided as declared (p = {found.ratio_p:.2g}): trust no result of it.")
    if found.num_crossed:
        print_note(f"{found.num_crossed:,} customers saw several variants and are left out.")
