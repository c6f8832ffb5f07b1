"""Every type a shop may keep its data in arrives as it is meant, or is refused with its reason."""

from typing import Any

import pytest

POSTGRES = """
CREATE TYPE mood AS ENUM ('paid', 'shipped');
CREATE TABLE orders (
    order_id bigint PRIMARY KEY, small smallint, flag boolean, price numeric(30, 10), any_price numeric,
    ratio double precision, born date, naive timestamp, zoned timestamptz, mood mood, tags text[],
    doc jsonb, raw bytea, id uuid, cash money, network inet, note text, updated_at timestamptz
);
INSERT INTO orders VALUES
    (9007199254740993, 1, true, 12345678901234567890.0123456789, 0.1, 0.1, '2024-02-29',
     '2024-03-01 10:00:00.123456', '2024-03-01 10:00:00.123456+02', 'paid', '{"a","b,c"}', '{"x": [1,
     null]}',
     '\\xdead', '00000000-0000-0000-0000-000000000001', 12.34, '10.0.0.1',
     E'tab\\t "quoted", line\\nnext — 中文 🛒',
     '2024-03-01 10:00:00+00'),
    (2, NULL, NULL, NULL, 'NaN', 'NaN', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '',
     '2024-03-01 11:00:00+00'),
    (3, -1, false, -0.0000000001, 1e40, '-Infinity', 'infinity', NULL, NULL, 'shipped', '{}', 'null',
     '', NULL,
     -1, NULL, '\\.', '2024-03-01 12:00:00+00')
"""
MYSQL = """
SET time_zone = '+02:00';
CREATE TABLE orders (
    order_id BIGINT UNSIGNED PRIMARY KEY, flag TINYINT(1), tiny TINYINT UNSIGNED, medium MEDIUMINT,
     bits BIT(9),
    price DECIMAL(30, 10), ratio DOUBLE, single_ratio FLOAT, born DATE, naive DATETIME(6),
     zoned TIMESTAMP(3) NULL,
    mood ENUM('paid', 'shipped'), labels SET('a', 'b'), doc JSON, raw VARBINARY(8), year_made YEAR, at TIME,
    note TEXT CHARACTER SET utf8mb4, old_note VARCHAR(20) CHARACTER SET latin1, updated_at DATETIME
);
INSERT INTO orders VALUES
    (18446744073709551615, 1, 255, -8388608, b'100000001', 12345678901234567890.0123456789, 0.1, 0.5,
     '2024-02-29',
     '2024-03-01 10:00:00.123456', '2024-03-01 12:00:00.123', 'paid', 'a,b', '{"x": [1, null]}',
     X'DEAD', 2024,
     '-12:30:00', 'tab\\t "quoted", line\\nnext — 中文 🛒', 'Größe', '2024-03-01 10:00:00'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '0000-00-00', '0000-00-00 00:00:00', NULL, NULL,
     NULL, NULL, NULL,
     NULL, NULL, '', NULL, '2024-03-01 11:00:00')
"""


