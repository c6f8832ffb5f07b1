"""A column of vectors reads the same on every engine."""

from typing import Any

import pytest

ROWS = {
    "embeddings": [
        {
            "entity_type": "product",
            "entity_id": "p1",
            "model": "behavior/0001",
            "made_at": "2024-01-01T00:00:00Z",
            "vector": [0.5, -2.25, 1e-3],
        }
    ]
}


def first_vector(tables: Any) -> list[float]:
    [row] = tables.current("embeddings").to_pyarrow().to_pylist()
    return list(row["vector"])


def test_on_duckdb(make_tables: Any) -> None:
    assert first_vector(make_tables(ROWS)) == pytest.approx([0.5, -2.25, 1e-3])


@pytest.mark.spark
def test_on_spark(make_spark_tables: Any) -> None:
    assert first_vector(make_spark_tables(ROWS)) == pytest.approx([0.5, -2.25, 1e-3])
