"""Visits to buy again: who comes for that, and the products on the list."""

import numpy as np

from foresell.simulator.catalog import CATEGORIES, Catalog
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.people import category_chances
from foresell.simulator.settings import JourneySection

# Products that a person buys again and again; some come up twice.
NUM_HABITS = 100
# Chance that a product of a shopping list is taken at its reference price.
ACCEPTANCE = 0.6


def shopping_lists(
    settings: JourneySection, draws: Draws, catalog: Catalog, ids: Ints, taste: Floats, day: int
) -> tuple[Ints, Ints, Ints]:
    """The lists of visitors `ids` with that taste (of their first day, so that habits stay): the visitor's
    place in `ids`, the product and its place on the list, each product once a visitor.

    Sizes are log-normal around `basket_mean` ÷ ACCEPTANCE; which of the habits are due is drawn by the day.
    """
    spread = settings.basket_spread
    middle = np.log(settings.basket_mean / ACCEPTANCE) - spread**2 / 2
    size = np.ceil(np.exp(middle + spread * draws.normal("basket", ids, day)))
    slots = np.arange(NUM_HABITS)
    order = np.argsort(draws.uniform("habit", ids[:, None], day, slots), axis=1)
    at, slot = np.nonzero(slots < size[:, None])
    product = _habits(draws, catalog, ids, taste, at, order[at, slot])
    # A habit may stand twice among a person's habits: the first counts.
    _, first = np.unique(at * len(catalog) + product, return_index=True)
    return at[first], product[first], slot[first]


def _habits(draws: Draws, catalog: Catalog, ids: Ints, taste: Floats, at: Ints, slot: Ints) -> Ints:
    """Habit `slot` of visitor `at`: its category by taste and by how much that is bought again, the product
    by appeal. A function of the person, so that nobody has to keep it."""
    rebuy = np.array([one.rebuy for one in CATEGORIES])
    weights = np.diff(category_chances(catalog, taste), axis=1, prepend=0.0) * rebuy**2
    edges = np.cumsum(weights, axis=1)
    edges /= np.maximum(edges[:, -1:], 1e-300)
    category = _pick(edges, at, draws.uniform("person.habit_category", ids[at], slot))
    place = _pick(catalog.shelf_edges, category, draws.uniform("person.habit_product", ids[at], slot))
    return catalog.shelves[category, place]


def _pick(edges: Floats, row: Ints, chance: Floats) -> Ints:
    """The first column of each `row` of cumulative probabilities that reaches the chance.

    All rows make one ascending line when row r is lifted by r.
    """
    width = edges.shape[1]
    line = (edges + np.arange(len(edges))[:, None]).ravel()
    return np.asarray(np.minimum(np.searchsorted(line, chance + row) - row * width, width - 1))
