"""The difference in money as a picture: a point and its interval for each line of the ledger."""

from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from foresell.contracts.errors import DeniedError, InputError
from foresell.services.compare.money import Comparison
from foresell.services.report.page.charts import nice_step, scale_for
from foresell.services.report.page.document import content_policy, read_style

KINDS = (".html", ".svg")
WIDTH, LEFT, RIGHT = 760, 150, 110
NUM_TICKS = 6
TOP, ROW_HEIGHT, BOTTOM = 56, 30, 36


@dataclass(frozen=True)
class Mark:
    """A line of the ledger in the picture: pixels of its value and of its interval's ends."""

    name: str
    y: int
    at: float
    lower: float
    upper: float
    text: str
    tone: str


def write_plot(comparison: Comparison, path: Path) -> None:
    """The picture as SVG, or as a page with a table below it, by the file's name.

    Both stand alone and ask nobody for anything. Errors: InputError (another ending), DeniedError.
    """
    require_kind(path)
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = read_style()
    drawn = environment.get_template(f"compare{path.suffix}.jinja").render(
        comparison=comparison,
        style=style,
        policy=content_policy(style),
        money=money,
        **_picture(comparison),
    )
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise DeniedError(
            f"{path} cannot be written", received=error.strerror, do="Choose a folder that you may write."
        ) from error


def require_kind(path: Path) -> None:
    """InputError if the file's name ends in nothing that can be drawn."""
    if path.suffix not in KINDS:
        raise InputError("A plot is a page or a picture", received=path.name, do="End in .html or .svg.")


def money(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 0.5 else f"{value:.2f}".replace("-0.00", "0.00")


def _picture(comparison: Comparison) -> dict[str, object]:
    found = {name: line.difference for name, line in comparison.lines.items()}
    scale = scale_for([end for one in found.values() for end in (one.lower, one.upper)], wanted=NUM_TICKS)
    across = WIDTH - LEFT - RIGHT

    def at(value: float) -> float:
        # A scale counts in percent from the top.
        return round(LEFT + across * (100 - scale(value)) / 100, 1)

    marks = [
        Mark(
            name=name.replace("_", " "),
            y=TOP + ROW_HEIGHT * place + ROW_HEIGHT // 2,
            at=at(one.value),
            lower=at(one.lower),
            upper=at(one.upper),
            text=("+" if one.value > 0 else "") + money(one.value),
            tone="#8a8f98" if one.lower <= 0 <= one.upper else "#2c6fbb",
        )
        for place, (name, one) in enumerate(found.items())
    ]
    bottom = TOP + ROW_HEIGHT * len(marks)
    # From 0 both ways, so that it is one of them.
    step = nice_step((scale.high - scale.low) / NUM_TICKS)
    values = [step * i for i in range(ceil(scale.low / step), floor(scale.high / step) + 1)]
    ticks = [(at(value), money(value)) for value in values]
    return {
        "marks": marks,
        "ticks": ticks,
        "zero": at(0.0),
        "width": WIDTH,
        "height": bottom + BOTTOM,
        "top": TOP,
        "bottom": bottom,
        "left": LEFT,
    }
