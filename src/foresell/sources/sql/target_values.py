"""Values of Arrow batches in the forms that databases and files take."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from foresell.contracts.columns import Column
from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa


def mapped(batch: "pa.RecordBatch", change: Callable[[Any], Any]) -> "pa.RecordBatch":
    """The batch with each of its arrays as `change` makes it."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([change(array) for array in batch.columns], names=batch.schema.names)


def vectors_as_text(batch: "pa.RecordBatch", left: str = "[", right: str = "]") -> "pa.RecordBatch":
    """The batch with its vectors as text: [0.1,2], in the digits that mean exactly the 32-bit number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def as_text(array: Any) -> Any:
        if not pa.types.is_list(array.type):
            return array
        numbers = pa.ListArray.from_arrays(array.offsets, array.values.cast(pa.string()))
        joined = pc.binary_join_element_wise(left, pc.binary_join(numbers, ","), right, "")
        return pc.if_else(pc.is_valid(array), joined, pa.scalar(None, pa.string()))

    return mapped(batch, as_text)


def times_as_text(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """The batch with moments as 2024-01-31 12:00:00.000000Z, and days as 2024-01-31."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def as_text(array: Any) -> Any:
        if pa.types.is_timestamp(array.type):
            return pc.strftime(array, format="%Y-%m-%d %H:%M:%SZ")
        return array.cast(pa.string()) if pa.types.is_date(array.type) else array

    return mapped(batch, as_text)


def decimals_as_text(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    import pyarrow as pa

    return mapped(batch, lambda one: one.cast(pa.string()) if pa.types.is_decimal(one.type) else one)


def without_zones(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """The batch with moments as times in UTC that do not say so."""
    import pyarrow as pa

    plain = pa.timestamp("us")
    return mapped(batch, lambda one: one.cast(plain) if pa.types.is_timestamp(one.type) else one)


def require_finite(batch: "pa.RecordBatch", place: str, *, is_vectors_only: bool = False) -> None:
    """Raise InputError where a number is none (nan), or infinite: `place` cannot hold it.

    `is_vectors_only`: of vectors, which become JSON there.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        numbers = array.flatten() if pa.types.is_list(array.type) else array
        if not pa.types.is_floating(numbers.type) or (is_vectors_only and numbers is array):
            continue
        if not pc.all(pc.is_finite(numbers), min_count=0).as_py():
            raise InputError(
                f"The column '{name}' holds a number that is infinite or none (nan)",
                do=f"{place} cannot keep it. Export to Parquet or PostgreSQL, which can.",
            )


def python_rows(batch: "pa.RecordBatch") -> list[tuple[object, ...]]:
    """The rows of a batch as Python's values."""
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def typed_columns(columns: Sequence[Column], types: dict[str, str]) -> list[tuple[str, str]]:
    """Each column's name and type in a database."""
    return [(column.name, types[column.type]) for column in columns]
