"""Which identifiers which customers have, and which of them several share.

Identifiers are keyed tokens (HMAC): two are equal or they are not. How alike two names or addresses
are can no longer be asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresell.contracts.protocols import Tables

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import polars

MAX_EXAMPLES = 3
# The columns of orders that hold tokens, and their kind.
ORDER_TOKENS = {"device_token": "device", "card_token": "card", "ip_token": "ip"}


@dataclass(frozen=True, slots=True)
class SharedKind:
    """How many identifiers of a kind are shared by more customers than a person has accounts, such as an
    office's computer or a no-reply address, by how many at most, and the most shared ones' tokens."""

    id_type: str
    num_tokens: int
    most_customers: int
    examples: tuple[str, ...]


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

    Columns: id_type, id_token, customer_id. Names are in neither: they never were one person's.
    """
    import polars as pl

    found = identifiers(tables)
    found = found.filter(found.id_type != "name")
    counts = found.group_by("id_type", "id_token").agg(num_customers=found.count())
    several = counts.filter(counts.num_customers > 1)
    usable = several.filter(several.num_customers <= most_customers).drop("num_customers")
    rows: pl.DataFrame = found.semi_join(usable, ["id_type", "id_token"]).to_polars()
    crowded = several.filter(several.num_customers > most_customers)
    return rows.sort("id_type", "id_token", "customer_id"), tuple(_kinds(crowded.to_polars()))


def _kinds(crowded: "polars.DataFrame") -> Iterator[SharedKind]:
    ordered = crowded.sort("id_type", "num_customers", "id_token", descending=[False, True, False])
    for (id_type,), rows in ordered.group_by("id_type", maintain_order=True):
        examples = tuple(rows["id_token"].head(MAX_EXAMPLES))
        yield SharedKind(str(id_type), rows.height, rows["num_customers"][0], examples)
