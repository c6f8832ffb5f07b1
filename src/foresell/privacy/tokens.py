"""Keyed tokens: HMAC-SHA256 under the store's key (RFC 2104), in Python and inside DuckDB.

The key comes from FORESELL_KEY, else from a file outside the store that only its owner can read.
Without the key a token cannot be tied to an identifier, not even by trying all phone numbers.
"""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import DeniedError, InputError, NotFoundError
from foresell.privacy.nested import identified
from foresell.store.engine import literal, quoted

if TYPE_CHECKING:
    import duckdb

KEY_VARIABLE = "FORESELL_KEY"
KEY_BYTES = 32
BLOCK_BYTES = 64
TOKEN_DIGITS = 32


def key_file(store_id: str) -> Path:
    """Where the key of a store lies when the environment does not give it."""
    configured = os.environ.get("XDG_CONFIG_HOME")
    home = Path(configured) if configured else Path.home() / ".config"
    return home / "foresell" / "keys" / f"{store_id}.key"


def make_key(store_id: str) -> None:
    """Make a new store's key, unless the environment gives one."""
    if os.environ.get(KEY_VARIABLE):
        return
    path = key_file(store_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES))


def read_key(store_id: str) -> bytes:
    """The store's key. NotFoundError without one, DeniedError if others can read its file."""
    given = os.environ.get(KEY_VARIABLE)
    path = key_file(store_id)
    if not given:
        if not path.exists():
            raise NotFoundError(
                "This store's key is missing",
                received=f"no {KEY_VARIABLE} in the environment and no file {path}",
                do="Restore the key from your backup of it; without it new rows cannot be tied to old ones.",
            )
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise DeniedError("Others can read this store's key", received=path, do=f"Run: chmod 600 {path}")
        given = path.read_text().strip()
    try:
        key = bytes.fromhex(given)
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise InputError(
            "The store's key must be at least 64 hexadecimal digits",
            do='Make one with: python3 -c "import secrets; print(secrets.token_hex(32))"',
        )
    return key


def token(key: bytes, kind: str, value: str) -> str:
    """The token of one identifier: 32 hexadecimal digits."""
    return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()[:TOKEN_DIGITS]


def prepare_tokens(connection: "duckdb.DuckDBPyConnection", key: bytes) -> None:
    """Give a connection the two padded keys of HMAC, as variables: the key never stands in SQL."""
    block = (key if len(key) <= BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(BLOCK_BYTES, b"\0")
    connection.execute("SET VARIABLE token_inner = ?", [bytes(b ^ 0x36 for b in block)])
    connection.execute("SET VARIABLE token_outer = ?", [bytes(b ^ 0x5C for b in block)])


def token_sql(kind: str, expression: str) -> str:
    """A SQL expression equal to `token`, null for null, on a connection that was prepared."""
    message = f"encode({literal(kind + ':')} || CAST({expression} AS VARCHAR))"
    inner = f"unhex(sha256(getvariable('token_inner') || {message}))"
    return f"left(sha256(getvariable('token_outer') || {inner}), {TOKEN_DIGITS})"


NORMALIZE: Mapping[str, Callable[[str], str]] = {
    "email": lambda text: f"lower(trim({text}))",
    "phone": lambda text: f"regexp_replace({text}, '[^0-9+]', '', 'g')",
}


def _trimmed(text: str) -> str:
    return f"trim({text})"


def normalized_sql(kind: str, column: str) -> str:
    """An identifier in the form it is tokenized in, so that two spellings of one give one token."""
    text = f"CAST({quoted(column)} AS VARCHAR)"
    normalize = NORMALIZE.get(kind, _trimmed)
    return f"nullif({normalize(text)}, '')"


def tokenizing(identifiers: Mapping[str, str]) -> Callable[[Sequence[str]], Mapping[str, str]]:
    """The projection that puts tokens in the place of a file's direct identifiers.

    `identifiers`: source column → kind (see `nested` for other names). Kinds know their spelling: e-mail
    addresses are lower-cased, phone numbers reduced to digits, all trimmed.
    """

    def projection(columns: Sequence[str]) -> Mapping[str, str]:
        kinds = identified(identifiers, columns)
        return {column: token_sql(kind, normalized_sql(kind, column)) for column, kind in kinds.items()}

    return projection
