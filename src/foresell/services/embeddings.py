"""Vectors of customers, products and sessions as a table, as of now or of any cutoff."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from foresell.services.behavior import as_of, load_behavior, with_catalog
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing
from foresell.store.folder import WORK_NAME

if TYPE_CHECKING:
    import polars
    import pyarrow

    from foresell.behavior.pretrained import Pretrained
    from foresell.contracts.protocols import Tables

Entity = Literal["customer", "product", "session"]
ENTITIES: tuple[Entity, ...] = ("customer", "product", "session")
# So many vectors are in memory at once.
MOST_AT_ONCE = 20_000
TABLE = "embeddings"
WORK_FOLDER = "embed"

Vectors = Iterator[tuple["polars.Series", Any]]


def embed(
    shop: Shop,
    entities: Sequence[Entity] = ("customer", "product"),
    cutoff: datetime | None = None,
    progress: Progress = silent,
) -> dict[str, object]:
    """Compute vectors again by the production model, from what the store has now; nothing is trained.

    So new events change a customer's vector at once, and a product that is new in the catalog gets one by
    its content. `cutoff`: from what was known before it. Sessions have vectors where there are events.
    Returns the model and the number of rows by entity. Raises NotFoundError without a trained model.
    """
    with writing(shop, "embed", progress):
        model, label = load_behavior(shop)
        with shop.reading_matched() as tables:
            whole = with_catalog(shop, model, as_of(tables, shop, cutoff))
        return {"model": label, "rows": write_embeddings(shop, whole, label, entities, cutoff, progress)}


def write_embeddings(
    shop: Shop,
    model: "Pretrained",
    label: str,
    entities: Sequence[Entity],
    cutoff: datetime | None,
    progress: Progress = silent,
) -> dict[str, int]:
    """Write the vectors of these entities, in the place of those of the same cutoff (None: of now), of
    whatever model; returns the number of rows by entity. The caller holds the lock.
    """
    made_at = datetime.now(UTC)
    replaced = None if cutoff is None else cutoff.astimezone(UTC).isoformat()
    written: dict[str, int] = {}
    for place, entity in enumerate(entities):
        progress(f"vectors: {entity}s", place, len(entities))
        folder = shop.folder.root / WORK_NAME / WORK_FOLDER
        with shop.reading_matched() as tables:
            source = SOURCES[entity](model, as_of(tables, shop, cutoff), folder)
            counted = _Counted(source, entity, label, made_at, cutoff)
            try:
                write_results(
                    shop, TABLE, counted.reader(), replaces={"entity_type": entity, "cutoff_at": replaced}
                )
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        written[entity] = counted.num_rows
    return written


def _products(model: "Pretrained", _tables: "Tables", _folder: Path) -> Vectors:
    vectors = model.product_vectors()
    for start in range(0, len(vectors), MOST_AT_ONCE):
        ids = model.vocabulary.product_ids[start : start + MOST_AT_ONCE]
        yield ids, vectors[start : start + MOST_AT_ONCE]


def _customers(model: "Pretrained", tables: "Tables", folder: Path) -> Vectors:
    from foresell.behavior.actions import actions

    yield from _of_actions(model, actions(tables), folder)


def _sessions(model: "Pretrained", tables: "Tables", folder: Path) -> Vectors:
    from foresell.behavior.actions import session_actions

    yield from _of_actions(model, session_actions(tables), folder)


# Entity → the ids and vectors that it has, some at a time; `folder` is for its own use.
SOURCES: dict[Entity, Callable[["Pretrained", "Tables", Path], Vectors]] = {
    "customer": _customers,
    "product": _products,
    "session": _sessions,
}


def _of_actions(model: "Pretrained", rows: Any, folder: Path) -> Vectors:
    from foresell.behavior.actions import sorted_batches
    from foresell.behavior.sequence_files import open_sequences, write_sequences

    with sorted_batches(rows) as batches:
        write_sequences(batches, model.vocabulary, folder)
    sequences = open_sequences(folder)
    ids = sequences.customer_ids
    for start, vectors in model.vectors(sequences, MOST_AT_ONCE):
        if ids is not None:
            yield ids[start : start + len(vectors)], vectors


class _Counted:
    """Vectors as Arrow batches of the table's columns, counted as they pass."""

    def __init__(
        self, source: Vectors, entity: Entity, label: str, made_at: datetime, cutoff: datetime | None
    ) -> None:
        self.source, self.entity, self.label, self.made_at, self.cutoff = (
            source,
            entity,
            label,
            made_at,
            cutoff,
        )
        self.num_rows = 0

    def reader(self) -> "pyarrow.RecordBatchReader":
        import pyarrow as pa

        moment = pa.timestamp("us", "UTC")
        schema = pa.schema(
            {
                "entity_type": pa.large_string(),
                "entity_id": pa.large_string(),
                "model": pa.large_string(),
                "made_at": moment,
                "cutoff_at": moment,
                "vector": pa.list_(pa.float32()),
            }
        )

        def batches() -> "Iterator[pyarrow.RecordBatch]":
            for ids, vectors in self.source:
                num = len(ids)
                self.num_rows += num
                width = vectors.shape[1]
                flat = pa.array(vectors.reshape(-1), pa.float32())
                lists = pa.FixedSizeListArray.from_arrays(flat, width).cast(schema.field("vector").type)
                columns = [
                    pa.repeat(pa.scalar(self.entity, pa.large_string()), num),
                    ids.to_arrow().cast(pa.large_string()),
                    pa.repeat(pa.scalar(self.label, pa.large_string()), num),
                    pa.repeat(pa.scalar(self.made_at, moment), num),
                    pa.repeat(pa.scalar(self.cutoff, moment), num),
                    lists,
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)

        return pa.RecordBatchReader.from_batches(schema, batches())
