"""The smallest change of what the shop can change that would move a prediction over a threshold.

Values are never made up: each candidate takes some of the changeable groups of features over from one other
customer who is otherwise much alike (a value, or a combination of values, that was observed), and must lie
no farther from some observed customer than nearly all customers do from each other. So the answer may be
that there is none within reach, which is an answer. It says what the model would say, not what will happen.

Sources: Wachter, Mittelstadt and Russell, Harvard JOLT 31, 2018 (smallest change); Keane and Smyth, ICCBR
2020 (taken over from observed cases, few features); Poyiadzi et al., AIES 2020 (feasible only).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.explain.feature_groups import FeatureGroup
from foresell.explain.likeness import Floats, Likeness
from foresell.explain.mixtures import Predict, mixed, predicted
from foresell.features.feature import Feature

NEIGHBORS = 200
MOST_CHANGED = 3
MOST_CANDIDATES = 60_000
# Of more customers observed, as many are looked at, evenly from first to last.
MOST_OBSERVED = 5_000
# Customers that the plausible is measured by, and the share of them that is nearer to another.
MEASURED_BY = 500
USUAL_SHARE = 0.95
CHECKED_AT_ONCE = 50
Why = Literal["found", "nothing_to_change", "out_of_reach", "not_plausible"]


@dataclass(frozen=True, slots=True)
class Change:
    feature: Feature
    before: float | str | None
    after: float | str | None


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """`why` "found": `changes` take the prediction from `before` to `after`, across `threshold`; else there
    are none, `after` is None, and `why` says whether nothing can be changed, no observed change crosses, or
    those that do are like no customer seen. `tried`: how many changes the model was asked about."""

    why: Why
    threshold: float
    before: float
    after: float | None
    changes: tuple[Change, ...]
    tried: int

    def as_record(self) -> dict[str, Any]:
        return {
            "why": self.why,
            "threshold": self.threshold,
            "before": self.before,
            "after": self.after,
            "changes": [
                {"feature": change.feature.name, "before": change.before, "after": change.after}
                for change in self.changes
            ],
            "tried": self.tried,
        }


def smallest_change(
    predict: Predict,
    row: pl.DataFrame,
    observed: pl.DataFrame,
    groups: Sequence[FeatureGroup],
    threshold: float,
    *,
    most_changed: int = MOST_CHANGED,
    neighbors: int = NEIGHBORS,
) -> Counterfactual:
    """For one customer (`row`, height 1); below `threshold` is one side, at or above it the other.

    `observed`: customers seen, of which the `neighbors` that are most alike in all that cannot be changed
    lend their values. Groups change whole, as far as `Feature.is_actionable`; nothing known becomes unknown
    or the other way around. Fewest groups first, then the smallest sum of differences (`likeness`); equal
    ones: the groups declared first, then the nearer neighbor, then the order of `observed`. No chance is
    involved.

    Raises InputError for another number of rows, nobody observed, or a feature that is missing.
    """
    if row.height != 1 or observed.is_empty():
        raise InputError(
            "A change is sought for one customer among others",
            received=f"{row.height} rows, {observed.height} others",
        )
    before = float(predicted(predict, row)[0])
    search = _Search(predict, row, observed, tuple(groups), threshold, before >= threshold)
    tried, has_crossed = 0, False
    for size in range(1, min(most_changed, len(search.changeable)) + 1):
        candidates = search.candidates(size, neighbors)
        tried += candidates.height
        crossing = search.crossing(candidates)
        has_crossed = has_crossed or crossing.height > 0
        if (found := search.first_plausible(crossing)) is not None:
            after = float(predicted(predict, found)[0])
            return Counterfactual("found", threshold, before, after, search.changes(found), tried)
    why: Why = (
        "nothing_to_change" if not search.changeable else "not_plausible" if has_crossed else "out_of_reach"
    )
    return Counterfactual(why, threshold, before, None, (), tried)


class _Search:
    def __init__(
        self,
        predict: Predict,
        row: pl.DataFrame,
        observed: pl.DataFrame,
        groups: tuple[FeatureGroup, ...],
        threshold: float,
        is_above: bool,
    ) -> None:
        self.predict, self.row, self.threshold, self.is_above = predict, row, threshold, is_above
        described = tuple(feature for group in groups for feature in group.features)
        self.described = described
        parts = ((group, tuple(f for f in group.features if f.is_actionable)) for group in groups)
        self.changeable = tuple(FeatureGroup(group.name, own) for group, own in parts if own)
        names = [feature.name for feature in described]
        if observed.height > MOST_OBSERVED:
            observed = observed[np.linspace(0, observed.height - 1, MOST_OBSERVED).astype(np.int64)]
        self.likeness = Likeness.learn(observed.select(names), described)
        # A customer who is seen too would make every small change of hers look like somebody seen.
        others = observed.filter(pl.Series(self.likeness.distances(row, observed)[0] > 0))
        self.observed = others

    def candidates(self, size: int, neighbors: int) -> pl.DataFrame:
        """Rows with `size` changeable groups taken over from a neighbor, all of which differ there; with
        the column ~cost."""
        if self.observed.is_empty():
            return self.row.clear().with_columns(pl.Series("~cost", [], pl.Float64))
        sets = list(combinations(range(len(self.changeable)), size))
        most = max(1, min(neighbors, MOST_CANDIDATES // len(sets)))
        near = self._neighbors(most)
        cost = self._costs(near)

        replaced = np.zeros((len(sets), len(self.changeable)), np.bool_)
        for place, chosen in enumerate(sets):
            replaced[place, list(chosen)] = True
        # The set is the outer order, so that equal costs go by the groups, then by the neighbor.
        whose = np.tile(np.arange(near.height), len(sets))
        is_replaced = np.repeat(replaced, near.height, axis=0)
        costs = np.where(is_replaced, cost.T[whose], 0.0)
        is_change = np.isfinite(costs).all(axis=1) & ((costs > 0) == is_replaced).all(axis=1)
        whose, is_replaced, costs = whose[is_change], is_replaced[is_change], costs[is_change]
        owner = np.zeros(len(whose), np.int64)
        made = mixed(self.row, near, self.changeable, owner=owner, other=whose, is_replaced=is_replaced)
        return made.with_columns(pl.Series("~cost", costs.sum(axis=1), pl.Float64))

    def _neighbors(self, most: int) -> pl.DataFrame:
        changing = {feature.name for group in self.changeable for feature in group.features}
        fixed = self.likeness.only([f.name for f in self.described if f.name not in changing])
        order = np.argsort(fixed.distances(self.row, self.observed)[0], kind="stable")
        return self.observed[order[:most]]

    def _costs(self, near: pl.DataFrame) -> Floats:
        """(groups, neighbors) how much taking a group over changes; infinite where it cannot be."""
        found = np.zeros((len(self.changeable), near.height))
        for place, group in enumerate(self.changeable):
            apart = self.likeness.only(group.columns).by_feature(self.row, near)[:, 0, :]
            is_possible = np.ones(near.height, np.bool_)
            for name in group.columns:
                is_known = ~near[name].is_null().to_numpy()
                is_possible &= is_known == (self.row[name].null_count() == 0)
            found[place] = np.where(is_possible, apart.sum(axis=0), np.inf)
        return found

    def crossing(self, candidates: pl.DataFrame) -> pl.DataFrame:
        """Those on the other side of the threshold, the cheapest first."""
        if candidates.is_empty():
            return candidates
        said = predicted(self.predict, candidates.drop("~cost"))
        crosses = (said < self.threshold) if self.is_above else (said >= self.threshold)
        return candidates.filter(pl.Series(crosses)).sort("~cost", maintain_order=True)

    def first_plausible(self, crossing: pl.DataFrame) -> pl.DataFrame | None:
        if crossing.is_empty():
            return None
        limit = self._farthest_usual()
        for start in range(0, crossing.height, CHECKED_AT_ONCE):
            part = crossing[start : start + CHECKED_AT_ONCE].drop("~cost")
            near = self.likeness.distances(part, self.observed).min(axis=1) <= limit
            if near.any():
                return part[int(np.flatnonzero(near)[0])]
        return None

    def _farthest_usual(self) -> float:
        """As far from the nearest as USUAL_SHARE of customers at most are, or as this one is."""
        places: NDArray[np.int64] = np.unique(
            np.linspace(0, self.observed.height - 1, MEASURED_BY).astype(np.int64)
        )
        some = self.observed[places]
        apart = self.likeness.distances(some, self.observed)
        apart[np.arange(len(places)), places] = np.inf
        nearest = apart.min(axis=1)
        own = float(self.likeness.distances(self.row, self.observed).min())
        usual = float(np.quantile(nearest[np.isfinite(nearest)], USUAL_SHARE)) if len(places) > 1 else 0.0
        return max(usual, own)

    def changes(self, found: pl.DataFrame) -> tuple[Change, ...]:
        pairs = ((f, self.row[f.name][0], found[f.name][0]) for f in self.described)
        return tuple(Change(f, before, after) for f, before, after in pairs if before != after)
