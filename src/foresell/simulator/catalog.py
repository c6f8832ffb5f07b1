"""The products of a simulated shop, as arrays: product p is row p of each."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.settings import WorldSettings
from foresell.simulator.words import BRAND_ENDS, BRAND_STARTS, COLORS, DEPARTMENTS, SIZES, STYLES

# Tastes and styles are points in a space of so many dimensions.
NUM_TASTES = 6
FOREVER = 1_000_000
# What everything costs where prices do not differ.
MIDDLE_PRICE = 15.0


@dataclass(frozen=True)
class Category:
    department: tuple[str, str]
    name: tuple[str, str]
    median_price: float
    rebuy: float


CATEGORIES = tuple(
    Category(department, (english, chinese), price, rebuy)
    for department, members in DEPARTMENTS.items()
    for english, chinese, price, rebuy in members
)


@dataclass(frozen=True)
class Catalog:
    """Shapes: P products, G categories, D tastes, M the longest shelf.

    `appeal`: logarithm of a product's attraction, mean 0. `style`: (P, D). `list_price`: the reference that
    customers compare with. `launched`, `ended`: days [launched, ended) on which it can be sold. `parent`: of
    a variant, else −1. `complement`: the product that goes with it. `shelves`: (G, M) products of each
    category, the most appealing first, −1 where there is none.
    """

    category: Ints
    brand: Ints
    appeal: Floats
    style: Floats
    list_price: Floats
    cost: Floats
    launched: Ints
    ended: Ints
    parent: Ints
    return_rate: Floats
    complement: Ints
    words: Ints
    brand_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.category)

    @cached_property
    def rebuy(self) -> Floats:
        """How much a product is bought again, 0–1."""
        return np.array([one.rebuy for one in CATEGORIES])[self.category]

    @cached_property
    def shelves(self) -> Ints:
        rows = [np.flatnonzero(self.category == g) for g in range(len(CATEGORIES))]
        rows = [row[np.argsort(-self.appeal[row], kind="stable")] for row in rows]
        shelves = np.full((len(rows), max(len(row) for row in rows)), -1, dtype=np.int64)
        for g, row in enumerate(rows):
            shelves[g, : len(row)] = row
        return shelves

    @cached_property
    def shelf_edges(self) -> Floats:
        """(G, M): cumulative share of attraction along each shelf."""
        attraction = np.where(self.shelves >= 0, np.exp(self.appeal[self.shelves]), 0.0)
        edges = np.cumsum(attraction, axis=1)
        return np.asarray(edges / np.maximum(edges[:, -1:], 1e-300))

    @cached_property
    def centers(self) -> Floats:
        """(G, D): the mean style of each category; zeros where it is empty."""
        sums = np.zeros((len(CATEGORIES), NUM_TASTES))
        np.add.at(sums, self.category, self.style)
        counts = np.bincount(self.category, minlength=len(CATEGORIES))[:, None]
        return np.asarray(sums / np.maximum(counts, 1))

    @cached_property
    def category_weights(self) -> Floats:
        """(G,): how sought after each category is; 0 where it is empty."""
        weights = np.bincount(self.category, weights=np.exp(self.appeal), minlength=len(CATEGORIES))
        return weights.astype(np.float64)

    def on_sale(self, day: int) -> np.ndarray:
        """(P,) whether each product is in the catalog on the day."""
        return (self.launched <= day) & (day < self.ended)

    def title(self, product: int, language: int) -> str:
        """Its title in English (0) or Chinese (1)."""
        style, color, size = self.words[product]
        noun = CATEGORIES[self.category[product]].name[language]
        brand = self.brand_names[self.brand[product]]
        parts = [brand, STYLES[style][language], noun, COLORS[color][language]]
        if self.parent[product] >= 0:
            parts.append(SIZES[size][language])
        return " ".join(parts) if language == 0 else brand + " " + "".join(parts[1:])

    def description(self, product: int, language: int) -> str:
        style, color, _ = self.words[product]
        category = CATEGORIES[self.category[product]]
        if language == 0:
            return (
                f"{STYLES[style][0]} {category.name[0].lower()} in {COLORS[color][0]}, "
                f"by {self.brand_names[self.brand[product]]}. For {category.department[0].lower()}."
            )
        return f"{STYLES[style][1]}{category.name[1]}，{COLORS[color][1]}，{category.department[1]}系列。"


def make_catalog(settings: WorldSettings, draws: Draws) -> Catalog:
    """The catalog of a world; the same for the same seed and settings."""
    given = settings.catalog
    products = np.arange(given.products)
    category = draws.below(len(CATEGORIES), "product.category", products)
    brand = (draws.uniform("product.brand", products) ** 2 * given.brands).astype(np.int64)
    appeal = given.popularity_spread * draws.normal("product.appeal", products)
    median = np.array([one.median_price for one in CATEGORIES])[category]
    own_price = median * np.exp(0.45 * draws.normal("product.price", products))
    list_price = _price_points(MIDDLE_PRICE ** (1 - given.price_spread) * own_price**given.price_spread)
    margin = given.margin_rate + given.margin_spread * draws.normal("product.margin", products)
    margin = np.clip(margin, min(0.05, given.margin_rate), max(0.9, given.margin_rate))
    parent = _parents(settings, draws, category)
    style = _styles(draws, category)
    has_parent = parent >= 0
    style[has_parent] = style[parent[has_parent]]
    brand[has_parent] = brand[parent[has_parent]]
    words = np.stack(
        [
            draws.below(len(STYLES), "product.style", products),
            draws.below(len(COLORS), "product.color", products),
            draws.below(len(SIZES), "product.size", products),
        ],
        axis=1,
    )
    words[has_parent, :2] = words[parent[has_parent], :2]
    _make_distinct(words, brand, category, has_parent)
    launched, ended = _lives(settings, draws, given.products)
    return Catalog(
        category=category,
        brand=brand,
        appeal=appeal,
        style=style,
        list_price=list_price,
        cost=np.round(list_price * (1 - margin), 2),
        launched=launched,
        ended=ended,
        parent=parent,
        return_rate=settings.demand.return_rate * 2 * draws.uniform("product.return", products),
        complement=draws.below(given.products, "product.complement", products),
        words=words,
        brand_names=_brand_names(given.brands),
    )


def _make_distinct(words: Ints, brand: Ints, category: Ints, has_parent: np.ndarray) -> None:
    """No two products have one title, as long as there are words: a later one takes the next size if it is a
    variant, then the next color, and then the next style."""
    taken: set[tuple[int, ...]] = set()
    lengths = (len(STYLES), len(COLORS), len(SIZES))
    for product in range(len(words)):
        columns = (2, 1, 0) if has_parent[product] else (1, 0)
        chosen = words[product].copy()
        for turn in range(lengths[0] * lengths[1] * lengths[2]):
            shown = chosen[2] if has_parent[product] else -1
            title = (int(brand[product]), int(category[product]), int(chosen[0]), int(chosen[1]), int(shown))
            if title not in taken:
                break
            column = columns[min(turn // 3, len(columns) - 1)]
            chosen[column] = (chosen[column] + 1) % lengths[column]
        taken.add(title)
        words[product] = chosen


def _price_points(prices: Floats) -> Floats:
    """Prices as shops write them: they end in .49 or .99."""
    halves = np.maximum(np.round(prices * 2), 1) / 2
    return np.round(halves - 0.01, 2)


def _parents(settings: WorldSettings, draws: Draws, category: Ints) -> Ints:
    """A variant's parent is the closest earlier product of its category that is no variant itself."""
    products = np.arange(len(category))
    is_variant = draws.uniform("product.variant", products) < settings.catalog.variant_rate
    parent = np.full(len(category), -1, dtype=np.int64)
    last: dict[int, int] = {}
    for product, group in enumerate(category.tolist()):
        if is_variant[product] and group in last:
            parent[product] = last[group]
        else:
            last[group] = product
    return parent


