"""`foresell segment`: who is alike."""

from typing import TYPE_CHECKING, Annotated

import typer

from foresell.cli.options import Json, Store, open_given

MOST_MOVES = 15

if TYPE_CHECKING:
    from foresell.services.customers.segmented import Segmented


def segment(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="SEGMENTATION",
            help="rfm, features, behavior, autoencoder, or a TOML file of rules. Default: rfm and features.",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Also say who moved where since then.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Assign by the version in production; fit nothing.")
    ] = False,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Put every customer into a segment, with a sentence on each and what it means for sales."""
    from foresell.cli.moments import read_moment
    from foresell.cli.output import print_json, progress_bar
    from foresell.services.customers.segment import DEFAULTS, segment_customers

    shop = open_given(store)
    moment = None if since is None else read_moment(since, shop.settings.store.time_zone)
    with progress_bar() as progress:
        found = [
            segment_customers(shop, one, since=moment, is_refitted=not keep, progress=progress)
            for one in ([name] if name else DEFAULTS)
        ]
    if as_json:
        print_json({"segmentations": [one.as_record() for one in found]})
        return
    for one in found:
        _print(one, is_chinese=shop.settings.store.language == "zh")


def _print(found: "Segmented", is_chinese: bool) -> None:
    from foresell.cli.output import print_note, print_table, print_text, rounded

    print_text(f"{found.segmentation}: {found.num_customers:,} customers")
    shown = ("num_customers", "share", "share_of_sales", "orders", "recency_days")
    rows = found.segments.to_dicts()
    print_table(
        [
            {"segment": row["name_zh"] if is_chinese else row["segment"]}
            | {name: rounded(row.get(name)) for name in shown if name in row}
            for row in rows
        ]
    )
    for row in rows:
        if sentence := row["sentence_zh" if is_chinese else "sentence"]:
            print_text(f"  • {sentence}")
    if found.stability is not None:
        print_note(
            f"Other seeds divide them alike by {found.stability.mean:.2f} (adjusted Rand; 1: the same)"
        )
    if found.migration is not None:
        moved = found.migration
        print_text(f"Since then: drift {moved.drift:.1%}, {moved.stayed or 0:.1%} stayed where they were")
        moves = sorted(moved.moves.to_dicts(), key=lambda row: -(row["num_customers"] or 0))
        told = [row for row in moves[:MOST_MOVES] if row["num_customers"]]
        print_table([row | {"share_of_from": rounded(row["share_of_from"])} for row in told])