def raw_rows(world: Any) -> list[dict[str, Any]]:
    import duckdb

    parts = str(world.shop.folder.raw.root / "*" / "part-*.parquet")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.execute(
            f"SELECT * FROM read_parquet('{parts}', union_by_name=true) ORDER BY updated_at"
        )
        names = [column[0] for column in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def raw_types(world: Any) -> dict[str, str]:
    import duckdb

    parts = str(world.shop.folder.raw.root / "*" / "part-*.parquet")
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{parts}')").fetchall()
        return {row[0]: row[1] for row in described}


def import_as_it_is(world: Any) -> None:
    world.mapping.write_text(
        'name = "types"\ntime_zone = "Europe/Berlin"\n[source]\ntable = "orders"\nwatermark = "updated_at"\n'
        "[tables.orders.columns]\n"
        'order_id = "order_id"\ncreated_at = "naive"\nstatus = "mood"\n'
    )
    world.import_orders()


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql(world: Any) -> None:
    world.execute("DROP TYPE IF EXISTS mood CASCADE")
    world.execute(POSTGRES)
    import_as_it_is(world)
    first, second, third = raw_rows(world)
    assert first["order_id"] == 9007199254740993
    assert str(first["price"]) == "12345678901234567890.0123456789"
    assert first["any_price"] == "0.1"
    assert first["ratio"] == 0.1
    assert (first["flag"], first["small"]) == (True, 1)
    # 'infinity' is no day: the column stays as the database writes it.
    assert (first["born"], third["born"]) == ("2024-02-29", "infinity")
    assert first["naive"].isoformat() == "2024-03-01T10:00:00.123456"
    assert first["zoned"].isoformat() == "2024-03-01T08:00:00.123456+00:00"
    assert (first["mood"], first["tags"], first["doc"]) == ("paid", '["a","b,c"]', '{"x": [1, null]}')
    assert (first["raw"], first["id"]) == ("dead", "00000000-0000-0000-0000-000000000001")
    assert (first["cash"], first["network"]) == ("12.34", "10.0.0.1")
    assert first["note"] == 'tab\t "quoted", line\nnext — 中文 🛒'
    assert second["note"] == ""
    assert {name for name, value in second.items() if value is not None} == {
        *("order_id", "any_price", "ratio", "note", "updated_at"),
    }
    assert (third["note"], third["raw"], third["tags"], third["doc"]) == ("\\.", "", "[]", "null")
    assert str(third["price"]) == "-1E-10"
    types = raw_types(world)
    assert types["price"] == "DECIMAL(30,10)"
    assert types["zoned"] == "TIMESTAMP WITH TIME ZONE"
    # A time without a zone is the shop's own.
    created = {row[0]: row[1] for row in world.believed("order_id, created_at")}
    assert created["9007199254740993"].isoformat() == "2024-03-01T09:00:00.123456+00:00"


@pytest.mark.mariadb
@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_mysql(world: Any) -> None:
    world.execute(MYSQL)
    import_as_it_is(world)
    first, second = raw_rows(world)
    assert first["order_id"] == 18446744073709551615
    assert (first["flag"], first["tiny"], first["medium"], first["bits"]) == (1, 255, -8388608, 257)
    assert str(first["price"]) == "12345678901234567890.0123456789"
    assert (first["ratio"], first["single_ratio"]) == (0.1, 0.5)
    assert first["born"].isoformat() == "2024-02-29"
    assert first["naive"].isoformat() == "2024-03-01T10:00:00.123456"
    assert first["zoned"].isoformat() == "2024-03-01T10:00:00.123000+00:00"
    assert (first["mood"], first["labels"], first["raw"]) == ("paid", "a,b", "dead")
    assert first["doc"] == '{"x": [1, null]}'
    assert (first["year_made"], first["at"]) == (2024, "-12:30:00")
    assert first["note"] == 'tab\t "quoted", line\nnext — 中文 🛒'
    assert first["old_note"] == "Größe"
    # 0000-00-00 says that there is no date.
    assert {name for name, value in second.items() if value is not None} == {"order_id", "note", "updated_at"}
    assert raw_types(world)["order_id"] == "UBIGINT"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite(world: Any) -> None:
    world.execute(
        "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, mood, price DECIMAL(12,2), raw BLOB, naive, "
        "updated_at); INSERT INTO orders VALUES "
        "(1, 'paid', 19.99, x'dead', '2024-03-01 10:00:00', '2024-03-01T10:00:00Z'),"
        "(2, 7, 1e15, NULL, NULL, '2024-03-01T11:00:00.5Z')"
    )
    import_as_it_is(world)
    first, second = raw_rows(world)
    assert (first["order_id"], first["price"], first["raw"]) == ("1", "19.99", "dead")
    assert (second["mood"], second["price"]) == ("7", "1000000000000000")
