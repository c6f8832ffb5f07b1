"""Buying again: what a customer takes as before says more than any model of taste, if they do so at all.

    chance to take again    σ(w · features) of what was taken: decayed counts, how often others take it again,
                            the model's log chance
    chance to take anew     σ(v₀ + v₁ · the model's log chance) of everything else

both within the horizon, learned from what held-out customers took later: in the same units, so that habit and
discovery compete fairly, and where nobody takes a product again, what was taken falls to the end.

Source: the decayed personal counts of Faggioli et al., Recency aware collaborative filtering for next basket
recommendation, UMAP 2020; as a choice between repeating and exploring: Ren et al., RepeatNet, AAAI 2019.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.rank import Floats, Ints
from foresell.predict.recommend.timelines import Timelines

HALF_LIVES_DAYS = (15.0, 30.0, 90.0, 365.0)
COUNTS = tuple(f"counts_{days:.0f}_days" for days in HALF_LIVES_DAYS)
AGAIN_FEATURES = ("always", *COUNTS, "taken_again", "chance")
ANEW_FEATURES = ("always", "chance")
# Of what a held-out customer never took, so many of the likeliest are learned from: no other is ever shown.
MOST_ANEW = 200
# Customers by whom the share of takers who took a product again is drawn to that of all products.
SHRINK = 5.0
# Keeps weights finite where a feature tells nothing, or tells the few held-out customers apart.
RIDGE = 1e-5
LEAST_CHANCE = np.float32(1e-12)
Doubles = NDArray[np.float64]
# Customers (ascending) and their histories → rows of the customers and (C', P) chances, free to be changed.
ChancesOf = Callable[[pl.Series, pl.DataFrame], Iterable[tuple[Ints, Floats]]]


@dataclass(frozen=True)
class Taken:
    """What each of C customers has taken, distinct products: those of customer c are rows offsets[c] …
    offsets[c + 1] − 1, by position in the catalog. `features`: (N, A − 1), AGAIN_FEATURES but the chance."""

    offsets: Ints
    products: Ints
    features: Floats

    @property
    def customers(self) -> Ints:
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def between(self, first: int, last: int) -> "Taken":
        """Of the customers first … last − 1."""
        begin, end = self.offsets[first], self.offsets[last]
        return Taken(
            self.offsets[first : last + 1] - begin, self.products[begin:end], self.features[begin:end]
        )

    def of(self, customer: int) -> tuple[Ints, Floats]:
        """One customer's products and features."""
        begin, end = self.offsets[customer], self.offsets[customer + 1]
        return self.products[begin:end], self.features[begin:end]

    def has(self, customers: Ints, products: Ints, num_products: int) -> NDArray[np.bool_]:
        """Whether each customer took the product of the same row."""
        pairs = self.customers * num_products + self.products
        return np.isin(customers * num_products + products, pairs)


@dataclass(frozen=True)
class Habit:
    """`again` and `anew`: the weights of AGAIN_FEATURES and of ANEW_FEATURES. `taken_again`: (P,) as the
    function of that name says."""

    again: Doubles
    anew: Doubles
    taken_again: Floats

    def taken(self, customer_ids: pl.Series, histories: pl.DataFrame, catalog: Catalog) -> Taken:
        return taken_by(customer_ids, histories, catalog, self.taken_again)

    def apply(self, chances: Floats, taken: Taken) -> Floats:
        """(C, P) chances to be taken within the horizon; 0 stays 0 (of who has no history)."""
        rows = taken.customers
        of_taken = chances[rows, taken.products]
        found = np.where(chances > 0, _sigmoid(self.anew[0] + self.anew[1] * _log(chances)), np.float32(0.0))
        found[rows, taken.products] = _sigmoid(_with_chance(taken.features, of_taken) @ self.again)
        return np.asarray(found, np.float32)

    @property
    def rises(self) -> bool:
        """Whether what the model thinks likelier stays likelier, of what was not taken."""
        return bool(self.anew[1] > 0)

    def log_chances(self, logs: Doubles, positions: Ints, taken: Ints, features: Floats) -> Doubles:
        """As `apply`, of some products of one customer, who took others (`taken`, ascending)."""
        floored = np.maximum(logs, np.log(LEAST_CHANCE))
        found = -np.logaddexp(0.0, -(self.anew[0] + self.anew[1] * floored))
        if not len(taken):
            return np.asarray(found)
        places = np.minimum(np.searchsorted(taken, positions), len(taken) - 1)
        again = np.flatnonzero(taken[places] == positions)
        known = np.column_stack([features[places[again]], floored[again]])
        found[again] = -np.logaddexp(0.0, -(known @ self.again))
        return np.asarray(found)

    def to_tables(self, catalog: Catalog) -> dict[str, pl.DataFrame]:
        weights = {
            "part": ["again"] * len(AGAIN_FEATURES) + ["anew"] * len(ANEW_FEATURES),
            "feature": [*AGAIN_FEATURES, *ANEW_FEATURES],
            "weight": np.concatenate([self.again, self.anew]),
        }
        shares = {"product_id": catalog.product_ids, "taken_again": self.taken_again}
        return {"habit_weights": pl.DataFrame(weights), "habit_products": pl.DataFrame(shares)}

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> Self | None:
        """None where none was learned."""
        if "habit_weights" not in tables:
            return None
        weights = tables["habit_weights"]["weight"].to_numpy()
        middle = len(AGAIN_FEATURES)
        return cls(weights[:middle], weights[middle:], tables["habit_products"]["taken_again"].to_numpy())


