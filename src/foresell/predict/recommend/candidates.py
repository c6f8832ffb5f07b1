"""The few products worth a closer look, what several recommenders put in front and what was taken before, and
all that is known of each for its customer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender, Rows
from foresell.predict.recommend.pasts import PAIR_FEATURES, Pasts, pair_features, pasts
from foresell.predict.recommend.product_facts import ProductFacts, product_facts
from foresell.predict.recommend.rank import SCORES_AT_ONCE, Floats, Ints


@dataclass(frozen=True)
class Profiles:
    """What is read of customers' histories: `pasts`, and what each component reads. `histories`: with the
    column `customer` (a row of the profiles), ascending; those of customer c are rows offsets[c] …
    offsets[c + 1] − 1."""

    pasts: Pasts
    parts: tuple[Any, ...]
    histories: pl.DataFrame
    offsets: Ints

    @property
    def shape(self) -> tuple[int]:
        return (len(self.offsets) - 1,)

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """(C,) whether nothing is known of the customer."""
        return np.asarray(np.diff(self.pasts.taken.offsets) == 0)

    def __getitem__(self, which: "slice | Ints") -> "Profiles | Rows[Profiles]":
        """Those of a slice of the customers, to be scored; single rows, to be explained."""
        if not isinstance(which, slice):
            return Rows(self, which)
        return self.between(*which.indices(self.shape[0])[:2])

    def between(self, first: int, last: int) -> "Profiles":
        """Of the customers first … last − 1."""
        begin, end = self.offsets[first], self.offsets[last]
        rows = self.histories[begin:end].with_columns(pl.col("customer") - first)
        return Profiles(
            self.pasts.between(first, last),
            tuple(part[first:last] for part in self.parts),
            rows,
            self.offsets[first : last + 1] - begin,
        )


@dataclass(frozen=True)
class Component:
    """A fitted recommender, and where its products are in the catalog of all (`positions`, (P',)) and that
    catalog's in its own (`columns`, (P,), −1: not known)."""

    name: str
    fitted: FittedRecommender
    positions: Ints
    columns: Ints

    @classmethod
    def of(cls, name: str, fitted: FittedRecommender, catalog: Catalog) -> "Component":
        own = pl.DataFrame({"product_id": fitted.catalog.product_ids})
        positions = catalog.with_positions(own)["product"].to_numpy().astype(np.int64)
        columns = np.full(catalog.size, -1)
        columns[positions] = np.arange(len(positions))
        return cls(name, fitted, positions, columns)


@dataclass(frozen=True)
class Said:
    """What a component says of some customers: (C, P') `scores` over its own products."""

    component: Component
    scores: Floats

    def at(self, customers: Ints, products: Ints) -> Floats:
        """(M, 2): the score, and its share of the customer's highest; 0 of what it does not know."""
        columns = self.component.columns[products]
        found = np.where(columns < 0, np.float32(0.0), self.scores[customers, columns])
        highest = self.scores.max(axis=1, initial=0.0)[customers]
        share = np.divide(found, highest, out=np.zeros_like(found), where=highest > 0)
        return np.stack([found, share], axis=1)

    def best(self, number: int) -> tuple[Ints, Ints]:
        """Rows and products (positions in the catalog of all) of each row's highest scores above 0."""
        best = []
        for scores in self.scores:
            said = np.flatnonzero(scores > 0)
            if len(said) > number:
                said = said[np.argpartition(scores[said], -number)[-number:]]
            best.append(said)
        rows = np.repeat(np.arange(len(best)), [len(one) for one in best])
        products = np.concatenate([np.empty(0, np.int64), *best])
        return rows, self.component.positions[products]

    def without(self, customers: Ints, products: Ints) -> "Said":
        columns = self.component.columns[products]
        scores = np.array(self.scores)
        scores[customers[columns >= 0], columns[columns >= 0]] = 0
        return Said(self.component, scores)


@dataclass(frozen=True)
class Candidates:
    """`customers` and `products`: (M,) ascending pairs; `features`: (M, F) of `Panel.feature_names`."""

    customers: Ints
    products: Ints
    features: Floats


@dataclass(frozen=True)
class Panel:
    """Recommenders that propose, and the facts their proposals are judged by, as of one moment. `num_best`:
    the products that each component puts forward; `with_taken`: what a customer took is a candidate too,
    else never."""

    catalog: Catalog
    facts: ProductFacts
    components: tuple[Component, ...]
    num_best: int
    with_taken: bool

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        interactions: pl.DataFrame,
        products: pl.DataFrame | None,
        fitted: Mapping[str, FittedRecommender],
        num_best: int,
        *,
        with_taken: bool,
    ) -> "Panel":
        components = tuple(Component.of(name, one, catalog) for name, one in fitted.items())
        facts = product_facts(catalog, interactions, products)
        return cls(catalog, facts, components, num_best, with_taken)

    @property
    def feature_names(self) -> tuple[str, ...]:
        of_components = (
            name for one in self.components for name in (f"{one.name}_score", f"{one.name}_share")
        )
        return (*of_components, *PAIR_FEATURES)

    def profiles(self, customers: pl.Series, histories: pl.DataFrame) -> Profiles:
        """`customers`: ascending and distinct."""
        rows = pl.DataFrame({"customer_id": customers}).with_row_index("customer")
        known = histories.join(rows, on="customer_id").sort("customer", "occurred_at", "product_id")
        counts = np.bincount(known["customer"].to_numpy(), minlength=len(customers))
        return Profiles(
            pasts(known, len(customers), self.catalog, self.facts),
            tuple(one.fitted.profiles(customers, known.drop("customer")) for one in self.components),
            known,
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        )

    def said(self, profiles: Profiles) -> list[Said]:
        taken = profiles.pasts.taken
        said = [
            Said(one, one.fitted.score(part))
            for one, part in zip(self.components, profiles.parts, strict=True)
        ]
        if self.with_taken:
            return said
        return [one.without(taken.customers, taken.things) for one in said]

    def candidates(self, profiles: Profiles, said: list[Said]) -> Candidates:
        taken, size = profiles.pasts.taken, self.catalog.size
        keys = [rows * size + products for rows, products in (one.best(self.num_best) for one in said)]
        if self.with_taken:
            keys.append(taken.customers * size + taken.things)
        pairs = np.unique(np.concatenate(keys))
        customers, products = pairs // size, pairs % size
        return Candidates(customers, products, self.features(profiles, said, customers, products))

    def features(self, profiles: Profiles, said: list[Said], customers: Ints, products: Ints) -> Floats:
        """(M, F) of any pairs."""
        of_components = [one.at(customers, products) for one in said]
        own = pair_features(profiles.pasts, self.facts, customers, products)
        return np.concatenate([*of_components, own], axis=1)

    def batches(self, profiles: Profiles) -> Iterator[tuple[int, Profiles]]:
        """Profiles in parts whose scores fit into memory, each with its first row."""
        size = max(1, SCORES_AT_ONCE // self.catalog.size)
        for first in range(0, profiles.shape[0], size):
            yield first, profiles.between(first, min(first + size, profiles.shape[0]))
