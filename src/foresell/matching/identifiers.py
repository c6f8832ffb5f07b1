"""Which identifiers which customers have, and which of them several share.

Identifiers are keyed tokens (HMAC): two are equal or they are not. How alike two names or addresses
are can no longer be asked.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import polars

# The columns of orders that hold tokens, and their kind.
ORDER_TOKENS = {"device_token": "device", "card_token": "card", "ip_token": "ip"}


@dataclass(frozen=True, slots=True)
class SharedKind:
    """How many identifiers of a kind are shared by more customers than a person has accounts, such as an
    office's computer or a no-reply address, and by how many at most. They link nobody."""

    id_type: str
    num_tokens: int
    most_customers: int


def identifiers(tables: Tables) -> "ir.Table":
    """(id_type, id_token, customer_id), each once, of `identities` and of the orders' own tokens."""
    import ibis

    known = tables.current("identities")
    found = known.select(known.id_type.lower().name("id_type"), known.id_token, known.customer_id)
    orders = tables.current("orders")
    for column, kind in ORDER_TOKENS.items():
        rows = orders.filter(orders[column].notnull())
        found = found.union(
            rows.select(ibis.literal(kind).name("id_type"), rows[column].name("id_token"), rows.customer_id)
        )
    return found.filter(found.customer_id.notnull()).distinct()


def shared_identifiers(
    tables: Tables, most_customers: int
) -> tuple["polars.DataFrame", tuple[SharedKind, ...]]:
    """The identifiers of 2 to `most_customers` customers, a row a customer, sorted; and what more share.

    Columns: id_type, id_token, customer_id.
    """
    import polars as pl

    found = identifiers(tables)
    counts = found.group_by("id_type", "id_token").agg(num_customers=found.count())
    several = counts.filter(counts.num_customers > 1)
    usable = several.filter(several.num_customers <= most_customers).drop("num_customers")
    rows: pl.DataFrame = found.semi_join(usable, ["id_type", "id_token"]).to_polars()
    crowded = several.filter(several.num_customers > most_customers)
    kinds = crowded.group_by("id_type").agg(
        num_tokens=crowded.count(), most_customers=crowded.num_customers.max()
    )
    too_shared = tuple(SharedKind(**row) for row in kinds.order_by("id_type").to_pyarrow().to_pylist())
    return rows.sort("id_type", "id_token", "customer_id"), too_shared
