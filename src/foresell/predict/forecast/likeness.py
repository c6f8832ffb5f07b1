"""How alike series are by what does not change of them: categories, numbers and vectors of content."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.forecast.grid import Floats

Vectors = NDArray[np.float32]


def content_vectors(static: pl.DataFrame, series: list[str]) -> Vectors:
    """(series, D) rows of length 1 (or 0, where nothing is known) whose products are likenesses.

    `static`: series_id and columns: of text (each category a direction of its own, rare ones far from all),
    of numbers (in deviations from their mean), of lists of numbers (as directions). Every column weighs
    alike; a null says nothing.
    """
    rows = pl.DataFrame({"series_id": series}, schema={"series_id": pl.String}).join(
        static.unique("series_id", keep="last"), on="series_id", how="left", maintain_order="left"
    )
    parts = [_part(rows[name]) for name in rows.columns[1:]]
    if not parts:
        return np.zeros((len(series), 1), np.float32)
    whole = np.concatenate([_unit(part) for part in parts], axis=1)
    return _unit(whole)


def _part(column: pl.Series) -> Floats:
    if column.dtype == pl.String:
        words = sorted(column.drop_nulls().unique())
        codes = column.replace_strict(words, range(len(words)), default=None, return_dtype=pl.Int64)
        found = np.zeros((len(column), max(1, len(words))))
        told = np.flatnonzero(codes.is_not_null().to_numpy())
        found[told, codes.drop_nulls().to_numpy()] = 1.0
        return found
    if isinstance(column.dtype, pl.List | pl.Array):
        vectors = column.to_list()
        found = np.zeros((len(column), max((len(vector) for vector in vectors if vector), default=1)))
        for row, vector in enumerate(vectors):
            if vector:
                found[row, : len(vector)] = vector
        return found
    numbers = column.cast(pl.Float64).to_numpy()
    known = ~np.isnan(numbers)
    spread = numbers[known].std() if known.any() else 0.0
    away = (numbers - numbers[known].mean()) / spread if spread > 0 else np.zeros(len(numbers))
    # Two columns of one length, so that far apart in number is far apart in direction.
    angle = np.clip(np.nan_to_num(away), -3, 3) * np.pi / 6
    return np.asarray(np.column_stack([np.cos(angle), np.sin(angle)]) * known[:, None])


def _unit(part: NDArray[np.floating]) -> Vectors:
    length = np.linalg.norm(part, axis=1, keepdims=True)
    found = np.divide(part, length, out=np.zeros_like(part), where=length > 0)
    return np.asarray(found, np.float32)
