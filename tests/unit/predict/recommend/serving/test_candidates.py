"""Looking at a few products gives what looking at all of them gives."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shop import NOW, content_of, knowledge, recommender, taken
from test_laws import CUSTOMERS, IDS, RULES, catalogs, histories, requests

from foresell.behavior.content import content
from foresell.behavior.model import BehaviorModel, Sizes
from foresell.features.ids import places
from foresell.predict.recommend import load_model
from foresell.predict.recommend.assortment import Assortment
from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.fitted import FittedRecommender
from foresell.predict.recommend.habit import AGAIN_FEATURES, Habit, taken_again
from foresell.predict.recommend.models.behavior import BehaviorConfig
from foresell.predict.recommend.opinions import Opinions, Sparse
from foresell.predict.recommend.rank import Explained, Floats, Ints
from foresell.predict.recommend.rules.reading import rule_from_record
from foresell.predict.recommend.sequence_model import FittedSequenceModel, vocabulary_of
from foresell.predict.recommend.serving import candidates, pipeline
from foresell.predict.recommend.serving.request import Action, Request
from foresell.predict.recommend.steps import Steps
from foresell.predict.recommend.timelines import Timelines

WEIGHED = (
    *RULES,
    rule_from_record({"name": "bury p4", "kind": "bury", "factor": 0.0, "product_ids": ["p4"]}, "test"),
    rule_from_record({"name": "push red", "kind": "boost", "factor": 1.7, "category": "red"}, "test"),
)
rule_sets = st.lists(st.sampled_from(WEIGHED), unique_by=lambda rule: rule.name, max_size=5).map(tuple)


@dataclass(frozen=True)
class Dense(FittedRecommender):
    """A model that scores every product, by the scores that it was judged with."""

    of: Any
    catalog: Catalog

    def read(self, told: Timelines) -> Any:
        return self.of.read(told)

    def score(self, profiles: Any) -> Floats:
        return np.asarray(self.of.score(profiles), np.float32)

    def opinions(self, profiles: Any, vectors: Floats | None = None) -> Opinions:
        return Sparse.of_all(np.maximum(self.score(profiles), 0.0))

    def explain(self, profiles: Any, products: Ints) -> Explained:
        return self.of.explain(profiles, products)

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {}


def behavior(past: pl.DataFrame, products: pl.DataFrame, *parts: str) -> FittedSequenceModel:
    """As it is before training, but for vectors that differ."""
    catalog = Catalog.from_interactions(past, 30.0)
    config = BehaviorConfig(preset="tiny", width=8)
    torch.manual_seed(5)
    known = content(content_of(Assortment.of(products)), vocabulary_of(catalog))
    model = BehaviorModel(config.chosen().model, Sizes(catalog.size, 0, 0), known)
    with torch.no_grad():
        model.products.ids.weight.normal_()
    model.eval()
    fitted = FittedSequenceModel(config, catalog, model, [], {})
    if "steps" in parts:
        graph = load_model("transition")
        counts = graph.fit(past, graph.config(min_customers=1), None)
        columns = places(counts.catalog.product_ids, catalog.product_ids)
        fitted = replace(fitted, steps=Steps("transition", counts, 0.3, columns))
    if "habit" in parts:
        weights = np.linspace(-0.5, 0.8, len(AGAIN_FEATURES))
        habit = Habit(weights, np.array([-1.0, 0.9]), taken_again(past, catalog))
        fitted = replace(fitted, habit=habit)
    return fitted


def fit(model: str, past: pl.DataFrame, products: pl.DataFrame) -> Any:
    name, *parts = model.split("+")
    if name == "behavior":
        return behavior(past, products, *parts)
    chosen = load_model(name)
    return chosen.fit(past, chosen.config(), content_of(Assortment.of(products)))


@pytest.mark.parametrize(
    "model",
    [
        *("item_knn", "transition", "session_knn", "content", "popularity"),
        *("behavior", "behavior+steps", "behavior+habit", "behavior+steps+habit"),
    ],
)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Every example fits models: looking for a smaller one takes minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    products=catalogs(),
    past=histories,
    rules=rule_sets,
    asked=st.lists(requests(), min_size=1, max_size=3),
    few=st.sampled_from([0, candidates.FEW]),
)
def test_candidates_give_what_all_products_give(
    model: str,
    products: pl.DataFrame,
    past: list[tuple[str, str, float]],
    rules: tuple[Any, ...],
    asked: list[Request],
    few: int,
) -> None:
    rows = taken(*past)
    fitted = fit(model, rows, products)
    known = replace(knowledge(rows, products, rules=rules), fitted=fitted)
    dense = replace(known, fitted=Dense(fitted, fitted.catalog))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "FEW", few)
        if not few:
            patch.setattr(pipeline, "LEAST_POOL", 1)
            patch.setattr(pipeline, "POOL_A_SLOT", 1)
        found = recommender(rows, known).answer(asked, NOW)
    wanted = recommender(rows, dense).answer(asked, NOW)
    for one, other in zip(found, wanted, strict=True):
        assert one.notes == other.notes
        ours, theirs = [{item.product_id: item.score for item in answer.items} for answer in (one, other)]
        assert list(ours.values()) == pytest.approx(list(theirs.values()), rel=1e-4, abs=1e-9)
        if not _has_near_ties(list(theirs.values())):
            assert list(ours) == list(theirs)


def _has_near_ties(scores: list[float]) -> bool:
    """Whether rounding alone may order two of them either way."""
    return any(
        a != b and abs(a - b) <= 1e-4 * abs(a) for place, a in enumerate(scores) for b in scores[place + 1 :]
    )


SOLD = pl.DataFrame({"product_id": IDS, "category": ["red", "blue"] * 6})
DONE = zip(CUSTOMERS * 6, IDS * 2, strict=True)
PAST = taken(*((who, one, 1.0 + place) for place, (who, one) in enumerate(DONE)))


@pytest.mark.parametrize("model", ["behavior", "behavior+steps", "behavior+habit"])
def test_reasons_are_those_that_the_model_gives_when_it_looks_at_all_products(model: str) -> None:
    fitted = fit(model, PAST, SOLD)
    dense = Dense(fitted, fitted.catalog)
    asked = [Request("customer", 8, who) for who in CUSTOMERS]
    ours, theirs = (
        recommender(PAST, replace(knowledge(PAST, SOLD), fitted=one)).answer(asked, NOW)
        for one in (fitted, dense)
    )
    told = [
        [[(item.product_id, item.reason_code, item.because_product_id) for item in one.items] for one in both]
        for both in (ours, theirs)
    ]
    assert told[0] == told[1]


def test_a_kept_vector_is_made_again_when_its_customer_acts() -> None:
    fitted = fit("behavior", PAST, SOLD)
    one = recommender(PAST, replace(knowledge(PAST, SOLD), fitted=fitted))
    asked = [Request("customer", 5, "ann")]
    first = one.answer(asked, NOW)
    assert one.answer(asked, NOW) == first
    one.observe("ann", Action("p7", NOW, "purchase"))
    later = recommender(pl.concat([PAST, taken(("ann", "p7", 0.0))]), one.knowledge)
    assert one.answer(asked, NOW) == later.answer(asked, NOW) != first


def test_a_prepared_recommender_knows_how_much_its_index_finds() -> None:
    known = replace(knowledge(PAST, SOLD), fitted=fit("behavior", PAST, SOLD))
    one = recommender(PAST, known)
    asked = [Request("customer", 5, who) for who in CUSTOMERS]
    before = one.answer(asked, NOW)
    one.prepare()
    assert one.recall == 1.0
    assert one.answer(asked, NOW) == before
    counting = recommender(PAST, knowledge(PAST, SOLD))
    counting.prepare()
    assert counting.recall is None


@settings(max_examples=25, deadline=None)
@given(past=histories)
def test_arrays_are_read_as_frames_are(past: list[tuple[str, str, float]]) -> None:
    rows = taken(*past)
    for model in ("behavior+habit", "transition"):
        fitted = fit(model, rows, SOLD)
        who = rows["customer_id"].unique().sort()
        by_frame = fitted.score(fitted.profiles(who, rows))
        by_arrays = fitted.score(fitted.read(Timelines.of(who, rows, fitted.catalog)))
        assert by_arrays == pytest.approx(by_frame, rel=1e-6)


def test_a_label_of_all_products_tells_nothing_and_breaks_nothing() -> None:
    sold = pl.DataFrame({"product_id": ["a", "b", "c"], "category": ["all"] * 3, "brand": ["x", "x", "y"]})
    rows = taken(("ann", "a", 1.0), ("bob", "b", 1.0), ("cem", "c", 1.0))
    known = knowledge(rows, sold)
    assert known.alike.matrix.toarray()[0].argmax() == 1
