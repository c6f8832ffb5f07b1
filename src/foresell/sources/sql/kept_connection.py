"""A connection for one pass after another: making one is dear beside reading what a day has changed."""

from foresell.sources.sql import open_database
from foresell.sources.sql.address import Address
from foresell.sources.sql.database import ConnectionLostError, Database


class KeptConnection:
    """At most one connection to a database, at rest between two passes. Close it at the end."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._database: Database | None = None

    def take(self) -> Database:
        """The connection at rest, with another view of the data, or a new one. Errors: as `open_database`."""
        database, self._database = self._database, None
        if database is not None:
            try:
                database.renew()
            except ConnectionLostError:
                database.close()
            else:
                return database
        return open_database(self._address)

    def keep(self, database: Database) -> None:
        """Take a connection whose stream was read to its end, unless keeping it makes others wait."""
        self.close()
        if database.is_reader_blocking:
            database.close()
        else:
            self._database = database

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = None
