"""Identifiers inside JSON, wherever they lie."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.settings import EngineSettings
from foresell.privacy.nested import identified, replacing_nested
from foresell.privacy.tokens import prepare_tokens, token, tokenizing
from foresell.store.engine import connect, literal, quoted

KEY = b"k" * 32
NAMES = {
    "*.email": "email",
    "*.phone": "phone",
    "*.street": "address",
    "traits.name": "name",
    "context.ip": "ip",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    made = connect(EngineSettings(memory_limit="500MB", threads=1))
    prepare_tokens(made, KEY)
    yield made
    made.close()


def replaced(connection: duckdb.DuckDBPyConnection, row: Mapping[str, str | None]) -> dict[str, Any]:
    def of(kind: str, value: str) -> str:
        return token(KEY, kind, value)

    given = ", ".join(
        f"{'NULL::VARCHAR' if value is None else literal(value)} AS {quoted(name)}"
        for name, value in row.items()
    )
    with replacing_nested(connection, NAMES, of, tokenizing(NAMES)) as projection:
        selected = ", ".join(projection(list(row)).values())
        [values] = connection.execute(f"SELECT {selected} FROM (SELECT {given})").fetchall()
    return dict(zip(projection(list(row)), values, strict=True))


def test_columns_and_keys_by_name_at_any_depth(connection: duckdb.DuckDBPyConnection) -> None:
    jane, phone = token(KEY, "email", "jane@example.org"), token(KEY, "phone", "+15550101")
    found = replaced(
        connection,
        {
            "traits.Email": " Jane@Example.org ",
            "traits.name": "Jane Roe",
            "traits.plan": "gold",
            "context.traits": '{"e-mail": "JANE@example.org", "EMAIL": "jane@example.org", "plan": "gold"}',
            "properties": '{"to": [{"phone": "+1 555-0101"}, {"phone": 5550101}], "price": 9.50, "n": null}',
            "address": '{"street": {"line": "Larch Lane", "lines": 2, "known": true}, "country": "US"}',
            "params": '[{"key": "email", "value": {"string_value": "jane@example.org", "int_value": null}}]',
            "page": "https://example.org/?to=jane%40example.org&x=1",
            "title": "A phone",
            "nothing": None,
        },
    )
    assert found["traits.Email"] == jane
    assert found["traits.name"] == token(KEY, "name", "Jane Roe")
    assert found["traits.plan"] == "gold"
    assert json.loads(found["context.traits"]) == {"e-mail": jane, "EMAIL": jane, "plan": "gold"}
    number = token(KEY, "phone", "5550101")
    assert json.loads(found["properties"]) == {
        "to": [{"phone": phone}, {"phone": number}],
        "price": 9.5,
        "n": None,
    }
    street = {"line": token(KEY, "address", "Larch Lane"), "lines": token(KEY, "address", "2"), "known": True}
    assert json.loads(found["address"]) == {"street": street, "country": "US"}
    value = {"string_value": jane, "int_value": None}
    assert json.loads(found["params"]) == [{"key": "email", "value": value}]
    assert found["page"] == f"https://example.org/?to={jane}&x=1"
    assert (found["title"], found["nothing"]) == ("A phone", None)


def test_of_an_address_the_city_and_the_country_stay(connection: duckdb.DuckDBPyConnection) -> None:
    found = replaced(
        connection, {"traits.street": '{"line": "12 Larch Lane", "City": "Portland"}', "street": "12"}
    )
    assert json.loads(found["traits.street"]) == {
        "line": token(KEY, "address", "12 Larch Lane"),
        "City": "Portland",
    }
    assert found["street"] == token(KEY, "address", "12")


def test_a_path_reaches_below_a_column(connection: duckdb.DuckDBPyConnection) -> None:
    found = replaced(
        connection, {"context": '{"ip": "203.0.113.9", "page": {"ip": "x"}}', "traits": '{"name": "J"}'}
    )
    assert json.loads(found["context"]) == {"ip": token(KEY, "ip", "203.0.113.9"), "page": {"ip": "x"}}
    assert json.loads(found["traits"]) == {"name": token(KEY, "name", "J")}


def test_without_a_name_at_any_depth_columns_are_told_by_their_exact_names() -> None:
    assert identified({"email": "email"}, ["email", "E-mail"]) == {"email": "email"}
    assert identified({"*.email": "email"}, ["email", "E_mail", "user.email"]) == dict.fromkeys(
        ("email", "E_mail", "user.email"), "email"
    )


PLANTED = "zq7secret"
TREES = st.recursive(
    st.just(PLANTED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(tree=TREES, wrap=st.lists(st.sampled_from(["a", "list", "b"]), max_size=4))
def test_nothing_under_a_name_is_left(
    connection: duckdb.DuckDBPyConnection, tree: Any, wrap: list[str]
) -> None:
    value: Any = {"Email": tree}
    for step in wrap:
        value = [value] if step == "list" else {step: value, "other": 1}
    text = replaced(connection, {"properties": json.dumps(value)})["properties"]
    assert PLANTED not in text
