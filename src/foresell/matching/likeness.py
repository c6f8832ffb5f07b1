"""Ties that are likely: customers of whom so much agrees that they are one person, with the evidence."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import MatchingSettings
from foresell.matching.clusters import Persons, Tie
from foresell.matching.comparing import (
    FIELDS,
    POSITION,
    baskets,
    candidates,
    comparable,
    levels,
    random_pairs,
)
from foresell.matching.weights import UNKNOWN, Weights, estimate

if TYPE_CHECKING:
    import numpy as np
    import polars


@dataclass(frozen=True)
class Likely:
    """`ties`: the likely ones. `told`: how many pairs were compared, and the weights, for the report."""

    ties: tuple[Tie, ...] = ()
    told: dict[str, Any] = field(default_factory=dict)


def likely_ties(
    tables: Tables, settings: MatchingSettings, certain: Sequence[Tie], persons: Persons
) -> Likely:
    """Ties of customers who are not one person yet, from `probability_limit` on.

    What a household shares (address, IP, device, card) makes nobody one person: see `_is_individual`.
    """
    import numpy as np
    import polars as pl

    known = comparable(tables, settings.max_customers_per_token)
    pairs = candidates(known)
    is_open = [not persons.are_one(left, right) for left, right in pairs.iter_rows()]
    pairs = pairs.filter(pl.Series(is_open, dtype=pl.Boolean))
    if pairs.is_empty():
        return Likely(told={"pairs_compared": 0})
    by_chance = random_pairs(known)
    by_chance = by_chance.filter(
        pl.Series([not persons.are_one(left, right) for left, right in by_chance.iter_rows()])
    )
    sure = _certain_pairs(certain, known.people)
    everybody = pl.concat([frame[side] for frame in (pairs, by_chance, sure) for side in ("left", "right")])
    bought = baskets(tables, everybody.unique().sort())
    random_levels, sure_levels, open_levels = (levels(f, known, bought) for f in (by_chance, sure, pairs))
    can_be_one = _is_individual(open_levels)
    pairs, open_levels = pairs.filter(pl.Series(can_be_one)), open_levels[can_be_one]
    num_people = known.people.height
    weights = estimate(
        FIELDS, random_levels, sure_levels, open_levels, max(num_people * (num_people - 1) // 2, 1)
    )
    chosen = np.flatnonzero(weights.probability(open_levels) >= settings.probability_limit)
    ties = tuple(_ties(pairs[chosen.tolist()], open_levels[chosen], weights))
    return Likely(ties, {"pairs_compared": int(can_be_one.size), **weights.as_record()})


def _certain_pairs(certain: Sequence[Tie], people: "polars.DataFrame") -> "polars.DataFrame":
    import polars as pl

    schema = {"left": pl.String, "right": pl.String}
    rows = sorted({(tie.left, tie.right) for tie in certain})
    return pl.DataFrame(rows, schema, orient="row")


def _is_individual(found: "np.ndarray") -> "np.ndarray":
    """Whether something that families do not share agrees: the whole name; or birth year and gender, with no
    other name. Two birth years or genders are two persons, whatever else agrees."""
    name, year, gender = (found[:, POSITION[field]] for field in ("name", "birth_year", "gender"))
    same_birth = (year == 1) & (gender == 1) & (name != 0)
    agrees: np.ndarray = (year != 0) & (gender != 0) & ((name == 2) | same_birth)
    return agrees


def _ties(pairs: "polars.DataFrame", found: "np.ndarray", weights: Weights) -> list[Tie]:
    probabilities, bits = weights.probability(found), weights.bits(found)
    ties = []
    for (left, right), row, probability, weight in zip(
        pairs.iter_rows(), found, probabilities, bits, strict=True
    ):
        compared = [(f, level) for f, level in zip(FIELDS, row.tolist(), strict=True) if level != UNKNOWN]
        evidence = {
            "agree": {f.name: f.levels[level] for f, level in compared if level > 0},
            "differ": [f.name for f, level in compared if level == 0],
            "weight_bits": round(float(weight), 3),
            "probability": round(float(probability), 6),
        }
        confidence = round(float(probability), 6)
        ties.append(Tie(left, right, confidence, "probability", json.dumps(evidence)))
    return ties
