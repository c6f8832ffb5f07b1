"""Direct identifiers kept encrypted beside their tokens, where `privacy.keep_originals` asks for it."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError
from foresell.privacy.nested import Projection, identified, replacing_nested
from foresell.privacy.tokens import normalized_sql, token
from foresell.store.engine import literal
from foresell.store.state import State

if TYPE_CHECKING:
    import duckdb
    from cryptography.fernet import Fernet

BATCH_ROWS = 10_000


@contextmanager
def keeping_originals(
    connection: "duckdb.DuckDBPyConnection", identifiers: Mapping[str, str], state: State, key: bytes
) -> Iterator[Projection]:
    """A projection like `tokens.tokenizing` that also keeps what it replaces, encrypted, in the state."""
    cipher = _cipher(key)
    pending: dict[str, tuple[str, str, bytes]] = {}

    def flush() -> None:
        state.keep_originals(pending.values())
        pending.clear()

    def keep(kind: str, value: str) -> str:
        mark = token(key, kind, value)
        if mark not in pending:
            pending[mark] = (mark, kind, cipher.encrypt(value.encode()))
        if len(pending) >= BATCH_ROWS:
            flush()
        return mark

    def projection(columns: Sequence[str]) -> Mapping[str, str]:
        kinds = identified(identifiers, columns)
        return {c: f"keep_original({literal(k)}, {normalized_sql(k, c)})" for c, k in kinds.items()}

    connection.create_function("keep_original", keep, ["VARCHAR", "VARCHAR"], "VARCHAR", side_effects=True)
    with replacing_nested(connection, identifiers, keep, projection) as nested:
        yield nested
    flush()
    # Whatever was read last is read to its end: a function in use cannot be taken away, and one that
    # stays keeps its connection alive.
    connection.execute("SELECT 1").fetchall()
    connection.remove_function("keep_original")


def read_original(state: State, key: bytes, mark: str) -> str:
    """The identifier behind a token; NotFoundError where originals were not kept or are erased."""
    with reading_originals(state, key) as original:
        return original(mark)


@contextmanager
def reading_originals(state: State, key: bytes) -> Iterator[Callable[[str], str]]:
    """As `read_original`, of many tokens: what gives the identifier behind each."""
    cipher = _cipher(key)
    with state.reading() as connection:

        def original(mark: str) -> str:
            found = connection.execute("SELECT ciphertext FROM originals WHERE token = ?", [mark]).fetchone()
            if found is None:
                raise NotFoundError(
                    "No original is kept for this token",
                    received=mark,
                    do="Originals are kept only for imports made while privacy.keep_originals is true.",
                )
            return cipher.decrypt(bytes(found[0])).decode()

        yield original


def _cipher(key: bytes) -> "Fernet":
    """AES-128-CBC with HMAC (Fernet), under a key derived from the store's for this use alone."""
    from cryptography.fernet import Fernet

    derived = hashlib.sha256(b"foresell originals" + key).digest()
    return Fernet(base64.urlsafe_b64encode(derived))
