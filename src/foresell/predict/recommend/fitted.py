"""What every recommender is once it has learned: it scores all products that it knows, and says why."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import polars as pl

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.opinions import Opinions, Sparse
from foresell.predict.recommend.rank import Explained, Floats, Ints, audience, rank
from foresell.predict.recommend.timelines import Timelines

Profiles = TypeVar("Profiles")


@dataclass(frozen=True)
class Rows(Generic[Profiles]):
    """Some rows of profiles, repeated at will: what `explain` is given."""

    of: Profiles
    customers: Ints


class FittedRecommender(ABC):
    """It holds products and numbers, and nothing about any one customer.

    `profiles` reads histories, `score` and `explain` work on profiles: to rank once, call `recommend`; to
    answer many, keep the profiles.
    """

    config: Any
    catalog: Catalog

    def profiles(self, customers: pl.Series, histories: pl.DataFrame) -> Any:
        """What the model reads of the customers' histories. `customers`: ascending and distinct; one without
        a history has an empty profile."""
        return self.read(Timelines.of(customers, histories, self.catalog))

    @abstractmethod
    def read(self, told: Timelines) -> Any:
        """What the model reads of timelines over its catalog: profiles, a row a customer.

        The profiles have a `shape` that begins with the number of customers, and give parts of themselves:
        by a slice to be scored, by an array of rows (repeated at will) to be explained.
        """

    @abstractmethod
    def score(self, profiles: Any) -> Floats:
        """(C, P) how much each product of the catalog, in its order, suits each customer; 0: no opinion."""

    @property
    def has_vectors(self) -> bool:
        """Whether customers have vectors, whose inner products with those of products order them."""
        return False

    def vectors(self, profiles: Any) -> Floats:
        """(C, D) the customers' vectors. What takes long for a customer is done here, and may be kept."""
        raise NotImplementedError

    def prepare(self, told: Timelines) -> float | None:
        """Make now what the first answer would wait for. `told`: of a sample of customers. The share of a
        customer's best products that the index of vectors finds; None: the model has none."""
        return None

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        """The same as `score` where few products are asked for, or the best of those that may be shown.
        `vectors`: as `vectors` gave them, where they were kept."""
        return Sparse.of_all(np.maximum(self.score(profiles[0 : profiles.shape[0]]), 0.0))

    @abstractmethod
    def explain(self, profiles: Any, products: Ints) -> Explained:
        """Why each row's product suits the customer of that row: reason codes (of `reasons`), and the
        positions of the products of the history because of which (−1: none)."""

    def explain_some(
        self, profiles: Any, opinions: Opinions | None, rows: Ints, products: Ints, best: Sequence[Ints]
    ) -> Explained:
        """As `explain`, of customers (rows, ascending) of the profiles. `opinions`: theirs; `best`: the best
        products of each row of the profiles, which spare some models to look at all others."""
        return self.explain(profiles[rows], products)

    @abstractmethod
    def to_tables(self) -> dict[str, pl.DataFrame]:
        """All that was learned, as the tables of an artifact; `RecommendModel.load` is its inverse."""

    def recommend(
        self,
        histories: pl.DataFrame,
        k: int,
        *,
        exclude: pl.DataFrame | None = None,
        customers: pl.Series | None = None,
        with_reasons: bool = True,
    ) -> pl.DataFrame:
        """The k best products of each customer, as the RECOMMENDED frame, sorted by customer and rank.

        `histories`: what each customer did so far. `customers`: whom to recommend to (default: those of
        the histories); one without a history gets the popular products. Equal scores: by product_id.
        Products that the model never saw are not recommended; fewer than k rows where too few are left.
        A negative score marks a popular product that fills up what the model had no opinion on.
        `with_reasons=False` leaves both reason columns null, which is faster.
        """
        whom = histories["customer_id"] if customers is None else customers
        ids = whom.unique().drop_nulls().sort().rename("customer_id")
        to = audience(self.catalog, ids, self.profiles(ids, histories), exclude)
        return rank(self.catalog, to, k, self.score, self.explain if with_reasons else None)
