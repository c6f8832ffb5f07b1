from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from foresell.contracts.errors import InputError
from foresell.contracts.settings import make_settings
from foresell.contracts.tables import TABLES
from foresell.sources import PRESETS
from foresell.sources.mapping import Field, Mapping, Rule, Target, with_identities
from foresell.sources.normalize import (
    identifier_expressions,
    missing_columns,
    normalize_sql,
    require_columns,
)

NEW_YORK = make_settings({"store": {"time_zone": "America/New_York", "currency": "USD"}})


def normalized(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, target: Target, rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    columns = {name: "VARCHAR" for row in rows for name in row}
    named = ", ".join(f'"{name}" VARCHAR' for name in columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE given ({named}, _row_number BIGINT)")
    marks = ", ".join("?" for _ in range(len(columns) + 1))
    for number, row in enumerate(rows, 1):
        connection.execute(f"INSERT INTO given VALUES ({marks})", [*(row.get(n) for n in columns), number])
    select = normalize_sql(target, mapping, columns, "given", NEW_YORK)
    found = connection.execute(f"SELECT * FROM ({select}) ORDER BY _row_number")
    names = [item[0] for item in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def column(name: str, **options: Any) -> Field:
    return Field(columns=(name,), **options)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_columns_and_types_are_those_of_the_contract(
    connection: duckdb.DuckDBPyConnection, table: str
) -> None:
    contract = TABLES[table]
    mapping = PRESETS[table].mappings[table]
    columns = {column.name: "VARCHAR" for column in contract.own_columns}
    named = ", ".join(f'CAST(NULL AS VARCHAR) AS "{name}"' for name in columns)
    select = normalize_sql(
        mapping.targets[0], mapping, columns, f"(SELECT {named}, 1::BIGINT AS _row_number)", NEW_YORK
    )
    described = connection.execute(f"DESCRIBE {select}").fetchall()
    sql_types = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    expected = [(c.name, sql_types.get(c.sql_type, c.sql_type)) for c in contract.own_columns]
    expected += [("local_date", "DATE")] if contract.time_column else []
    expected += [("valid_from", "TIMESTAMP WITH TIME ZONE")] if contract.is_versioned else []
    expected += [("_row_number", "BIGINT")]
    expected += [(name, "VARCHAR") for name in ("_error_code", "_error_column", "_error_message")]
    assert [(row[0], row[1]) for row in described] == expected


def test_a_row_is_typed_localized_and_completed(connection: duckdb.DuckDBPyConnection) -> None:
    mapping = PRESETS["orders"].mappings["orders"]
    [row] = normalized(
        connection,
        mapping,
        mapping.targets[0],
        [
            {
                "order_id": " 007 ",
                "created_at": "2017-01-01T03:00:00Z",
                "total_amount": "12.50",
                "is_test": "no",
            }
        ],
    )
    assert (row["order_id"], row["currency"], row["total_amount"]) == ("007", "USD", Decimal("12.5000"))
    assert row["created_at"] == datetime(2017, 1, 1, 3, tzinfo=UTC)
    assert (row["local_date"], row["is_test"], row["_error_code"]) == (date(2016, 12, 31), False, None)


def test_faults_name_the_source_column_and_the_first_wins(connection: duckdb.DuckDBPyConnection) -> None:
    target = Target(
        "orders",
        {"order_id": column("Order No"), "created_at": column("Date"), "total_amount": column("Total")},
        is_primary=True,
    )
    rows = [
        {"Order No": "1", "Date": "2024-01-01", "Total": "1"},
        {"Order No": "2", "Date": "soon", "Total": "much"},
        {"Order No": "", "Date": "2024-01-01", "Total": "1"},
    ]
    found = normalized(connection, Mapping("t", (target,)), target, rows)
    assert [(row["_error_code"], row["_error_column"]) for row in found] == [
        (None, None),
        ("invalid_time", "Date"),
        ("missing_required", "Order No"),
    ]
    assert "2024-02-29" in found[1]["_error_message"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("status", "Fulfilled", ("shipped", None)),
        ("status", "weird", (None, "unknown_status")),
        ("currency", "eur", ("EUR", None)),
        ("currency", "$", (None, "unknown_currency")),
        ("currency", "", (None, "missing_required")),
        ("is_test", "maybe", (None, "invalid_boolean")),
    ],
)
def test_closed_vocabularies(
    connection: duckdb.DuckDBPyConnection, name: str, text: str, expected: tuple[object, str | None]
) -> None:
    mapping = PRESETS["orders"].mappings["orders"]
    rows = [{"order_id": "1", "created_at": "2024-01-01", "currency": "EUR", name: text}]
    [row] = normalized(connection, mapping, mapping.targets[0], rows)
    assert (row[name], row["_error_code"]) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("view_item", "view_item"),
        ("Product Viewed", "view_item"),
        ("Order Completed", "purchase"),
        ("bogus", None),
    ],
)
def test_event_names_of_segment_are_understood(typed: Any, text: str, name: str | None) -> None:
    assert typed("events.event_name", [text]) == [(name, None if name else "unknown_event_name")]


