"""`foresell simulate compare`: what two ways to run a simulated shop earn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json

if TYPE_CHECKING:
    from foresell.services.compare.money import Comparison


def compare(
    first: Annotated[Path, typer.Argument(metavar="A.toml", help="A world and its policies.")],
    second: Annotated[Path, typer.Argument(metavar="B.toml", help="The other way to run it.")],
    seeds: Annotated[int, typer.Option(help="How many pairs of lives.")] = 20,
    days: Annotated[int | None, typer.Option(help="How many days; default: as the worlds say.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it, as .html or .svg.")] = None,
    as_json: Json = False,
) -> None:
    """Live two scenarios with the same customers, and print the difference in money by line of the ledger.

    A scenario names a world (world = "many_tastes", or sections as `foresell simulate world` writes them)
    and its [policies], such as price = "cost_plus" and price_markup = 0.6.
    """
    from foresell.cli.output import print_json, print_table, print_text, progress_bar
    from foresell.services.compare.money import compare_scenarios
    from foresell.services.compare.plot import require_kind, write_plot
    from foresell.services.compare.scenario import read_scenario

    if plot is not None:
        require_kind(plot)
    one, other = (read_scenario(path, days=days) for path in (first, second))
    with progress_bar() as progress:
        compared = compare_scenarios(one, other, range(1, seeds + 1), progress)
    if plot is not None:
        write_plot(compared, plot)
    if as_json:
        print_json(compared.as_record())
        return
    print_table(_rounded(compared))
    print_text(_in_words(compared))


def _rounded(compared: "Comparison") -> list[dict[str, object]]:
    return [
        {name: round(value, 1) if isinstance(value, float) else value for name, value in row.items()}
        for row in compared.rows()
    ]


def _in_words(compared: "Comparison") -> str:
    profit = compared.lines["profit"]
    lower, upper = profit.difference.lower, profit.difference.upper
    if lower <= 0 <= upper:
        verdict = "no difference in profit can be told"
    else:
        verdict = f"{'b' if lower > 0 else 'a'} earns more"
    return (
        f"\n{len(compared.seeds)} seeds, {compared.days} days, a = {compared.first.name}, "
        f"b = {compared.second.name}: {verdict} (paired 95%: {lower:+,.0f} to {upper:+,.0f})."
    )
