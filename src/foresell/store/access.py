"""Accounts, keys and sessions in the state: names, roles and hashes; never a password or key itself."""

from dataclasses import dataclass
from datetime import UTC, datetime

from foresell.store.state import State

# Stores made before there were accounts lack these; they are made with the first.
TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, password_hash TEXT NOT NULL, made_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS api_keys (
    key_id TEXT PRIMARY KEY, name TEXT NOT NULL, secret_hash TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL,
    made_at TEXT NOT NULL, expires_at TEXT, revoked_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    session_hash TEXT PRIMARY KEY, account TEXT NOT NULL, csrf_hash TEXT NOT NULL, expires_at TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    role: str
    password_hash: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`key_id`: what lists and the audit log call it."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Session:
    account: str
    csrf_hash: str
    expires_at: datetime


class AccessTables:
    def __init__(self, state: State) -> None:
        self.state = state
        self._is_made = False

    def _make(self) -> None:
        if not self._is_made:
            with self.state.connect() as connection:
                connection.executescript(TABLES)
            self._is_made = True

    def add_account(self, account: Account) -> bool:
        """False where the name is taken."""
        self._make()
        values = [account.name, account.role, account.password_hash, account.made_at.isoformat()]
        with self.state.connect() as connection:
            done = connection.execute("INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?)", values)
            return done.rowcount == 1

    def change_account(self, name: str, *, role: str | None = None, password_hash: str | None = None) -> bool:
        """False for an unknown name. Its sessions end."""
        self._make()
        with self.state.connect() as connection:
            done = connection.execute(
                "UPDATE accounts SET role = coalesce(?, role), password_hash = coalesce(?, password_hash) "
                "WHERE name = ?",
                [role, password_hash, name],
            )
            connection.execute("DELETE FROM sessions WHERE account = ?", [name])
            return done.rowcount == 1

    def remove_account(self, name: str) -> bool:
        self._make()
        with self.state.connect() as connection:
            connection.execute("DELETE FROM sessions WHERE account = ?", [name])
            return connection.execute("DELETE FROM accounts WHERE name = ?", [name]).rowcount == 1

    def accounts(self) -> list[Account]:
        self._make()
        with self.state.reading() as connection:
            rows = connection.execute("SELECT name, role, password_hash, made_at FROM accounts ORDER BY name")
            return [Account(n, r, h, datetime.fromisoformat(at)) for n, r, h, at in rows]

    def account(self, name: str) -> Account | None:
        return next((one for one in self.accounts() if one.name == name), None)

    def add_key(self, key: ApiKey, secret_hash: str) -> None:
        self._make()
        expires = None if key.expires_at is None else key.expires_at.isoformat()
        values = [key.key_id, key.name, secret_hash, " ".join(key.scopes), key.made_at.isoformat(), expires]
        with self.state.connect() as connection:
            connection.execute("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, NULL)", values)

    def all_keys(self) -> list[ApiKey]:
        return self._keys("true", [])

    def key_of(self, secret_hash: str) -> ApiKey | None:
        return next(iter(self._keys("secret_hash = ?", [secret_hash])), None)

    def _keys(self, condition: str, values: list[str]) -> list[ApiKey]:
        self._make()
        with self.state.reading() as connection:
            rows = connection.execute(
                "SELECT key_id, name, scopes, made_at, expires_at, revoked_at FROM api_keys "
                f"WHERE {condition} ORDER BY made_at, key_id",
                values,
            ).fetchall()
        return [
            ApiKey(key_id, name, tuple(scopes.split()), datetime.fromisoformat(made), _at(ends), _at(revoked))
            for key_id, name, scopes, made, ends, revoked in rows
        ]

    def revoke_key(self, key_id: str) -> bool:
        """False for a key that is unknown or revoked already."""
        self._make()
        with self.state.connect() as connection:
            done = connection.execute(
                "UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL",
                [datetime.now(UTC).isoformat(), key_id],
            )
            return done.rowcount == 1

    def add_session(self, session_hash: str, session: Session) -> None:
        """Expired ones go at the same time."""
        self._make()
        values = [session_hash, session.account, session.csrf_hash, session.expires_at.isoformat()]
        with self.state.connect() as connection:
            connection.execute("DELETE FROM sessions WHERE expires_at < ?", [datetime.now(UTC).isoformat()])
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", values)

    def session_of(self, session_hash: str) -> Session | None:
        self._make()
        with self.state.reading() as connection:
            row = connection.execute(
                "SELECT account, csrf_hash, expires_at FROM sessions WHERE session_hash = ?", [session_hash]
            ).fetchone()
        return None if row is None else Session(row[0], row[1], datetime.fromisoformat(row[2]))

    def end_session(self, session_hash: str) -> None:
        self._make()
        with self.state.connect() as connection:
            connection.execute("DELETE FROM sessions WHERE session_hash = ?", [session_hash])


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
