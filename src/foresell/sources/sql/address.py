"""Where a database is: a URL without a password, which comes from the environment alone."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from foresell.contracts.errors import InputError, did_you_mean

PASSWORD_VARIABLE = "FORESELL_SOURCE_PASSWORD"  # noqa: S105
SECRET_WORD = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """A database's address. `database`: its name, or the path of a file. `options`: what follows the `?`."""

    scheme: str
    host: str | None
    port: int | None
    user: str | None
    database: str
    options: Mapping[str, str]

    @property
    def place(self) -> str:
        """The address without user and options: the same for everybody who reads this database."""
        where = f"{self.host or ''}{f':{self.port}' if self.port else ''}"
        return f"{self.scheme}://{where}/{self.database}"

    def require_options(self, known: Sequence[str]) -> None:
        """Raise InputError for an option that this kind of database does not take."""
        for name in self.options:
            if name not in known:
                raise InputError(f"The URL has an unknown option '{name}'", do=did_you_mean(name, known))


def read_address(url: str) -> Address:
    """The address of a URL such as `postgresql://user@host:5432/shop?sslmode=require`.

    Raises InputError where it is none, and where it holds a password. The URL is never repeated in a
    message: it may hold one.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise InputError(
            "This is not the URL of a database", do="Write: postgresql://user@host:5432/database"
        ) from error
    if parts.password is not None or any(SECRET_WORD.search(name) for name in options):
        raise InputError(
            "The URL holds a password, which would stay in the shell's history and in lists of processes",
            do=f"Leave it out of the URL and set {PASSWORD_VARIABLE}{_own_variable(parts.scheme)} "
            "in the environment.",
        )
    if not parts.path.strip("/"):
        raise InputError(
            "The URL names no database", do="Write it after the host: postgresql://user@host:5432/database"
        )
    # sqlite:///shop.db is beside us, sqlite:////data/shop.db is not.
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        user=None if parts.username is None else unquote(parts.username),
        database=unquote(parts.path.removeprefix("/")),
        options=options,
    )


def given_password(own_variable: str) -> str | None:
    """The password in the environment: ours, else the one that the database's own tools read."""
    return os.environ.get(PASSWORD_VARIABLE) or os.environ.get(own_variable)


def _own_variable(scheme: str) -> str:
    own = {"postgresql": "PGPASSWORD", "postgres": "PGPASSWORD", "mysql": "MYSQL_PWD", "mariadb": "MYSQL_PWD"}
    return f" (or {own[scheme]})" if scheme in own else ""
