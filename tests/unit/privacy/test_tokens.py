"""Tokens: the same in Python and in SQL, the same for two spellings, and worth nothing without the key."""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import DeniedError, InputError, NotFoundError
from foresell.contracts.settings import EngineSettings
from foresell.privacy.tokens import (
    key_file,
    make_key,
    normalized_sql,
    prepare_tokens,
    read_key,
    token,
    token_sql,
    tokenizing,
)
from foresell.store.engine import connect

KEY = bytes(range(32))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(EngineSettings()) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("FORESELL_KEY", raising=False)
    return tmp_path


def in_sql(connection: duckdb.DuckDBPyConnection, key: bytes, kind: str, value: str | None) -> str | None:
    prepare_tokens(connection, key)
    [(found,)] = connection.execute(f"SELECT {token_sql(kind, '$1::VARCHAR')}", [value]).fetchall()
    return found


def test_sql_gives_the_token_that_python_gives(connection: duckdb.DuckDBPyConnection) -> None:
    """Also for keys longer than a block of SHA-256, which HMAC hashes first."""

    @given(key=st.binary(min_size=32, max_size=200), kind=st.sampled_from(["email", "o'kind"]), value=TEXTS)
    def holds(key: bytes, kind: str, value: str) -> None:
        assert in_sql(connection, key, kind, value) == token(key, kind, value)

    holds()


def test_a_token_is_hmac_sha256_and_depends_on_key_kind_and_value() -> None:
    expected = hmac.new(KEY, b"email:a@b.example", hashlib.sha256).hexdigest()[:32]
    assert token(KEY, "email", "a@b.example") == expected
    others = [token(KEY, "phone", "a@b.example"), token(KEY[::-1], "email", "a@b.example")]
    assert expected not in [*others, token(KEY, "email", "a@b.example ")]


def test_null_has_no_token(connection: duckdb.DuckDBPyConnection) -> None:
    assert in_sql(connection, KEY, "email", None) is None


@pytest.mark.parametrize(
    ("kind", "spelled", "normal"),
    [
        ("email", "  Ann.Lee@Example.ORG ", "ann.lee@example.org"),
        ("phone", "+49 (170) 555-0198", "+491705550198"),
        ("phone", "0170/555 0198", "01705550198"),
        ("name", " Ann Lee ", "Ann Lee"),
        ("email", "   ", None),
        ("phone", "n/a", None),
    ],
)
def test_two_spellings_of_one_identifier_give_one_token(
    connection: duckdb.DuckDBPyConnection, kind: str, spelled: str, normal: str | None
) -> None:
    [(found,)] = connection.execute(
        f"SELECT {normalized_sql(kind, 'given')} FROM (SELECT ?::VARCHAR AS given)", [spelled]
    ).fetchall()
    assert found == normal


def test_a_projection_replaces_identifiers_and_nothing_else(connection: duckdb.DuckDBPyConnection) -> None:
    projection = tokenizing({"E-Mail": "email", "absent": "phone"})(["order", "E-Mail"])
    assert list(projection) == ["E-Mail"]
    prepare_tokens(connection, KEY)
    [(found,)] = connection.execute(
        f"""SELECT {projection["E-Mail"]} FROM (SELECT ' A@B.example' AS "E-Mail")"""
    ).fetchall()
    assert found == token(KEY, "email", "a@b.example")


def test_a_key_is_made_once_and_only_its_owner_reads_it(home: Path) -> None:
    make_key("shop")
    path = key_file("shop")
    assert path.is_relative_to(home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    assert len(read_key("shop")) == 32
    make_key("another")
    assert read_key("shop") != read_key("another")
    with pytest.raises(FileExistsError):
        make_key("shop")


@pytest.mark.usefixtures("home")
def test_a_missing_key_says_where_it_was_looked_for() -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.key") as caught:
        read_key("nowhere")
    assert "FORESELL_KEY" in caught.value.message


@pytest.mark.usefixtures("home")
def test_a_key_that_others_can_read_is_refused() -> None:
    make_key("shop")
    key_file("shop").chmod(0o640)
    with pytest.raises(DeniedError, match="chmod 600"):
        read_key("shop")


def test_the_environment_gives_the_key_and_no_file_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_KEY", KEY.hex())
    make_key("shop")
    assert read_key("shop") == KEY
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("given", ["abc", "zz" * 32, "00" * 31])
def test_a_key_that_is_none_is_refused_without_showing_it(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORESELL_KEY", given)
    with pytest.raises(InputError) as caught:
        read_key("shop")
    assert given not in caught.value.message
