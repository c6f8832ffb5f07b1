"""Erase customers: the one thing that rewrites the past.

First tombstones are written; from then on the erasure will be completed, whatever happens. Then raw
rows are blanked, the tables derived again without them (with new Delta logs, so that no old version
or statistic is left), and the state and reports cleaned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError
from foresell.contracts.tables import TABLES
from foresell.privacy.erasure import Tombstone, tombstone
from foresell.services.purge import PENDING, finish_erasure
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing
from foresell.store.crash_points import reached
from foresell.store.engine import DuckDBViews, EngineTables

if TYPE_CHECKING:
    import duckdb

# What leads from a customer to rows that do not name them. Identifiers that other customers share,
# such as a family's device, are left: their rows belong to the others too.
LINKED_KINDS = ("order_id", "anonymous_id", "session_id", "cart_id", "id_token")


@dataclass(frozen=True)
class Erased:
    num_customers: int
    num_identifiers: int
    models_to_retrain: tuple[str, ...]

    def as_record(self) -> dict[str, object]:
        return {
            "customers": self.num_customers,
            "identifiers": self.num_identifiers,
            "models_to_retrain": list(self.models_to_retrain),
        }


def erase(shop: Shop, customer_ids: Sequence[str], progress: Progress = silent) -> Erased:
    """Erase customers by id. NotFoundError, and nothing done, if one is unknown to every table."""
    with writing(shop, "erase", progress):
        marks = _find_tombstones(shop, customer_ids)
        shop.folder.state.bury(marks)
        shop.folder.state.set_meta(PENDING, "yes")
        reached("erase.tombstoned")
        models = finish_erasure(shop, progress)
    return Erased(len(set(customer_ids)), len(marks), models)


def _find_tombstones(shop: Shop, customer_ids: Sequence[str]) -> list[Tombstone]:
    wanted = sorted(set(customer_ids))
    found: dict[str, set[str]] = {"customer_id": set()}
    with shop.connect() as connection:
        EngineTables(DuckDBViews(connection), shop.folder.tables.files).refresh_all()
        connection.execute("CREATE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS customer_id", [wanted])
        for name, table in TABLES.items():
            if "customer_id" not in table.column or not shop.folder.tables.files(name):
                continue
            found["customer_id"] |= _values(connection, name, "customer_id", shared=True)
            for kind in LINKED_KINDS:
                if kind in table.column:
                    found.setdefault(kind, set()).update(_values(connection, name, kind, shared=False))
    unknown = set(wanted) - found["customer_id"]
    if unknown:
        raise NotFoundError(
            f"{len(unknown)} of {len(wanted)} customers are in no table",
            do="Check the ids; nothing was erased.",
        )
    return [tombstone(shop.key, kind, value) for kind, values in found.items() for value in sorted(values)]


def _values(connection: "duckdb.DuckDBPyConnection", table: str, column: str, *, shared: bool) -> set[str]:
    """The identifiers in the wanted customers' rows; unless `shared`, those of theirs alone."""
    others = (
        ""
        if shared
        else (
            f" AND {column} NOT IN (SELECT {column} FROM {table}_history WHERE {column} IS NOT NULL "
            "AND customer_id IS NOT NULL AND customer_id NOT IN (SELECT customer_id FROM wanted))"
        )
    )
    rows = connection.execute(
        f"SELECT DISTINCT {column} FROM {table}_history WHERE {column} IS NOT NULL "
        f"AND customer_id IN (SELECT customer_id FROM wanted){others}"
    ).fetchall()
    return {value for (value,) in rows}
