"""The people who may buy, as arrays: what they are, and how they are today."""

from dataclasses import dataclass

import numpy as np

from foresell.simulator.catalog import NUM_TASTES, Catalog
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.settings import WorldSettings

DAYS_OF_MONTH = 30.4
# How fast trouble is forgotten: what is left of it after a day.
TROUBLE_KEPT = 0.96
# By segment of words.SEGMENTS: share, visits, elasticity, taste, buying again, each times the average.
SEGMENT_TRAITS = np.array(
    [
        # share visits elasticity taste restock
        (0.22, 1.9, 0.8, 1.0, 1.8),
        (0.24, 1.1, 1.5, 0.8, 1.0),
        (0.14, 1.6, 0.7, 1.6, 0.9),
        (0.30, 0.5, 1.0, 1.0, 0.6),
        (0.10, 0.6, 0.9, 0.7, 0.3),
    ]
)
DEVICES = ("mobile", "desktop", "tablet")
CITIES = {
    "US": ("New York", "Chicago", "Houston", "Seattle", "Boston", "Denver", "Atlanta", "Austin"),
    "CN": ("上海", "北京", "广州", "深圳", "杭州", "成都", "武汉", "南京"),
}
INCOMES = ("under 25K", "25-50K", "50-75K", "75-100K", "100K and more")
SOURCES = ("direct", "google", "newsletter", "instagram", "partner")


@dataclass(frozen=True)
class People:
    """Persons `ids` (their numbers in the world) of one shard; N of them, D tastes.

    `taste`: (N, D) on the first day. `elasticity`: −d log(purchases) / d log(price). `visits_per_day`: base
    rate. `restock_rate`: chance that a visit is to buy again; 0 for those without habits. `joined`: the day
    of the first possible visit.
    """

    ids: Ints
    segment: Ints
    taste: Floats
    elasticity: Floats
    coupon_uplift: Floats
    visits_per_day: Floats
    restock_rate: Floats
    joined: Ints
    device: Ints
    source: Ints
    birth_year: Ints
    gender: Ints
    income: Ints
    city: Ints
    accepts_marketing: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def make_people(settings: WorldSettings, draws: Draws, ids: Ints) -> People:
    given = settings.people
    shares = SEGMENT_TRAITS[:, 0]
    traits = SEGMENT_TRAITS / np.average(SEGMENT_TRAITS, axis=0, weights=shares)
    segment = draws.choice(shares, "person.segment", ids)
    income = draws.choice((0.2, 0.3, 0.25, 0.15, 0.1), "person.income", ids)
    strength = given.taste_strength * traits[segment, 3]
    taste = draws.normal("person.taste", ids[:, None], np.arange(NUM_TASTES)) * strength[:, None]
    # Without spread everybody is alike, the segments too.
    lean = traits[segment, 2] if given.elasticity_spread else np.ones(len(ids))
    elasticity = given.price_elasticity * lean
    elasticity += given.elasticity_spread * draws.normal("person.elasticity", ids)
    pace = traits[segment, 1] if given.visit_spread else np.ones(len(ids))
    visits = np.exp(given.visit_spread * draws.normal("person.visits", ids)) * pace
    knows = draws.uniform("person.knows", ids) < given.known_rate
    has_habits = draws.uniform("person.has_habits", ids) < given.habit_rate
    joins = 1 + draws.below(max(settings.shop.days - 1, 1), "person.joins", ids)
    return People(
        ids=ids,
        segment=segment,
        taste=taste,
        elasticity=np.maximum(elasticity, 0.0),
        coupon_uplift=1 + (given.coupon_uplift - 1) * 2 * draws.uniform("person.coupon", ids),
        visits_per_day=given.visits_per_month * visits / DAYS_OF_MONTH,
        restock_rate=np.minimum(settings.journeys.restock_rate * traits[segment, 4], 1.0) * has_habits,
        joined=np.where(knows, 0, joins),
        device=draws.choice((0.6, 0.34, 0.06), "person.device", ids),
        source=draws.choice((0.4, 0.3, 0.12, 0.12, 0.06), "person.source", ids),
        birth_year=1950 + draws.below(56, "person.birth", ids),
        gender=draws.choice((0.53, 0.44, 0.03), "person.gender", ids),
        income=income,
        city=draws.below(len(CITIES["US"]), "person.city", ids),
        accepts_marketing=draws.uniform("person.marketing", ids) < given.marketing_rate,
    )


def category_chances(catalog: Catalog, taste: Floats) -> Floats:
    """(N, G) cumulative probabilities of the category that somebody with this taste looks for."""
    with np.errstate(divide="ignore"):
        logits = np.log(catalog.category_weights) + taste @ catalog.centers.T
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    edges = np.cumsum(weights, axis=1)
    return np.asarray(edges / edges[:, -1:])


def pick(edges: Floats, chance: Floats) -> Ints:
    """(N,) the first column of each row of cumulative probabilities that reaches the chance."""
    return np.asarray(np.minimum((edges < chance[:, None]).sum(axis=1), edges.shape[1] - 1), dtype=np.int64)
