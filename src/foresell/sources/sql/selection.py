"""What to read of a database, from the command line or the `[source]` table of a mapping.

[source]
table = "public.orders"        # or: query = "SELECT … FROM …"
watermark = "updated_at"       # a column that grows with every change of a row
key = ["order_id"]             # rows with the same watermark are ordered by it; default: the primary key
overlap = "1 hour"             # how long before the last watermark the next import begins
batch_rows = 100000            # rows an import keeps at once
"""

import hashlib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from typing import Any

from foresell.contracts.errors import InputError, did_you_mean
from foresell.sources.sql.position import check_overlap

BATCH_ROWS = 100_000
KEYS = ("table", "query", "watermark", "key", "overlap", "batch_rows")


@dataclass(frozen=True, slots=True)
class Selection:
    """A table or a query, and the columns that tell what of it is new; see the module for each.

    Without a watermark every import reads everything.
    """

    table: str | None = None
    query: str | None = None
    watermark: str | None = None
    key: tuple[str, ...] = ()
    overlap: str | None = None
    batch_rows: int = BATCH_ROWS

    def __post_init__(self) -> None:
        if (self.table is None) == (self.query is None):
            raise InputError(
                "What to read of the database is not said, or said twice",
                do="Give either a table (--table public.orders) or a query (--query 'SELECT …'), "
                "or in the mapping: [source] and table or query.",
            )
        if self.batch_rows < 1:
            raise InputError("A batch has at least one row", received=self.batch_rows)
        if self.query is not None and "\0" in self.query:
            raise InputError("The query holds a NUL character", do="Write it again as plain text.")
        check_overlap(self.overlap)

    @property
    def name(self) -> str:
        """What records call it: the table, or the query by the beginning of its hash."""
        if self.table is not None:
            return self.table
        digest = hashlib.sha256(self.plain_query.encode()).hexdigest()
        return f"query {digest[:12]}"

    @property
    def plain_query(self) -> str:
        return (self.query or "").strip().rstrip(";").rstrip()


def selection_from_tree(tree: MappingOf[str, Any], *, where: str) -> Selection:
    """The selection of a `[source]` table. InputError for unknown keys and values of the wrong type."""
    for name, value in tree.items():
        if name not in KEYS:
            raise InputError(f"{where}: there is no key '{name}'", do=did_you_mean(name, KEYS))
        wanted = int if name == "batch_rows" else list if isinstance(value, list) and name == "key" else str
        texts = value if isinstance(value, list) else ()
        if not isinstance(value, wanted) or not all(isinstance(text, str) for text in texts):
            raise InputError(f"{where}: '{name}' must be a {wanted.__name__}", received=repr(value))
    given = dict(tree)
    if "key" in given:
        given["key"] = (given["key"],) if isinstance(given["key"], str) else tuple(given["key"])
    return Selection(**given)