def taken_by(
    customer_ids: pl.Series, histories: pl.DataFrame, catalog: Catalog, taken_again: Floats
) -> Taken:
    """`customer_ids`: ascending and distinct."""
    return taken_of(Timelines.of(customer_ids, histories, catalog), taken_again)


def taken_of(told: Timelines, taken_again: Floats) -> Taken:
    """Counts decay with age from the customer's newest. `taken_again`: (P,)"""
    number = len(taken_again)
    customers, products, sums = told.summed(told.weight, number)
    columns = [np.ones(len(products))]
    for days in HALF_LIVES_DAYS:
        sums = told.summed(told.weight * 2.0 ** (-told.age_days / days), number)[2]
        columns.append(np.log1p(sums))
    features = np.stack([*columns, taken_again[products]], axis=1).astype(np.float32)
    offsets = np.searchsorted(customers, np.arange(told.num_customers + 1)).astype(np.int64)
    return Taken(offsets, products.astype(np.int64), features)


def taken_again(interactions: pl.DataFrame, catalog: Catalog) -> Floats:
    """(P,) log of `share_taken_again`."""
    return np.log(share_taken_again(interactions, catalog, least=1e-3)).astype(np.float32)


def share_taken_again(interactions: pl.DataFrame, catalog: Catalog, least: float = 0.0) -> Doubles:
    """(P,) the share of a product's customers who took it at another moment again, drawn to that of all
    products, which is taken to be `least` or more."""
    times = interactions.group_by("customer_id", "product_id").agg(num=pl.col("occurred_at").n_unique())
    each = times.group_by("product_id").agg(again=(pl.col("num") > 1).sum(), takers=pl.len())
    overall = max(float((times["num"] > 1).to_numpy().mean()) if times.height else 0.0, least)
    shares = (pl.col("again") + SHRINK * overall) / (pl.col("takers") + SHRINK)
    known = catalog.with_positions(each.select("product_id", share=shares))
    found = np.full(catalog.size, overall)
    found[known["product"].to_numpy()] = known["share"].to_numpy()
    return found


def learn_habit(
    catalog: Catalog, learned: pl.DataFrame, later: pl.DataFrame, chances_of: ChancesOf
) -> Habit | None:
    """The habit of those customers of `later` who have a history in `learned`; None where none of them took a
    product again.

    `chances_of`: by a model that learned nothing of `later`.
    """
    wanted = catalog.with_positions(later.select("customer_id", "product_id").unique())
    wanted = wanted.join(learned.select("customer_id").unique(), on="customer_id", how="semi")
    if wanted.join(learned, on=["customer_id", "product_id"], how="semi").is_empty():
        return None
    customers = wanted["customer_id"].unique().sort()
    rows = pl.DataFrame({"customer_id": customers}).with_row_index("customer")
    histories = learned.join(rows, on="customer_id", how="semi", maintain_order="left")
    shares = taken_again(learned, catalog)
    taken = taken_by(customers, histories, catalog, shares)
    places = wanted.join(rows, on="customer_id").select("customer", "product").to_numpy().astype(np.int64)
    pairs = places[:, 0] * catalog.size + places[:, 1]
    of_taken, anew = np.zeros(len(taken.products), np.float32), []
    for some, chances in chances_of(customers, histories):
        row_of = np.full(len(customers), -1)
        row_of[some] = np.arange(len(some))
        mine = np.flatnonzero(row_of[taken.customers] >= 0)
        cells = row_of[taken.customers[mine]], taken.products[mine]
        of_taken[mine] = chances[cells]
        chances[cells] = 0.0
        anew.append(_likeliest(chances, some, pairs))
    own = np.isin(taken.customers * catalog.size + taken.products, pairs)
    others, is_wanted = (np.concatenate(parts) for parts in zip(*anew, strict=True))
    ones = np.ones((len(others), 1), np.float32)
    return Habit(
        _logistic(_with_chance(taken.features, of_taken), own),
        _logistic(_with_chance(ones, others), is_wanted),
        shares,
    )


def _likeliest(chances: Floats, customers: Ints, pairs: Ints) -> tuple[Floats, NDArray[np.bool_]]:
    """The highest chances of each row, and whether they came true."""
    most = min(MOST_ANEW, chances.shape[1])
    products = np.argpartition(-chances, most - 1, axis=1)[:, :most]
    found = np.take_along_axis(chances, products, axis=1)
    came_true = np.isin(customers[:, None] * chances.shape[1] + products, pairs)
    return found[found > 0], came_true[found > 0]


def _logistic(features: Doubles, came_true: NDArray[np.bool_]) -> Doubles:
    """The weights of a logistic regression, none of which is larger than what was seen tells."""
    from scipy.optimize import minimize

    number = max(len(came_true), 1)

    def surprise(weights: Doubles) -> tuple[float, Doubles]:
        scores = features @ weights
        value = (np.logaddexp(0.0, scores).sum() - scores[came_true].sum()) / number
        slope = features.T @ (_sigmoid(scores) - came_true) / number
        return float(value + RIDGE * weights @ weights), slope + 2 * RIDGE * weights

    return np.asarray(minimize(surprise, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B").x)


def _with_chance(features: Floats, chances: Floats) -> Doubles:
    return np.column_stack([features, _log(chances)]).astype(np.float64)


def _log(chances: Floats) -> Floats:
    return np.log(np.maximum(chances, LEAST_CHANCE))


def _sigmoid(scores: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(scores, -80.0, 80.0)))
