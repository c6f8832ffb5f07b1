"""Events of a shop that never was, as Parquet files of the canonical tables; the same for the same sizes."""

from pathlib import Path

import duckdb

from foresell.contracts.tables import TABLES
from foresell.store.engine import literal, quoted

PRODUCTS = 20_000
DAYS = 180
FIRST = "2026-01-01 00:00:00+00"
# Of an event's number, a different draw for each purpose.
DRAW = "(hash(i, {purpose}) % 1000000) / 1e6"


def write(folder: Path, customers: int, events: int) -> dict[str, Path]:
    """The files by table. Every customer has as many events, in visits of eight; a fifth of a day apart."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}-{customers}-{events}.parquet" for name in ("events", "products")}
    if all(path.exists() for path in files.values()):
        return files
    with duckdb.connect() as connection:
        connection.execute(
            "SET TimeZone = 'UTC'; SET memory_limit = '4GB'; SET preserve_insertion_order = false"
        )
        _copy(connection, "products", _products(), files["products"])
        _copy(connection, "events", _events(customers, events), files["events"])
    return files


def _copy(connection: duckdb.DuckDBPyConnection, name: str, rows: str, path: Path) -> None:
    known = [column[0] for column in connection.sql(f"SELECT * FROM ({rows}) LIMIT 0").description]
    columns = ", ".join(
        f"CAST({quoted(c.name) if c.name in known else 'NULL'} AS {c.sql_type}) AS {quoted(c.name)}"
        for c in TABLES[name].columns
    )
    unfinished = path.with_suffix(".new")
    connection.execute(
        f"COPY (SELECT {columns} FROM ({rows})) TO {literal(str(unfinished))} (FORMAT parquet)"
    )
    unfinished.replace(path)


def _products() -> str:
    return f"""
        SELECT 'p' || i AS product_id, 'category ' || (i % 12) AS category, false AS is_service,
            'made up' AS source, 'run' AS ingest_run_id, TIMESTAMPTZ '{FIRST}' AS recorded_at
        FROM range({PRODUCTS}) t(i)"""


def _events(customers: int, events: int) -> str:
    draw = {purpose: DRAW.format(purpose=purpose) for purpose in range(1, 7)}
    each = events // customers
    return f"""
        WITH drawn AS (
            SELECT i, i % {customers} AS customer, i // {customers} AS place,
                hash(i % {customers}, i // {customers} // 8) % {DAYS * 86_400 - 7_200} AS session_second
            FROM range({each * customers}) t(i)
        )
        SELECT 'e' || i AS event_id, 'customer ' || customer AS customer_id,
            's' || customer || '-' || (place // 8) AS session_id,
            CASE WHEN {draw[1]} < .7 THEN 'view_item' WHEN {draw[1]} < .85 THEN 'add_to_cart'
                WHEN {draw[1]} < .93 THEN 'search' ELSE 'purchase' END AS event_name,
            TIMESTAMPTZ '{FIRST}' + to_seconds(session_second + (place % 8) * 97) AS occurred_at,
            CAST(TIMESTAMPTZ '{FIRST}' + to_seconds(session_second + (place % 8) * 97) AS DATE) AS local_date,
            'p' || CAST(floor({PRODUCTS} * pow({draw[2]}, 2)) AS INTEGER) AS product_id,
            CASE WHEN {draw[3]} < .6 THEN 'mobile' ELSE 'desktop' END AS device_type,
            CASE WHEN {draw[4]} < .3 THEN 'mail' WHEN {draw[4]} < .5 THEN 'search' END AS utm_source,
            'made up' AS source, 'run' AS ingest_run_id, TIMESTAMPTZ '{FIRST}' AS recorded_at
        FROM drawn"""
