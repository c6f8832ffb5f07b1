"""Tables: keys, both kinds of time, and what is refused when one is declared wrongly."""

import pytest

from foresell.contracts.columns import SQL_TYPES, text, type_names
from foresell.contracts.tables import LINEAGE, TABLES, VALIDITY, Table


def test_every_table_records_where_a_row_came_from() -> None:
    for table in TABLES.values():
        assert table.columns[-len(LINEAGE) :] == LINEAGE


def test_versioned_tables_say_when_a_row_was_true() -> None:
    for table in TABLES.values():
        names = {column.name for column in table.columns}
        assert table.is_versioned == ({column.name for column in VALIDITY} <= names)


def test_a_local_date_stands_beside_every_main_time() -> None:
    for table in TABLES.values():
        assert ("local_date" in table.column) == (table.time_column is not None)
        assert table.time_column is None or table.column[table.time_column].type == "timestamp"


def test_a_key_must_be_a_column() -> None:
    with pytest.raises(ValueError, match="order_id"):
        Table("orders", "Orders.", key=("order_id",), own_columns=(text("id"),))


def test_a_column_cannot_be_declared_twice() -> None:
    with pytest.raises(ValueError, match="repeat"):
        Table("orders", "Orders.", key=("id",), own_columns=(text("id"), text("id")))


def test_a_key_is_required_even_where_its_column_does_not_say_so() -> None:
    table = Table("orders", "Orders.", key=("id",), own_columns=(text("id"), text("note")))
    assert table.column["id"].required
    assert not table.column["note"].required


def test_every_type_has_a_type_in_sql() -> None:
    assert set(SQL_TYPES) == set(type_names)
