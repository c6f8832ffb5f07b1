"""The map as a page that stands alone and asks nobody for anything."""

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from foresell.services.product_map.picture import HEIGHT, LABEL_SIZE, LEGEND, WIDTH, Picture
from foresell.services.report.page.document import content_policy
from foresell.services.written_page import write_page_file

STYLE = "map.css"


def write_page(drawn: Picture, path: Path) -> None:
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = files(__package__).joinpath(STYLE).read_text(encoding="utf-8")
    page = environment.get_template("map.html.jinja").render(
        drawn=drawn,
        style=style,
        policy=content_policy(style),
        width=WIDTH,
        height=HEIGHT,
        legend_at=WIDTH - LEGEND + 16,
        label_size=LABEL_SIZE,
    )
    write_page_file(path, page, "map")
