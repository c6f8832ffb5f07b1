"""`foresell map`: pictures of what the behavior model has learned."""

from pathlib import Path
from typing import Annotated

import typer

from foresell.cli.options import Json, Store, open_given

app = typer.Typer(help="Pictures of what the behavior model has learned.", no_args_is_help=True)


@app.callback()
def _map() -> None:
    """More maps may follow: a command of its own each."""


@app.command("products")
def products(
    out: Annotated[Path, typer.Option(help="A file that ends in .html or .png.")] = Path("map.html"),
    most: Annotated[int, typer.Option(min=2, max=5000, help="How many products: the most taken.")] = 1500,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Draw the products so that those taken by the same customers stand close together."""
    from foresell.cli.output import print_json, print_text, progress_bar
    from foresell.services.product_map import map_products

    shop = open_given(store)
    with progress_bar() as progress:
        drawn = map_products(shop, out, most, progress)
    if as_json:
        print_json({"map": str(drawn.path), "products": drawn.num_products, "model": drawn.model})
        return
    print_text(f"Wrote {drawn.path}: {drawn.num_products:,} products by {drawn.model}")
