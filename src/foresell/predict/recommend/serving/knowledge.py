"""All that answers are made from, read once and never changed: a newer one takes its place as a whole."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from foresell.features.ids import places
from foresell.predict.recommend.alike import alike, content_vectors
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.neighbors import Neighbors
from foresell.predict.recommend.opinions import Allowed, Flags
from foresell.predict.recommend.rank import Floats, Ints
from foresell.predict.recommend.rules.compiling import Compiled, compile_rules
from foresell.predict.recommend.rules.constraints import Constraints
from foresell.predict.recommend.rules.rule import Rule
from foresell.predict.recommend.serving.counts import Rhythm, Trends, together
from foresell.predict.recommend.serving.ground import Ground
from foresell.predict.recommend.serving.on_sale import Places
from foresell.predict.recommend.serving.people import EPOCH, MICROSECOND
from foresell.predict.recommend.serving.rerank import Reranking

NUM_ALIKE = 20
# Places of which trends are kept.
MOST_PLACES = 200


@dataclass(frozen=True, slots=True)
class Exploring:
    """`policy`: none, epsilon or thompson, as `explore` has them. `click_rate`: the shop's mean one, what
    Thompson sampling believes of a product that was not shown yet."""

    policy: str = "none"
    epsilon: float = 0.05
    click_rate: float = 0.01

    @property
    def name(self) -> str:
        """What is logged: with its size, so that another size can be judged by the log."""
        return f"epsilon:{self.epsilon}" if self.policy == "epsilon" else self.policy


# Kept between answers, and worth nothing under other rules.
MADE_OF_RULES = ("_compiled", "_since", "_grounds")
AS_SCORED = Reranking()
NO_CHANCE = Exploring()


@dataclass(frozen=True, eq=False)
class Knowledge:
    """`fitted`: the model, `model` its name and version. Positions are those of the `assortment`, P products.

    `content`: as `features.products`; None: nothing is known of products but what the assortment says.
    `read_interactions`, `read_trends`: what the counts are made of, of everybody; called where a surface is
    first asked that needs them, or by `prepare`. `ages`: of customers, in years; `clicks`:
    product_id → how often it was clicked and shown.
    """

    fitted: FittedRecommender
    model: str
    assortment: Assortment
    read_interactions: Callable[[], pl.DataFrame]
    read_trends: Callable[[], Trends]
    content: pl.DataFrame | None = None
    rules: tuple[Rule, ...] = ()
    rules_version: int = 0
    reranking: Reranking = AS_SCORED
    exploring: Exploring = NO_CHANCE
    ages: Mapping[str, int] = field(default_factory=dict)
    clicks: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @cached_property
    def catalog(self) -> Catalog:
        """The assortment as a catalog, with the model's popularity."""
        popularity = np.zeros(self.assortment.size, dtype=np.float32)
        is_known = self.place_P >= 0
        popularity[is_known] = self.fitted.catalog.popularity[self.place_P[is_known]]
        table = pl.DataFrame({"product_id": self.assortment.product_ids, "popularity": popularity})
        return Catalog.from_table(table)

    @cached_property
    def place_P(self) -> Ints:  # noqa: N802
        """Where each product is in the model's catalog; −1: the model does not know it."""
        return places(self.fitted.catalog.product_ids, self.assortment.product_ids)

    @cached_property
    def names(self) -> Mapping[str, str | None]:
        """product_id → its name, None without one."""
        products = self.assortment.products
        return dict(zip(products["product_id"], products["name"], strict=True))

    @cached_property
    def alike(self) -> Neighbors:
        """Products × products, by what is written of them."""
        if self.content is None:
            return Neighbors(sparse.csr_array((self.catalog.size,) * 2, dtype=np.float32), "similar_to")
        return Neighbors(alike(self.content, self.catalog, NUM_ALIKE), "similar_to")

    @cached_property
    def content_PW(self) -> Any:  # noqa: N802
        """(P, words) CSR, rows of length 1 or 0: inner products are likeness in content."""
        if self.content is None:
            return sparse.csr_array((self.catalog.size, 1), dtype=np.float32)
        return content_vectors(self.content, self.catalog)

    @cached_property
    def unknown_by_known(self) -> Any:
        """(P, P) CSR: for each product that the model does not know, the mean over its NUM_ALIKE most alike
        of those that it knows."""
        known = (self.place_P >= 0).astype(np.float32)
        unknown = sparse.diags_array(1 - known)
        return sparse.csr_array(unknown @ self.alike.matrix @ sparse.diags_array(known / NUM_ALIKE))

    @cached_property
    def together(self) -> Neighbors:
        return together(self._interactions, self.catalog)

    @cached_property
    def rhythm(self) -> Rhythm:
        return Rhythm.of(self._interactions, self.catalog)

    @cached_property
    def trends(self) -> Trends:
        return self.read_trends()

    @cached_property
    def _interactions(self) -> pl.DataFrame:
        return self.read_interactions()

    def with_rules(self, rules: tuple[Rule, ...], version: int) -> "Knowledge":
        """The same under other rules: what was made of tables and model is kept, what rules allow is not."""
        fresh = replace(self, rules=rules, rules_version=version)
        fields = {one.name for one in dataclasses.fields(self)}
        kept = {name: value for name, value in vars(self).items() if name not in {*fields, *MADE_OF_RULES}}
        vars(fresh).update(kept)
        return fresh

    def prepare(self) -> None:
        """Make now what the first request of each surface would wait for."""
        for name in ("together", "rhythm", "trends", "alike", "unknown_by_known", "content_PW", "novelty_P"):
            getattr(self, name)
        _ = self.assortment.ids, self.names, self.sold.is_same, self.sold.unknown, self.sold.transposed

    @cached_property
    def novelty_P(self) -> Floats:  # noqa: N802
        """In [0, 1]: how few take the product, in bits, the rarest 1."""
        bits = -np.log2(self.catalog.popularity.astype(np.float64))
        bits = np.minimum(bits, 30.0)
        return (bits / max(float(bits.max(initial=0.0)), 1e-9)).astype(np.float32)

    @cached_property
    def category_P(self) -> Ints:  # noqa: N802
        """The number of each product's category; −1: none."""
        ranks = self.assortment.products["category"].rank("dense").cast(pl.Int64) - 1
        return ranks.fill_null(-1).to_numpy()

    @cached_property
    def clicks_P(self) -> Ints:  # noqa: N802
        return self._counts(0)

    @cached_property
    def shown_P(self) -> Ints:  # noqa: N802
        return self._counts(1)

    @cached_property
    def sold(self) -> Places:
        """Between the model's catalog and the assortment."""
        return Places.of(self.place_P, self.fitted.catalog.size, self.unknown_by_known)

    def _counts(self, which: int) -> Ints:
        found = np.zeros(self.assortment.size, dtype=np.int64)
        positions = self.assortment.position_of(list(self.clicks))
        for position, counts in zip(positions, self.clicks.values(), strict=True):
            if position >= 0:
                found[position] = counts[which]
        return found

    def growth(self, location_id: str | None) -> Floats:
        """(P,) as `Trends.growth`, counted once for a place."""
        found = self._growth.get(location_id)
        if found is None:
            found = self.trends.growth(self.catalog, location_id)
            if len(self._growth) < MOST_PLACES:
                self._growth[location_id] = found
        return found

    @cached_property
    def _growth(self) -> dict[str | None, Floats]:
        return {}

    @cached_property
    def everything(self) -> Allowed:
        """All that is sold."""
        return Allowed(np.ones(self.assortment.size, dtype=np.bool_))

    @cached_property
    def on_offer(self) -> Ints:
        """Positions, ascending."""
        return np.flatnonzero(self.assortment.products["is_on_offer"].to_numpy())

    def newer_than(self, moment: datetime) -> Ints:
        """Positions, ascending, of what was first seen after the moment."""
        since = (moment - EPOCH) // MICROSECOND
        return np.flatnonzero(self._first_seen_P > since)

    @cached_property
    def _first_seen_P(self) -> Ints:  # noqa: N802
        """Microseconds since 1970; unknown: long ago."""
        seen = self.assortment.products["first_seen_at"].dt.epoch("us")
        return seen.fill_null(np.iinfo(np.int64).min).to_numpy()

    def of_category(self, category: str) -> Ints:
        """Positions, ascending, of the products of a category (any level of its path)."""
        return np.unique(self.assortment.labeled_as("category", (category,))).astype(np.int64)

    def ground(self, surface: str, rules: Constraints) -> Ground:
        """Of a customer's rules that `compiled(surface, …)` gave. Made once for all of their age."""
        kept = self._grounds.get((surface, id(rules.shared_P)))
        if kept is None or kept[0] is not rules.shared_P:
            ground = Ground(~rules.shared_P, rules.factor_P, self.catalog.popularity)
            kept = rules.shared_P, ground
            self._grounds[surface, id(rules.shared_P)] = kept
        return kept[1]

    @cached_property
    def _grounds(self) -> "dict[tuple[str, int], tuple[Flags, Ground]]":
        return {}

    def compiled(self, surface: str, at: datetime) -> Compiled:
        """The rules of a surface at a moment; made again when they may have changed."""
        kept = self._compiled.get(surface)
        if kept is None or at >= kept.valid_until or at < self._since.get(surface, at):
            kept = compile_rules(self.rules, self.assortment, surface, at)
            for gone in [one for one in list(self._grounds) if one[0] == surface]:
                self._grounds.pop(gone, None)
            self._compiled[surface], self._since[surface] = kept, at
        return kept

    @cached_property
    def _compiled(self) -> dict[str, Compiled]:
        return {}

    @cached_property
    def _since(self) -> dict[str, datetime]:
        return {}
