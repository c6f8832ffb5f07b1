"""Arrow columns from numbers: ids, moments, and words by their code."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foresell.simulator.draws import Floats, Ints

Columns = Mapping[str, Any]


def ids(prefix: str, *numbers: Ints) -> pa.Array:
    """`prefix` and the numbers, joined by hyphens: o12-345."""
    texts = [pc.cast(pa.array(np.asarray(number)), pa.string()) for number in numbers]
    joined = pc.binary_join_element_wise(*texts, "-") if len(texts) > 1 else texts[0]
    return pc.binary_join_element_wise(prefix, joined, "")


def only_where(values: pa.Array, is_known: np.ndarray) -> pa.Array:
    """The values, null where they are not known."""
    return pc.if_else(pa.array(is_known), values, pa.scalar(None, values.type))


def words(choices: Sequence[str | None], codes: Ints) -> pa.Array:
    """The word of each code; a negative code is null."""
    known = np.asarray(codes) >= 0
    return only_where(pa.array(list(choices)).take(pa.array(np.maximum(codes, 0))), known)


def constant(value: object, number: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), number)


def moments(midnight: datetime, seconds: Ints | Floats) -> pa.Array:
    """UTC timestamps, `seconds` after a local midnight."""
    start = np.int64(midnight.timestamp())
    return pa.array((start + np.asarray(seconds, dtype=np.int64)) * 1_000_000).cast(
        pa.timestamp("us", tz="UTC")
    )


@cache
def local_midnight(start: date, day: int, time_zone: str) -> datetime:
    """The moment at which a day of the world begins; day 0 is `start`."""
    return datetime.combine(start + timedelta(days=day), time.min, tzinfo=ZoneInfo(time_zone))


def table(columns: Columns) -> pa.Table:
    return pa.table({name: pa.array(c) if isinstance(c, np.ndarray) else c for name, c in columns.items()})