def _styles(draws: Draws, category: Ints) -> Floats:
    """(P, D) unit vectors: half the category's own, half the product's."""
    tastes = np.arange(NUM_TASTES)
    centers = draws.normal("category.style", np.arange(len(CATEGORIES))[:, None], tastes)
    own = draws.normal("product.taste", np.arange(len(category))[:, None], tastes)
    style = centers[category] + own
    return np.asarray(style / np.linalg.norm(style, axis=1, keepdims=True))


def _lives(settings: WorldSettings, draws: Draws, number: int) -> tuple[Ints, Ints]:
    products, days = np.arange(number), settings.shop.days
    is_new = draws.uniform("product.is_new", products) < settings.catalog.launch_rate
    launched = np.where(is_new, 1 + draws.below(max(days - 1, 1), "product.launch", products), 0)
    is_dropped = ~is_new & (draws.uniform("product.is_dropped", products) < settings.catalog.launch_rate / 2)
    ended = np.where(is_dropped, 1 + draws.below(days, "product.end", products), FOREVER)
    return launched, ended


def _brand_names(number: int) -> tuple[str, ...]:
    names = [start + end for end in BRAND_ENDS for start in BRAND_STARTS]
    return tuple(names[i] if i < len(names) else f"{names[i % len(names)]} {i}" for i in range(number))
