"""What PostgreSQL refuses, in our words. libpq's texts name host, user and database, never the password."""

from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, DeniedError, ForesellError, InputError, NotFoundError
from foresell.sources.sql.address import PASSWORD_VARIABLE, Address
from foresell.sources.sql.database import first_line

if TYPE_CHECKING:
    import psycopg


def not_connected(address: Address, error: "psycopg.Error") -> ForesellError:
    """Why there is no connection."""
    text = str(error)
    if "password authentication failed" in text or "no password supplied" in text:
        return DeniedError(
            f"{address.place} does not accept the password",
            received=f"user {address.user or '(none)'}",
            do=f"Set {PASSWORD_VARIABLE} (or PGPASSWORD) in the environment, or use ~/.pgpass.",
        )
    if "pg_hba.conf" in text or "permission denied" in text or "role" in text:
        return DeniedError(
            f"{address.place} lets nobody in who comes so",
            received=first_line(error),
            do="Check the user, the server's pg_hba.conf, and sslmode.",
        )
    if "database" in text and "does not exist" in text:
        return NotFoundError(f"There is no database {address.place}", do="Check its name in the URL.")
    return BackendError(
        f"{address.place} cannot be reached",
        received=first_line(error),
        do="Check host, port and network, and that the server runs.",
    )


def refused(address: Address, error: "psycopg.Error") -> ForesellError:
    import psycopg.errors as known

    said = first_line(error)
    if isinstance(error, known.InsufficientPrivilege | known.ReadOnlySqlTransaction):
        return DeniedError(
            f"{address.place} does not allow this",
            received=said,
            do="Grant the user SELECT on it.",
        )
    return InputError(
        f"{address.place} cannot read this", received=said, do="Check the query, the watermark and the key."
    )
