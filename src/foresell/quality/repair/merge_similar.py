"""merge_similar: products whose titles are the same but for how they were typed are one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.findings import found_rows
from foresell.quality.repair.fitness import refuse_argument, require_type
from foresell.quality.repair.likeness import like_pairs, read_title
from foresell.quality.repair.merging import as_pairs, fullness, merge, weights
from foresell.quality.repair.patch import Patch
from foresell.quality.repair.rule import Rule

LIMIT = 0.9
# Where both products know one of these and they differ, they are two.
TELLING = ("brand", "department", "category", "currency", "is_service")
# The same product at more than this times the price is another one, such as a larger pack.
LARGEST_PRICE_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class _Product:
    key: str
    title: str
    weight: int
    fullness: int
    told: tuple[Any, ...]
    price: float | None
    parent: str | None
    attributes: Mapping[str, Any]

    @property
    def rank(self) -> tuple[int, int, str]:
        """The first of equals stays."""
        return -self.weight, -self.fullness, self.key


def check(rule: Rule) -> None:
    if rule.table != "products":
        raise rule.error(
            f"cannot tell whether rows of {rule.table} are one by their words",
            do="Customers: `foresell match`. Rows that are twice there: drop duplicates.",
        )
    if rule.column is None:
        refuse_argument(rule)
        return
    require_type(rule, ("string",), "products.title")
    if rule.column in rule.contract.key:
        raise rule.error("compares words, not keys", do="Write: products: merge_same_key.")
    _limit(rule)


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Without a column, what the check `near_duplicates` finds. With one, products whose texts in it are
    alike; the argument is the least likeness (0 to 1; LIMIT where left out), see `likeness`.

    A product is merged into the first of its like: that which most order lines name. It is not where the two
    have different brands, departments, categories or currencies, where an attribute of the same name differs,
    where prices are further apart than LARGEST_PRICE_RATIO, or where they are variants of one product. `by`
    names columns that must be equal and known. Titles that are the very same are left: sizes and colors often
    share one.
    """
    if rule.column is None:
        return _found_by_the_check(tables, settings, rule)
    products = _read(tables, rule)
    titles = [read_title(product.title) for product in products]
    found: dict[int, tuple[int, float]] = {}
    kept: set[int] = set()
    scored: list[tuple[float, int, int]] = []
    groups = [_group(product, rule) for product in products]
    for one, other, score in like_pairs(titles, groups, _limit(rule)):
        if _may_be_one(products[one], products[other]):
            keeper, gone = sorted((one, other), key=lambda place: products[place].rank)
            scored.append((score, keeper, gone))
    # The surest first; what stays is never merged itself, so that no chain leads from one to an unlike one.
    for score, keeper, other in sorted(
        scored, key=lambda s: (-s[0], products[s[1]].rank, products[s[2]].rank)
    ):
        if keeper not in found and other not in found and other not in kept:
            found[other] = (keeper, score)
            kept.add(keeper)
    if not found:
        return []
    into = {products[other].key: products[keeper].key for other, (keeper, _) in found.items()}
    why = {products[o].key: _evidence(products[o], products[k], score) for o, (k, score) in found.items()}
    return merge(tables, rule, as_pairs(into, why))


def _found_by_the_check(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """A copy of a copy goes to the first; of two that are copies of each other the smaller key stays."""
    found = found_rows(tables, settings, "near_duplicates", "products", "title")
    if found is None:
        return []
    rows = found.filter(found._suggested.notnull()).order_by("product_id").to_pyarrow().to_pylist()
    into = {row["product_id"]: row["_suggested"] for row in rows}
    why = {row["product_id"]: row["_why"] for row in rows}
    ends = {gone: _end(into, gone) for gone in into}
    merged = {gone: kept for gone, kept in ends.items() if gone != kept}
    return merge(tables, rule, as_pairs(merged, why)) if merged else []


def _end(into: Mapping[str, str], gone: str) -> str:
    chain = [gone]
    while chain[-1] in into:
        following = into[chain[-1]]
        if following in chain:
            return min(chain[chain.index(following) :])
        chain.append(following)
    return chain[-1]


def _limit(rule: Rule) -> float:
    try:
        limit = float(rule.argument or LIMIT)
    except ValueError:
        limit = -1.0
    if not 0 < limit <= 1:
        raise rule.error(f"has no likeness '{rule.argument}'", do=f"Give a number up to 1, such as {LIMIT}.")
    return limit


def _read(tables: Tables, rule: Rule) -> list[_Product]:
    """The current products that have the text, and what is known of each."""
    rows = tables.current("products")
    columns = (*TELLING, *(rule.by or ()))
    rows = rows.filter([rows[name].notnull() for name in (rule.the_column.name, *(rule.by or ()))])
    sold = weights(tables, "products")
    weighed = rows.left_join(sold, rows.product_id == sold._key)
    selected = weighed.select(
        key=weighed.product_id,
        title=weighed[rule.the_column.name],
        weight=weighed._weight.fill_null(0),
        fullness=fullness(weighed, rule.contract),
        price=weighed.price.cast("float64"),
        parent=weighed.parent_product_id,
        attributes=weighed.attributes,
        **{f"told_{place}": weighed[name].cast("string") for place, name in enumerate(columns)},
    )
    return [
        _Product(
            row["key"],
            row["title"],
            row["weight"],
            row["fullness"],
            tuple(row[f"told_{place}"] for place in range(len(columns))),
            row["price"],
            row["parent"],
            _members(row["attributes"]),
        )
        for row in selected.order_by("key").to_pyarrow().to_pylist()
    ]


def _members(attributes: str | None) -> Mapping[str, Any]:
    """What a JSON object says; nothing where it is none."""
    try:
        value = json.loads(attributes or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _group(product: _Product, rule: Rule) -> str:
    return "\x1f".join(product.told[len(TELLING) :]) if rule.by else ""


def _may_be_one(one: _Product, other: _Product) -> bool:
    """Whether nothing that both know says that they are two."""
    if one.title.strip() == other.title.strip():
        return False
    known = [(a, b) for a, b in zip(one.told, other.told, strict=True) if a is not None and b is not None]
    if any(a != b for a, b in known):
        return False
    if any(
        one.attributes[name] != other.attributes[name] for name in one.attributes.keys() & other.attributes
    ):
        return False
    if one.parent is not None and one.parent == other.parent:
        return False
    if one.key == other.parent or other.key == one.parent:
        return False
    if one.price and other.price and one.price > 0 and other.price > 0:
        return max(one.price, other.price) / min(one.price, other.price) <= LARGEST_PRICE_RATIO
    return True


def _evidence(gone: _Product, kept: _Product, score: float) -> str:
    agree = [
        name
        for name, a, b in zip(TELLING, gone.told, kept.told, strict=False)
        if a is not None and a == b and name != "is_service"
    ]
    others = f"; {', '.join(agree)} agree" if agree else ""
    return f"titles {score:.3f} alike: '{gone.title}' and '{kept.title}'{others}"
