"""Vectors plus counts: the model's chances mixed with those of what others took next, as it was counted.

Counts know single pairs by heart, which a small vector cannot; the model knows what such pairs have in
common. How much the counts have to say, and how they count, is chosen on held-out customers.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from scipy import sparse

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.habit import ChancesOf
from foresell.predict.recommend.models import session_knn, transition
from foresell.predict.recommend.models.session_knn import SessionKNNConfig
from foresell.predict.recommend.models.transition import TransitionConfig
from foresell.predict.recommend.opinions import Sparse
from foresell.predict.recommend.rank import Floats, Ints, as_matrix, top_k
from foresell.predict.recommend.timelines import Timelines
from foresell.predict.recommend.vector_opinions import Counted, counted

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
FOREVER = 1e6
MODELS = {"transition": transition.MODEL, "session_knn": session_knn.MODEL}
# Counts that fade, of long histories; counts that stay, of short ones; and whole sessions, where a customer
# is one.
COUNTED: tuple[tuple[str, Any], ...] = (
    ("transition", TransitionConfig()),
    (
        "transition",
        TransitionConfig(half_life_days=FOREVER, basket_decay=0.5, max_lag=10, shrink=10.0, min_customers=1),
    ),
    (
        "session_knn",
        SessionKNNConfig(
            half_life_days=FOREVER, decay=0.5, num_neighbors=500, idf_power=0.5, min_customers=1
        ),
    ),
)
MOST_JUDGED = 5_000
K = 10
PREFIX = "steps_"


@dataclass(frozen=True)
class Steps:
    """`model`: the name in MODELS of the `graph`; `share`: of its word, in (0, 1). `columns`: (P,) where the
    products of the behavior model's catalog are in the graph's."""

    model: str
    graph: FittedRecommender
    share: float
    columns: Ints

    def profiles(self, customer_ids: pl.Series, histories: pl.DataFrame) -> Any:
        """(C, G) CSR: how much each of a customer's last products counts. `customer_ids`: ascending,
        distinct."""
        return self.graph.profiles(customer_ids, histories)

    def read(self, told: Timelines) -> Any:
        """(C, G) CSR, of timelines over the behavior model's catalog."""
        return self.graph.read(told.renamed(self.columns))

    def without(self, profiles: Any, removed: Ints) -> Any:
        """The profiles, each as if the product removed from it (an index, 0: none) had not been taken."""
        left = sparse.csr_array(profiles, copy=True)
        columns = np.where(removed > 0, self.columns[removed - 1], -1)
        left.data[left.indices == np.repeat(columns, np.diff(left.indptr))] = 0
        left.eliminate_zeros()
        return left

    def chances(self, profiles: Any) -> Floats:
        """(C, P), each row's sum 1, or 0 where the graph knows nothing."""
        scores = self.graph.score(profiles)[:, self.columns]
        scores[:, self.columns < 0] = 0
        sums = scores.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(scores, sums, out=scores, where=sums > 0))

    def counted(self, profiles: Any) -> Counted:
        """The same as `chances`, of the few products that the graph knows of."""
        opinions = self.graph.opinions(profiles)
        if not isinstance(opinions, Sparse):
            raise TypeError(f"the graph {self.model} does not count")
        return counted(opinions.matrix, self._positions, len(self.columns), self.share)

    @cached_property
    def _positions(self) -> Ints:
        """Of the graph's products in the behavior model's catalog; −1: not there."""
        positions = np.full(self.graph.catalog.size, -1, np.int64)
        is_there = self.columns >= 0
        positions[self.columns[is_there]] = np.flatnonzero(is_there)
        return positions

    def mix(self, chances: Floats, profiles: Any) -> Floats:
        """(C, P): both words, each with its share; the model's alone where the graph has none."""
        of_graph = self.chances(profiles)
        share = np.where(of_graph.any(axis=1, keepdims=True), np.float32(self.share), np.float32(0.0))
        return np.asarray(chances * (1 - share) + of_graph * share)

    def to_tables(self, catalog: Catalog) -> dict[str, pl.DataFrame]:
        tables = {PREFIX + name: table for name, table in self.graph.to_tables().items()}
        settings = {"model": self.model, "share": self.share, "config": json.dumps(asdict(self.graph.config))}
        return {**tables, "steps": pl.DataFrame([settings])}

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> Self | None:
        """None where the graph has nothing to say."""
        if "steps" not in tables:
            return None
        settings = tables["steps"].row(0, named=True)
        own = {name.removeprefix(PREFIX): one for name, one in tables.items() if name.startswith(PREFIX)}
        graph = MODELS[settings["model"]].load(json.loads(settings["config"]), own)
        columns = _columns(Catalog.from_table(tables["products"]), graph)
        return cls(settings["model"], graph, settings["share"], columns)


