"""Products by name."""

from collections.abc import Collection
from dataclasses import dataclass

from foresell.contracts.protocols import Tables
from foresell.store.ever_there import ever_there


@dataclass(frozen=True, slots=True)
class NamedProduct:
    """`title`: where the catalog has none, the category or department, else the id itself."""

    title: str
    category: str | None = None


def name_products(tables: Tables, product_ids: Collection[str]) -> dict[str, NamedProduct]:
    """Every id's product; one that the catalog does not know is called by its id."""
    import ibis

    named = {product_id: NamedProduct(product_id) for product_id in product_ids}
    if not product_ids:
        return named
    products = ever_there(tables, "products")
    chosen = products.filter(products.product_id.isin(sorted(product_ids)))
    name = ibis.coalesce(chosen.title, chosen.category, chosen.department, chosen.product_id)
    rows = chosen.select("product_id", "category", name=name).to_pyarrow().to_pylist()
    named.update({row["product_id"]: NamedProduct(row["name"], row["category"]) for row in rows})
    return named
