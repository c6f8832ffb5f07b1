"""Several recommenders propose, trees decide: a ranker over the scores of others, personal counts, prices and
groups, learned from what customers took in the newest weeks.

Source: the two stages of Covington et al., Deep neural networks for YouTube recommendations, RecSys 2016.
What is known of a pair: counts, recency and own gaps, as entries to Instacart's and H&M's competitions had.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from foresell.predict.recommend import load_model
from foresell.predict.recommend.alike import described
from foresell.predict.recommend.candidates import Component, Panel, Profiles
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.examples import examples
from foresell.predict.recommend.fitted import FittedRecommender, Rows
from foresell.predict.recommend.model import RecommendModel
from foresell.predict.recommend.product_facts import ProductFacts
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.ranker import Ranker, Trees, learn_ranker
from foresell.predict.recommend.timelines import Timelines
from foresell.predict.recommend.without_one import without_one

REASON = "goes_with"
AGAIN_REASON = "buy_again"
TASTE_REASON = "your_taste"
# What is no candidate scores below every candidate, in the order of the strongest component.
HIGHEST_OF_OTHERS = np.float32(1e-3)
LEAST_CHANCE = np.float32(1e-12)
BEHAVIOR = "behavior"


@dataclass(frozen=True, slots=True)
class HybridConfig:
    """`components`: names of MODELS, each fitted twice: on what was known before the newest `window_days`, to
    learn from that window, and on everything. `num_best`: the products that each of them puts forward.
    `repeats`: what a customer took before is a candidate too. `money_weight`: the power of the price that a
    chance is multiplied by: 0 ranks by chance, 1 by expected money, in between trades hits for money (0.1
    cost no hits where it was chosen); it matters only where prices are known. `most_customers`: of whom at
    most is learned. `left_out`: names of features that the trees do not see. `max_trees` …
    `min_rows_in_leaf`: as `ranker.Trees`. `preset` and `text_encoder`: of the component `behavior`.
    """

    half_life_days: float = 30.0
    components: tuple[str, ...] = ("item_knn", "transition", "content", "popularity")
    num_best: int = 100
    window_days: float = 28.0
    repeats: bool = True
    money_weight: float = 0.1
    most_customers: int = 5_000
    left_out: tuple[str, ...] = ()
    max_trees: int = 120
    learning_rate: float = 0.1
    num_leaves: int = 31
    min_rows_in_leaf: int = 100
    preset: str = "small"
    text_encoder: str = "hashed"

    @property
    def trees(self) -> Trees:
        return Trees(self.max_trees, self.learning_rate, self.num_leaves, self.min_rows_in_leaf)

    def of_component(self, name: str) -> Any:
        """The config of one component."""
        if name != BEHAVIOR:
            return load_model(name).config(half_life_days=self.half_life_days)
        return load_model(name).config(
            half_life_days=self.half_life_days,
            preset=self.preset,
            text_encoder=self.text_encoder,
            target_horizon_days=self.window_days,
            only_new_targets=True,
            most_actions=200,
            use_newcomers=True,
            use_steps=False,
        )


@dataclass(frozen=True)
class FittedHybrid(FittedRecommender):
    """`ranker`: None where nothing could be learned of it; the strongest component then speaks alone.
    `strongest`: the name of the component that hit most in the window."""

    config: HybridConfig
    catalog: Catalog
    panel: Panel
    ranker: Ranker | None
    strongest: str

    def profiles(self, customers: pl.Series, histories: pl.DataFrame) -> Profiles:
        return self.panel.profiles(customers, histories)

    def read(self, told: Timelines) -> Profiles:
        return self.profiles(*told.as_interactions(self.catalog))

    def score(self, profiles: Profiles) -> Floats:
        """(C, P): the chance to be taken within the window (times price to the power of `money_weight`, over
        the highest price), drawn into (0.001, 1]; what is no candidate has at most that."""
        said = self.panel.said(profiles)
        strongest = next(one for one in said if one.component.name == self.strongest)
        scores = np.zeros((profiles.shape[0], self.catalog.size), np.float32)
        highest = strongest.scores.max(axis=1, keepdims=True, initial=0.0)
        of_others = HIGHEST_OF_OTHERS / np.where(highest > 0, highest, np.float32(1.0))
        scores[:, strongest.component.positions] = strongest.scores * of_others
        if self.ranker is not None:
            found = self.panel.candidates(profiles, said)
            chances = self._worth(found.products, self._chances(self.ranker, found.features))
            drawn = HIGHEST_OF_OTHERS + (1 - HIGHEST_OF_OTHERS) * chances
            scores[found.customers, found.products] = drawn
        scores[profiles.is_empty] = 0
        return scores

    def _chances(self, ranker: Ranker, features: Floats) -> Floats:
        return ranker.chances(features[:, self._seen])

    @cached_property
    def _seen(self) -> Ints:
        return seen(self.panel, self.config)

    def _worth(self, products: Ints, chances: Floats) -> Floats:
        if not self.config.money_weight:
            return chances
        return chances * self._money[products]

    @cached_property
    def _money(self) -> Floats:
        """(P,) in (0, 1]: a price over the highest to the power of `money_weight`; unknown: the median."""
        log_price = self.panel.facts.of("price")
        is_known = ~np.isnan(log_price)
        if not is_known.any():
            return np.ones_like(log_price)
        filled = np.where(is_known, log_price, np.median(log_price[is_known]))
        return np.asarray(np.exp(self.config.money_weight * (filled - filled.max())), np.float32)

    def explain(self, profiles: Rows[Profiles], products: Ints) -> Explained:
        """Because of the product without which the chance falls most (`without_one`); one taken before,
        because of itself."""
        again = ~np.isnan(profiles.of.pasts.taken.at(profiles.customers, products)[:, 0])
        is_empty = profiles.of.is_empty[profiles.customers]
        asked = ~again & ~is_empty
        because = np.where(again, products, -1)
        rest = Rows(profiles.of, profiles.customers[asked])
        because[asked] = without_one(self.panel, rest, products[asked], self._log_chances)
        codes = np.where(because < 0, TASTE_REASON, REASON)
        return np.where(again, AGAIN_REASON, np.where(is_empty, "popular", codes)), because

    def _log_chances(self, profiles: Profiles, customers: Ints, products: Ints) -> Floats:
        """(M,) of pairs, candidates or not."""
        said = self.panel.said(profiles)
        if self.ranker is None:
            strongest = next(one for one in said if one.component.name == self.strongest)
            chances = strongest.at(customers, products)[:, 0]
        else:
            features = self.panel.features(profiles, said, customers, products)
            chances = self._chances(self.ranker, features)
        return np.log(np.maximum(chances, LEAST_CHANCE))

    def to_tables(self) -> dict[str, pl.DataFrame]:
        text = self.ranker.text if self.ranker else None
        ranker = pl.DataFrame(
            {"strongest": [self.strongest], "trees": [text]}, {"strongest": pl.String, "trees": pl.String}
        )
        tables = {"products": self.catalog.to_table(), "ranker": ranker}
        for one in self.panel.components:
            tables |= {f"{one.name}_{name}": table for name, table in one.fitted.to_tables().items()}
        return tables | self.panel.facts.to_tables(self.catalog)

    def to_weights(self) -> dict[str, Floats]:
        """Name → array, of the components that have weights."""
        return {
            f"{one.name}.{name}": array
            for one in self.panel.components
            for name, array in getattr(one.fitted, "to_weights", dict)().items()
        }


def seen(panel: Panel, config: HybridConfig) -> Ints:
    """The features that the trees see, by place."""
    return np.flatnonzero([name not in config.left_out for name in panel.feature_names])


def fit(
    interactions: pl.DataFrame,
    config: HybridConfig,
    products: pl.DataFrame | None = None,
    *,
    validation: pl.DataFrame | None = None,
) -> FittedHybrid:
    """Raises InputError where there are no interactions.

    The trees stop by what customers of `validation` take; without it, by a fifth of the customers of the
    window, of whom they then learn nothing else.
    """
    known = _panel(interactions, config, products)
    newest = pl.col("occurred_at").max()
    is_early = pl.col("occurred_at") <= newest - timedelta(days=config.window_days)
    early, window = interactions.filter(is_early), interactions.filter(~is_early)
    if early.is_empty():
        return FittedHybrid(config, known.catalog, known, None, config.components[0])
    at_start = _panel(early, config, products)
    found = examples(at_start, early, window, config.most_customers)
    if validation is not None:
        found = found.judged_by(examples(known, interactions, validation, config.most_customers))
    columns = seen(known, config)
    names = [known.feature_names[column] for column in columns]
    ranker = learn_ranker(names, found.features[:, columns], found.was_taken, found.judges, config.trees)
    return FittedHybrid(config, known.catalog, known, ranker, found.strongest(config.components))


def _panel(interactions: pl.DataFrame, config: HybridConfig, products: pl.DataFrame | None) -> Panel:
    new = [] if products is None else described(products)
    catalog = Catalog.from_interactions(interactions, config.half_life_days, new)
    fitted = {
        name: load_model(name).fit(interactions, config.of_component(name), products)
        for name in config.components
    }
    return Panel.of(catalog, interactions, products, fitted, config.num_best, with_taken=config.repeats)


def load(
    config: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
    weights: Mapping[str, Floats] | None = None,
) -> FittedHybrid:
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in config.items()
    }
    chosen, catalog = HybridConfig(**given), Catalog.from_table(tables["products"])
    components = []
    for name in chosen.components:
        own, of_weights = _those_of(f"{name}_", tables), _those_of(f"{name}.", weights or {})
        fitted = load_model(name).load(
            asdict(chosen.of_component(name)), own, *([of_weights] if of_weights else [])
        )
        components.append(Component.of(name, fitted, catalog))
    panel = Panel(
        catalog, ProductFacts.from_tables(tables), tuple(components), chosen.num_best, chosen.repeats
    )
    strongest, text = tables["ranker"].row(0)
    return FittedHybrid(chosen, catalog, panel, Ranker(text) if text else None, strongest)


def _those_of(prefix: str, named: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): one for name, one in named.items() if name.startswith(prefix)}


MODEL = RecommendModel("hybrid", HybridConfig, fit, load)
