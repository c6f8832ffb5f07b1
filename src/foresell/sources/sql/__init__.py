"""Databases as sources: which there are, and the module that speaks to each, imported when it is used."""

from importlib import import_module
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from foresell.sources.sql.address import Address
    from foresell.sources.sql.database import Database

# The scheme of a URL → the module that opens such a database.
DATABASES = {
    "postgresql": "foresell.sources.sql.postgresql",
    "postgres": "foresell.sources.sql.postgresql",
    "mysql": "foresell.sources.sql.mysql",
    "mariadb": "foresell.sources.sql.mysql",
    "sqlite": "foresell.sources.sql.sqlite",
}


def is_database(source: str) -> bool:
    """Whether what is to be imported is the URL of a database rather than a file."""
    return "://" in source


def open_database(address: "Address") -> "Database":
    """A connection to a database, in a transaction that only reads.

    Errors: InputError (unknown scheme or option, missing driver), DeniedError (wrong password, no
    permission), BackendError (cannot be reached).
    """
    if address.scheme not in DATABASES:
        raise InputError(
            f"There is no kind of database '{address.scheme}'", do=did_you_mean(address.scheme, DATABASES)
        )
    opened: Database = import_module(DATABASES[address.scheme]).open_database(address)
    return opened
