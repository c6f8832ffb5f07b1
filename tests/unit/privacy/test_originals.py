"""Kept originals: readable with the key, unreadable without, gone when forgotten."""

from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken

from foresell.contracts.errors import NotFoundError
from foresell.contracts.settings import EngineSettings
from foresell.privacy.originals import keeping_originals, read_original
from foresell.privacy.tokens import token
from foresell.store.engine import connect
from foresell.store.state import State

KEY = bytes(range(32))
EMAIL = "ann.lee@example.org"


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state.sqlite")
    made.create("shop")
    return made


def keep(state: State, *values: str | None) -> list[str | None]:
    with (
        connect(EngineSettings()) as connection,
        keeping_originals(connection, {"mail": "email"}, state, KEY) as projection,
    ):
        sql = projection(["mail", "other"])["mail"]
        rows = connection.execute(
            f"SELECT {sql} FROM (SELECT unnest(?::VARCHAR[]) AS mail)", [list(values)]
        ).fetchall()
    return [mark for (mark,) in rows]


def test_what_is_kept_can_be_read_by_its_token(state: State) -> None:
    mark = token(KEY, "email", EMAIL)
    assert keep(state, " Ann.Lee@example.org", EMAIL, None) == [mark, mark, None]
    assert read_original(state, KEY, mark) == EMAIL
    assert state.original_tokens() == [mark]


def test_the_file_does_not_hold_it_in_clear(state: State) -> None:
    keep(state, EMAIL)
    held = b"".join(path.read_bytes() for path in state.path.parent.iterdir())
    assert EMAIL.encode() not in held


def test_another_key_opens_nothing(state: State) -> None:
    [mark] = keep(state, EMAIL)
    with pytest.raises(InvalidToken):
        read_original(state, KEY[::-1], str(mark))


def test_a_forgotten_original_is_not_found(state: State) -> None:
    [mark] = keep(state, EMAIL)
    state.forget_originals([str(mark)])
    with pytest.raises(NotFoundError, match="No original is kept"):
        read_original(state, KEY, str(mark))