def test_ids_stored_as_floats_have_no_point_and_text_ids_stay_verbatim(typed: Any) -> None:
    ids = typed("customers.customer_id", [17850.0, 1.5, None], sql_type="DOUBLE")
    assert ids == [("17850", None), ("1.5", None), (None, "missing_required")]
    texts = typed("customers.customer_id", ["0042", "\u00a012 ", "a\x00b", "商品😀"])
    assert [text for text, _ in texts] == ["0042", "12", "ab", "商品😀"]


def test_value_maps_null_words_and_true_words(typed: Any) -> None:
    assert typed("orders.status", ["versandt"], values={"versandt": "shipped"}) == [("shipped", None)]
    assert typed("customers.city", ["k.A.", "Ulm"], null_words=("k.A.",)) == [(None, None), ("Ulm", None)]
    assert typed(
        "customers.accepts_marketing", ["Ja", "nein"], true_words=("ja",), false_words=("nein",)
    ) == [
        (True, None),
        (False, None),
    ]


def test_json_is_checked(typed: Any) -> None:
    assert typed("customers.attributes", ['{"a": 1}', "{a", ""]) == [
        ('{"a": 1}', None),
        (None, "invalid_json"),
        (None, None),
    ]


def test_primaries_partition_the_rows_and_rules_quarantine(connection: duckdb.DuckDBPyConnection) -> None:
    base = {"created_at": column("at"), "amount": column("sum")}
    refunds = Target("refunds", {"refund_id": column("id"), **base}, is_primary=True, when="kind = 'R'")
    lines = Target(
        "order_lines",
        {
            "order_line_id": Field(columns=("id", "kind")),
            "order_id": column("id"),
            "product_id": column("kind"),
            "quantity": column("n"),
            "line_amount": Field(columns=("n", "sum"), sql="{quantity} * {unit_price}"),
            "unit_price": column("sum"),
        },
        is_primary=True,
        when="kind IN ('R', 'S')",
        rules=(Rule("negative_quantity", "n", "{quantity} < 0", "…"),),
    )
    mapping = Mapping("t", (refunds, lines))
    rows = [
        {"id": "1", "kind": "R", "at": "2024-01-01", "sum": "5", "n": "1"},
        {"id": "2", "kind": "S", "at": "2024-01-01", "sum": "5", "n": "2"},
        {"id": "3", "kind": "S", "at": "2024-01-01", "sum": "5", "n": "-2"},
        {"id": "4", "kind": "?", "at": "2024-01-01", "sum": "5", "n": "1"},
        {"id": "5", "kind": None, "at": "2024-01-01", "sum": "5", "n": "1"},
    ]
    assert [row["_row_number"] for row in normalized(connection, mapping, refunds, rows)] == [1]
    sold = normalized(connection, mapping, lines, rows)
    assert [(row["_row_number"], row["line_amount"], row["_error_code"]) for row in sold] == [
        (2, Decimal("10.0000"), None),
        (3, Decimal("-10.0000"), "negative_quantity"),
    ]
    assert sold[0]["order_line_id"] == "2-S"


def test_identities_are_pairs_of_token_and_customer(connection: duckdb.DuckDBPyConnection) -> None:
    target = Target("customers", {"customer_id": column("id")}, is_primary=True)
    mapping = with_identities(Mapping("t", (target,), identifiers={"mail": "email"}))
    rows = [{"id": "1", "mail": "token"}, {"id": "2", "mail": None}, {"id": None, "mail": "token2"}]
    found = normalized(connection, mapping, mapping.targets[1], rows)
    assert [(row["id_type"], row["id_token"], row["customer_id"]) for row in found] == [
        ("email", "token", "1")
    ]


def test_a_renamed_column_is_named_with_its_likely_successor() -> None:
    target = Target(
        "orders", {"order_id": column("Order No"), "created_at": column("Date", is_optional=True)}
    )
    mapping = Mapping("shop", (target,))
    assert missing_columns(target, ["Order Nr", "Total"]) == ["Order No"]
    with pytest.raises(InputError, match=r"no column 'Order No'.*closest it has: Order Nr"):
        require_columns(target, mapping, ["Order Nr", "Total"], where="orders.csv")
    require_columns(target, mapping, ["Order No"], where="orders.csv")


def test_identifiers_are_given_whole_for_erasure(connection: duckdb.DuckDBPyConnection) -> None:
    target = Target("orders", {"order_id": column("no"), "customer_id": Field(columns=("shop", "id"))})
    found = identifier_expressions(
        Mapping("t", (target,)), {"no": "DOUBLE", "shop": "VARCHAR", "id": "BIGINT"}
    )
    [whole] = found["customer_id"]
    [order] = found["order_id"]
    row = connection.execute(f"SELECT {whole}, {order} FROM (SELECT 7.0::DOUBLE AS no, 'a' AS shop, 5 AS id)")
    assert row.fetchone() == ("a-5", "7")


def test_a_row_that_retires_its_key_needs_no_more_than_the_key(connection: duckdb.DuckDBPyConnection) -> None:
    target = Target("order_lines", {"order_line_id": column("id")}, is_primary=True, is_retired=True)
    rows = normalized(connection, Mapping("repairs", (target,)), target, [{"id": "l1"}, {"id": ""}])
    assert [(row["order_line_id"], row["_error_code"]) for row in rows] == [
        ("l1", None),
        (None, "missing_required"),
    ]