def learn_steps(
    catalog: Catalog,
    learned: pl.DataFrame,
    later: pl.DataFrame,
    everything: pl.DataFrame,
    products: pl.DataFrame | None,
    chances_of: ChancesOf,
) -> Steps | None:
    """The graph and share of highest NDCG@10 of what customers of `later` took, None where no graph helps.

    Graphs are judged as learned from `learned`, and the best is counted again from `everything`. Equal
    scores: the smaller share. `chances_of`: by a model that learned nothing of `later`.
    """
    wanted = catalog.with_positions(later.select("customer_id", "product_id").unique())
    wanted = wanted.join(learned.select("customer_id").unique(), on="customer_id", how="semi")
    if wanted.is_empty():
        return None
    customers = wanted["customer_id"].unique()
    customers = customers.sort() if len(customers) <= MOST_JUDGED else _some(customers)
    histories = learned.filter(pl.col("customer_id").is_in(customers.implode()))
    again = wanted.join(learned, on=["customer_id", "product_id"], how="semi")
    relevant = _matrix(catalog, customers, wanted)
    barred = _matrix(catalog, customers, histories) if again.is_empty() else None
    candidates = [_steps(catalog, learned, products, *counted) for counted in COUNTED]
    profiles = [one.profiles(customers, histories) for one in candidates]
    gains = np.zeros((len(candidates), len(SHARES)))
    for rows, chances in chances_of(customers, histories):
        for number, one in enumerate(candidates):
            of_graph = one.chances(profiles[number][rows])
            for place, share in enumerate(SHARES):
                mixed = chances * np.float32(1 - share) + of_graph * np.float32(share)
                gains[number, place] += _gain(mixed, relevant[rows], None if barred is None else barred[rows])
    which, of_shares = (int(one) for one in np.unravel_index(int(gains.argmax()), gains.shape))
    if SHARES[of_shares] == 0:
        return None
    return replace(_steps(catalog, everything, products, *COUNTED[which]), share=SHARES[of_shares])


def _some(customers: pl.Series) -> pl.Series:
    """MOST_JUDGED of them, by a hash of the id, so always the same."""
    hashed = pl.DataFrame({"customer_id": customers, "order": customers.hash(1)})
    return hashed.sort("order", "customer_id").head(MOST_JUDGED)["customer_id"].sort()


def _steps(
    catalog: Catalog, interactions: pl.DataFrame, products: pl.DataFrame | None, model: str, config: Any
) -> Steps:
    graph = MODELS[model].fit(interactions, config, products)
    return Steps(model, graph, 0.0, _columns(catalog, graph))


def _columns(catalog: Catalog, graph: FittedRecommender) -> Ints:
    """Where the graph has the catalog's products; −1 for one of held-out customers alone."""
    wanted = pl.DataFrame({"product_id": catalog.product_ids})
    found = wanted.join(graph.catalog.positions, on="product_id", how="left", maintain_order="left")
    return found["product"].cast(pl.Int64).fill_null(-1).to_numpy()


def _matrix(catalog: Catalog, customers: pl.Series, pairs: pl.DataFrame) -> Any:
    """(C, P) CSR, above 0 for each of the pairs."""
    rows = pairs.select("customer_id", "product_id").unique().with_columns(value=pl.lit(1.0, pl.Float32))
    return as_matrix(catalog, customers, rows)


def _gain(scores: Floats, relevant: Any, barred: Any | None) -> float:
    """The sum of NDCG@10 over rows."""
    if barred is not None:
        scores[barred.nonzero()] = -np.inf
    rows, products, ranks = top_k(scores, K)
    is_hit = np.asarray(relevant[rows, products]).ravel() > 0
    discounts = 1 / np.log2(np.arange(2, K + 2))
    gains = np.bincount(rows[is_hit], discounts[ranks[is_hit] - 1], minlength=scores.shape[0])
    most = np.minimum(np.diff(relevant.indptr), K)
    ideal = np.concatenate([[np.inf], np.cumsum(discounts)])[most]
    return float((gains / ideal).sum())
