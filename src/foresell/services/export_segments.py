"""Segments and lists of their members on their way out: in groups of ten people or more, whoever asks.

Nobody who was erased is among them. `segments.exporting` says which groups may be named,
`segments.activating` who allowed what; here is what needs the store: attributes, originals, and what has
left before.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from foresell.contracts.columns import Column, identifier, moment, text
from foresell.contracts.errors import ConflictError, InputError, NotFoundError, did_you_mean
from foresell.contracts.results import RESULTS
from foresell.contracts.tables import TABLES
from foresell.privacy.originals import reading_originals
from foresell.services.export_rows import BATCH_ROWS, MADE_BY, Leaving, know_the_erased
from foresell.services.rebuild import is_kept_sql
from foresell.services.shop import Shop
from foresell.sources.sql.target import arrow_schema
from foresell.store.export_log import export_entries

if TYPE_CHECKING:
    import polars
    import pyarrow as pa

    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.segments.activating import Identifier

SEGMENTS = "segments"
SEGMENT_COLUMNS = (
    text("segmentation", required=True),
    identifier("customer_id", required=True),
    text("segment", required=True),
    moment("cutoff_at"),
)


def segment_rows(shop: Shop, segmentation: str | None, by: Sequence[str]) -> Leaving:
    """Each customer's segment by one segmentation, with attributes of the customers: in groups of ten or
    more.

    Small segments become "other", and the smallest of the rest joins them while "other" has fewer than ten,
    so that who is missing tells nothing. Within a segment so do small values of `by`. Attributes that left
    with this segmentation before are looked at as well: the two files can be joined by the customer's id.

    Raises NotFoundError for an unknown segmentation or attribute, InputError where several segmentations are
    there and none is named, ConflictError where fewer than ten people are in it.
    """
    import polars as pl

    from foresell.predict.customers.segments.exporting import exportable

    with shop.reading_matched() as tables:
        members, chosen, cutoff = _members(shop, tables, segmentation)
        earlier = _attributes_before(shop, chosen)
        groups = [*earlier, *(name for name in by if name not in earlier)]
        known = _with_attributes(tables, members, groups)
    exported = exportable(_with_a_full_other(known), by=groups)
    if exported.frame.is_empty():
        raise _too_few(chosen)
    columns = (*SEGMENT_COLUMNS[:-1], *(text(name) for name in by), SEGMENT_COLUMNS[-1])
    told = exported.frame.with_columns(
        segmentation=pl.lit(chosen), cutoff_at=pl.lit(cutoff, pl.Datetime("us", "UTC"))
    )
    renamed = (
        len(members) - exported.frame.filter(pl.col("segment").is_in(members["segment"].implode())).height
    )
    notes = [f"{renamed:,} customers are in 'other', for their segments are too small"] if renamed else []
    if earlier:
        notes.append(f"Groups hold together with attributes that left before: {', '.join(earlier)}")
    details: dict[str, object] = {"segmentation": chosen, "by": list(by)}
    return Leaving(columns, _frame_batches(told, columns), details, tuple(notes))


def _members(
    shop: Shop, tables: "Tables", segmentation: str | None
) -> "tuple[polars.DataFrame, str, object]":
    """customer_id and segment of a segmentation, its name, and up to when it knew."""
    rows: polars.DataFrame = tables.current(SEGMENTS).to_polars()
    names = sorted(set(rows["segmentation"]))
    if not names:
        raise NotFoundError("Nobody was put into segments yet", do=f"Run: {MADE_BY[SEGMENTS]}")
    if segmentation is None and len(names) > 1:
        raise InputError(
            "Which segmentation is not said",
            do=f"Add --segmentation with one of: {', '.join(names)}.",
        )
    chosen = segmentation or names[0]
    if chosen not in names:
        raise NotFoundError(f"There is no segmentation '{chosen}'", do=did_you_mean(chosen, names))
    own = rows.filter(rows["segmentation"] == chosen)
    return _not_erased(shop, own).select("customer_id", "segment"), chosen, own["cutoff_at"].max()


def _not_erased(shop: Shop, rows: "polars.DataFrame") -> "polars.DataFrame":
    import polars as pl

    if not shop.folder.state.tombstones():
        return rows
    with shop.connect() as connection:
        know_the_erased(shop, connection)
        connection.register("leaving", rows.to_arrow())
        kept = connection.sql(f"SELECT * FROM leaving WHERE {is_kept_sql(RESULTS[SEGMENTS])}")
        frame = pl.from_arrow(kept.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101
    return frame


def _num_other(rows: "polars.DataFrame") -> int:
    from foresell.predict.customers.segments.words import OTHER

    return int((rows["segment"] == OTHER[0]).sum())


def attributes() -> list[str]:
    """The columns of customers that may go with a segment: few values, and none that names somebody."""
    own = TABLES["customers"].own_columns
    return [c.name for c in own if c.type in ("string", "integer", "boolean") and not c.identifies]


def _with_attributes(
    tables: "Tables", members: "polars.DataFrame", names: Sequence[str]
) -> "polars.DataFrame":
    for name in names:
        if name not in attributes():
            raise NotFoundError(f"There is no attribute '{name}'", do=did_you_mean(name, attributes()))
    if not names:
        return members
    customers: polars.DataFrame = tables.current("customers").select("customer_id", *names).to_polars()
    return members.join(customers.unique("customer_id"), on="customer_id", how="left")


def _attributes_before(shop: Shop, segmentation: str) -> list[str]:
    """The attributes that went out with a segmentation, in the order in which they did."""
    found: dict[str, None] = {}
    for entry in export_entries(shop.folder.state):
        if entry.name == SEGMENTS and entry.details.get("segmentation") == segmentation:
            by = entry.details.get("by")
            found |= dict.fromkeys(
                name for name in (by if isinstance(by, list) else []) if name in attributes()
            )
    return list(found)


def _with_a_full_other(members: "polars.DataFrame") -> "polars.DataFrame":
    """Segments with "other" in the place of the smallest large ones, while all that is small together has
    fewer than ten people: it would be left out, and whoever knows all customers would see who it is."""
    import polars as pl

    from foresell.predict.customers.segments.suppression import LEAST_PEOPLE
    from foresell.predict.customers.segments.words import OTHER

    sizes = members.group_by("segment").len().sort("len", "segment")
    is_small = (pl.col("len") < LEAST_PEOPLE) | (pl.col("segment") == OTHER[0])
    small = sizes.filter(is_small)
    num_small = int(small["len"].sum())
    joining: list[str] = []
    for name, num in sizes.filter(~is_small).iter_rows():
        if num_small == 0 or num_small >= LEAST_PEOPLE:
            break
        joining.append(name)
        num_small += num
    joins = pl.col("segment").is_in(joining)
    return members.with_columns(segment=pl.when(joins).then(pl.lit(OTHER[0])).otherwise(pl.col("segment")))


def audience_rows(
    shop: Shop, segmentation: str, segment: str, identifier: "Identifier", purpose: str
) -> Leaving:
    """The members of a segment who allow a purpose, under an identifier that another tool can match.

    Raises NotFoundError for an unknown segmentation or segment, ConflictError where fewer than ten are left,
    InputError where originals are needed and none are kept.
    """
    from foresell.predict.customers.segments.activating import activation, consented

    with shop.reading_matched() as tables:
        members, chosen, _ = _members(shop, tables, segmentation)
        names = sorted(set(members["segment"].drop_nulls()))
        if segment not in names:
            raise NotFoundError(f"'{chosen}' has no segment '{segment}'", do=did_you_mean(segment, names))
        own = members.filter(members["segment"] == segment)
        agreed = consented(tables, purpose)
        identities = None if identifier == "customer_id" else tables.current("identities").to_polars()
    with reading_originals(shop.folder.state, shop.key) as original:
        made = activation(own, agreed, identifier=identifier, identities=identities, original=original)
    notes = (
        f"{made.num_members:,} members; {made.num_without_consent:,} do not allow '{purpose}', of the rest "
        f"{made.num_without_identifier:,} have no identifier of this kind",
    )
    if made.frame.is_empty():
        raise ConflictError(
            "Fewer than ten people would be in this list, and so few never leave",
            received=notes[0],
            do=_way_out(identifier),
        )
    columns = tuple(text(name, required=True) for name in made.frame.columns)
    details: dict[str, object] = {
        "segmentation": chosen,
        "segment": segment,
        "identifier": identifier,
        "purpose": purpose,
    }
    return Leaving(columns, _frame_batches(made.frame, columns), details, notes)


def _way_out(identifier: str) -> str:
    if identifier == "sha256":
        return (
            "Hashes need originals: set privacy.keep_originals = true and import again. Or a larger segment."
        )
    return "Choose a larger segment, or ask customers for their consent."


def _too_few(segmentation: str) -> ConflictError:
    return ConflictError(
        f"'{segmentation}' has fewer than ten people, and so few never leave",
        do="Choose a segmentation of more customers.",
    )


def _frame_batches(frame: "polars.DataFrame", columns: Sequence[Column]) -> "Iterator[pa.RecordBatch]":
    schema = arrow_schema(columns)
    table = frame.select(column.name for column in columns).to_arrow().cast(schema)
    return iter(table.to_batches(max_chunksize=BATCH_ROWS))
