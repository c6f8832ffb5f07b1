"""`foresell export` into real databases: what a user types, and what is then there."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from foresell.services.results import write_results
from foresell.services.shop import Shop

AT = datetime(2024, 5, 1, 12, 30, 0, 250_000, tzinfo=UTC)
NUM_CUSTOMERS = 25_000


@pytest.fixture
def place(database: Any) -> Iterator[Any]:
    """A database that Foresell's user may write."""
    if database.scheme == "mysql":
        database.execute(
            "DROP DATABASE IF EXISTS exports; CREATE DATABASE exports; GRANT ALL ON exports.* TO shop@'%'"
        )
        yield database
        database.execute("DROP DATABASE exports")
        return
    database.execute("DROP TABLE IF EXISTS scores; DROP TABLE IF EXISTS vectors")
    yield database


def table(place: Any, name: str) -> str:
    return f"exports.{name}" if place.scheme == "mysql" else name


def killed(shop: Shop, place: Any, name: str, *options: str) -> int:
    """Kill an export when its first rows are written; the exit code of its process."""
    command = [sys.executable, "-m", "foresell", "export", name, place.url, "--store", str(shop.folder.root)]
    environment = {**os.environ, "FORESELL_KILL_AT": "export.batch_written"}
    return subprocess.run([*command, *options], check=False, env=environment).returncode


def put(shop: Shop, name: str, rows: pl.DataFrame) -> None:
    columns = {
        "made_at": pl.lit(AT, pl.Datetime("us", "UTC")),
        "cutoff_at": pl.lit(AT, pl.Datetime("us", "UTC")),
    }
    write_results(shop, name, rows.with_columns(**columns), replaces={})


def put_scores(shop: Shop, number: int) -> None:
    rows = pl.DataFrame({"customer_id": [f"c{n:06}" for n in range(number)]}).with_columns(
        task=pl.lit("churn"),
        model=pl.lit("churn/1"),
        score=pl.Series([n / 7 for n in range(number)]),
        unit=pl.lit("probability"),
        lower=pl.lit(None, pl.Float64),
        upper=pl.lit(None, pl.Float64),
        is_chosen=pl.lit(True),
        reasons=pl.lit('{"recency": 0.5}'),
        horizon_days=pl.lit(90.0),
    )
    put(shop, "scores", rows)


def put_vectors(shop: Shop) -> None:
    rows = pl.DataFrame(
        {"entity_id": ["c1", "c2"], "vector": [[0.1, -1e-7, 3.0], [1.0, 2.0, 4.0]]},
        schema_overrides={"vector": pl.List(pl.Float32)},
    ).with_columns(entity_type=pl.lit("customer"), model=pl.lit("behavior/1"))
    put(shop, "embeddings", rows)


def test_tables_arrive_whole_and_a_killed_export_changes_nothing(
    place: Any, shop: Shop, foresell: Callable[..., Any]
) -> None:
    scores, vectors = table(place, "scores"), table(place, "vectors")
    store = ("--store", shop.folder.root, "--json")
    put_scores(shop, 100)
    answer = foresell("export", "scores", place.url, "--table", scores, *store)
    assert answer.code == 0, answer.err
    assert answer.answer["rows"] == 100
    assert "geheim" not in answer.out + answer.err

    put_scores(shop, NUM_CUSTOMERS)
    assert killed(shop, place, "scores", "--table", scores) == -signal.SIGKILL
    assert place.execute(f"SELECT count(*) FROM {scores}") == [(100,)]
    again = foresell("export", "scores", place.url, "--table", scores, *store)
    assert again.answer["rows"] == NUM_CUSTOMERS
    assert place.execute(f"SELECT count(*), min(customer_id), max(score) FROM {scores}") == [
        (NUM_CUSTOMERS, "c000000", (NUM_CUSTOMERS - 1) / 7)
    ]

    put_vectors(shop)
    assert foresell("export", "embeddings", place.url, "--table", vectors, *store).code == 0
    [(vector,)] = place.execute(f"SELECT vector FROM {vectors} WHERE entity_id = 'c1'")
    numbers = vector if isinstance(vector, list) else json.loads(vector)
    assert numbers == pytest.approx([0.1, -1e-7, 3.0], rel=1e-6)

    entries = foresell("export", "list", *store).answer["exports"]
    assert [one["outcome"] for one in entries] == ["finished", "open", "finished", "finished"]
    assert all(place.url.rpartition("@")[2] in one["target"] for one in entries)


def test_somebody_elses_table_is_kept_unless_it_is_said(
    place: Any, shop: Shop, foresell: Callable[..., Any]
) -> None:
    scores = table(place, "scores")
    put_scores(shop, 10)
    place.execute(f"CREATE TABLE {scores} (note VARCHAR(20))")
    command = ("export", "scores", place.url, "--table", scores, "--store", shop.folder.root, "--json")
    refused = foresell(*command)
    assert refused.code == 4
    assert "--replace" in refused.answer["do"]
    assert place.execute(f"SELECT count(*) FROM {scores}") == [(0,)]
    assert foresell(*command, "--replace").code == 0
    assert place.execute(f"SELECT count(*) FROM {scores}") == [(10,)]
