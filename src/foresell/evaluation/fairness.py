"""How a model and its threshold treat groups of people, each against the rest, with intervals.

With y what happened, p the probability given, c whether the customer is chosen (acted on), of one group:

    selection_rate        P(c)            who is acted on
    true_positive_rate    P(c | y = 1)    who is found of those who should be (Hardt, Price and Srebro, 2016)
    false_positive_rate   P(c | y = 0)    who is bothered of those who should not be
    precision             P(y = 1 | c)    who is right of those acted on
    calibration           mean(p − y)     above 0: the group is said to be likelier than it is
    calibration_error     debiased, in bins of equal mass (`evaluation.calibration`); without a gap

Intervals. Rates: Wilson's score interval (JASA 22, 1927), and for a gap Newcombe's hybrid of two (Statistics
in Medicine 17, 1998, method 10); where people have several rows, with the effective number of rows in place
of the number (design effect by person: Korn and Graubard, 1998). Calibration: `evaluation.groups`, a person
counting once. Calibration error: bootstrap over people. Gaps hold together over the groups of an attribute
(Bonferroni). They cannot all be closed at once where groups differ in what happens (Chouldechova, 2017).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError
from foresell.evaluation.calibration import calibration_error_of
from foresell.evaluation.groups import SMALL, group_gaps
from foresell.evaluation.rates import Rate, rate_gap
from foresell.evaluation.resampled import entity_codes, intervals_of

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
# A number and its interval.
Triple = tuple[float | None, float | None, float | None]
# Nothing is told of fewer people than this, whatever else is asked for.
FEWEST = 10
MOST_GROUPS = 100
SAMPLES = 400
CALIBRATION, CALIBRATION_ERROR = "calibration", "calibration_error"
NOTHING: Triple = (None, None, None)
SCHEMA: Mapping[str, pl.DataType] = {
    "attribute": pl.String(),
    "group": pl.String(),
    "measure": pl.String(),
    "num_people": pl.Int64(),
    "is_small": pl.Boolean(),
    **{n: pl.Float64() for n in ("value", "lower", "upper", "gap", "gap_lower", "gap_upper")},
}


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What was said of n rows and what came of them.

    labels      (n,) 0 or 1
    predicted   (n,) probabilities
    is_chosen   (n,) whether the threshold chose the row
    entities    (n) whose row each is; a person may have several
    groups      (n rows) a column an attribute (age band, region): text; null: not known, a group of its own

    Raises InputError for other labels or probabilities, parts of other lengths, an attribute of fractions
    or of more than MOST_GROUPS values, and no attribute.
    """

    labels: Floats
    predicted: Floats
    is_chosen: Mask
    entities: pl.Series
    groups: pl.DataFrame

    def __post_init__(self) -> None:
        parts = (self.labels, self.predicted, self.is_chosen, self.entities)
        if not self.groups.width:
            raise InputError("No groups are declared", do="Declare an attribute of customers to compare by.")
        lengths = [len(part) for part in parts] + [self.groups.height]
        if len(set(lengths)) > 1 or not lengths[0]:
            raise InputError("Fairness needs rows, and of each all parts", received=lengths)
        if not np.isin(self.labels, (0.0, 1.0)).all():
            raise InputError(
                "Fairness is asked of what happened or did not: labels of 0 and 1",
                received=self.labels[~np.isin(self.labels, (0.0, 1.0))][0],
                do="Leave out rows whose outcome is not known.",
            )
        if not ((self.predicted >= 0) & (self.predicted <= 1)).all():
            raise InputError("Fairness is asked of probabilities in [0, 1]", received=self.predicted.max())
        for column in self.groups.iter_columns():
            if column.dtype.is_float() or column.n_unique() > MOST_GROUPS:
                raise InputError(
                    f"'{column.name}' has too many values to be groups",
                    received=f"{column.n_unique()} values",
                    do=f"Declare bands or classes, {MOST_GROUPS} at most.",
                )

    @property
    def attributes(self) -> tuple[str, ...]:
        return tuple(self.groups.columns)


Parts = Callable[[Decisions], tuple[Floats, Floats]]


def _rate(given: Callable[[Decisions], Mask], among: Callable[[Decisions], Mask]) -> Parts:
    def parts(decisions: Decisions) -> tuple[Floats, Floats]:
        bottom = among(decisions)
        return (given(decisions) & bottom).astype(np.float64), bottom.astype(np.float64)

    return parts


# Measure → (n,) numerators and denominators, whose sums' ratio it is.
RATES: dict[str, Parts] = {
    "selection_rate": _rate(lambda d: d.is_chosen, lambda d: np.ones(len(d.labels), np.bool_)),
    "true_positive_rate": _rate(lambda d: d.is_chosen, lambda d: d.labels == 1),
    "false_positive_rate": _rate(lambda d: d.is_chosen, lambda d: d.labels == 0),
    "precision": _rate(lambda d: d.labels == 1, lambda d: d.is_chosen),
}
RATIOS: dict[str, Parts] = {
    **RATES,
    CALIBRATION: lambda d: (d.predicted - d.labels, np.ones(len(d.labels))),
}
MEASURES = (*RATIOS, CALIBRATION_ERROR)


def fairness(
    decisions: Decisions,
    *,
    least_people: int = SMALL,
    level: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> pl.DataFrame:
    """A row an attribute, group and measure, groups ascending, null first:

        attribute, group, measure, num_people, is_small
        value, lower, upper          of the group, and its own interval
        gap, gap_lower, gap_upper    less that of the rest; intervals that hold together over the groups

    is_small: fewer than `least_people` people; its numbers are null, and of fewer than FEWEST also how many
    they are. The rest of a group are all others whose attribute is known; those of whom it is not are
    compared with all of whom it is. Fewer than FEWEST are in nobody's rest, so no difference gives them away.
    Null too is a rate among fewer than FEWEST people, and a gap to a rest of fewer than `least_people`.

    `samples`: bootstrap draws for the interval of calibration_error. Raises InputError for `least_people`
    below FEWEST.
    """
    if least_people < FEWEST:
        raise InputError(
            "So few people could be recognized", received=least_people, do=f"Ask for {FEWEST} at least."
        )
    rows = []
    for attribute in decisions.attributes:
        split = split_groups(decisions, attribute, least_people)
        calibration = _calibrations(decisions, split, level)
        asked = _Asked(decisions, split, level, samples, seed, calibration)
        for group in split.groups:
            for measure in MEASURES:
                numbers: tuple[float | None, ...] = (*NOTHING, *NOTHING)
                if group in split.judged:
                    numbers = asked.measured(group, measure)
                people = split.people[group]
                shown = people if people >= FEWEST else None
                rows.append([attribute, group, measure, shown, people < least_people, *numbers])
    return pl.DataFrame(rows, schema=dict(SCHEMA), orient="row")


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """An attribute's groups: how many people each has, who is judged, and (n,) who counts in a rest."""

    column: pl.Series
    entities: NDArray[np.int64]
    people: Mapping[str | None, int]
    least_people: int
    is_counted: Mask

    @property
    def groups(self) -> tuple[str | None, ...]:
        return tuple(self.people)

    @property
    def judged(self) -> tuple[str | None, ...]:
        return tuple(group for group, people in self.people.items() if people >= self.least_people)

    def own(self, group: str | None) -> Mask:
        is_own = self.column.is_null() if group is None else (self.column == group).fill_null(False)
        return np.asarray(is_own.to_numpy(), np.bool_)

    def rest(self, group: str | None) -> Mask:
        """All others; of a known group only those whose group is known. Who gave no age differs in much else,
        and where most did not, every gap would speak of them."""
        others = self.is_counted & ~self.own(group)
        return others if group is None else others & ~self.own(None)

    def has_enough(self, rows: Mask, least: int) -> bool:
        return bool(np.count_nonzero(np.bincount(self.entities[rows])) >= least)


def split_groups(decisions: Decisions, attribute: str, least_people: int) -> Split:
    """Groups ascending, null first."""
    column = decisions.groups[attribute].cast(pl.String)
    entities = entity_codes(decisions.entities)
    counts = (
        pl.DataFrame({"group": column, "entity": entities})
        .group_by("group")
        .agg(people=pl.col("entity").n_unique())
        .sort("group", nulls_last=False)
    )
    people = dict(zip(counts["group"], counts["people"], strict=True))
    large = counts.filter(pl.col("people") >= FEWEST)["group"]
    is_counted = np.asarray(column.is_in(large.implode(), nulls_equal=True).to_numpy(), np.bool_)
    return Split(column, entities, people, least_people, is_counted)


def together_level(num_groups: int, level: float) -> float:
    """The level of each of as many intervals that are to hold together (Bonferroni, 1936)."""
    return 1 - (1 - level) / max(num_groups, 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    decisions: Decisions
    split: Split
    level: float
    samples: int
    seed: int
    calibration: Mapping[str | None, tuple[Triple, Triple]]

    def measured(self, group: str | None, measure: str) -> tuple[float | None, ...]:
        """value, lower, upper, gap, gap_lower, gap_upper."""
        own, rest = self.split.own(group), self.split.rest(group)
        has_rest = self.split.has_enough(rest, self.split.least_people)
        if measure == CALIBRATION:
            value, gap = self.calibration[group]
            return (*value, *(gap if has_rest else NOTHING))
        if measure == CALIBRATION_ERROR:
            return (*self._calibration_error(own), *NOTHING)
        top, bottom = RATES[measure](self.decisions)
        of_own = self._rate(top, own & (bottom > 0))
        of_rest = self._rate(top, rest & (bottom > 0)) if has_rest else None
        if of_own is None:
            return (*NOTHING, *NOTHING)
        alone = (of_own.value, *of_own.interval(self.level))
        if of_rest is None:
            return (*alone, *NOTHING)
        together = together_level(len(self.split.judged), self.level)
        return (*alone, *rate_gap(of_own, of_rest, together))

    def _rate(self, is_so: Floats, among: Mask) -> Rate | None:
        if not self.split.has_enough(among, FEWEST):
            return None
        return Rate.of(is_so[among], self.split.entities[among])

    def _calibration_error(self, rows: Mask) -> Triple:
        labels, predicted = self.decisions.labels[rows], self.decisions.predicted[rows]
        found = intervals_of(
            {CALIBRATION_ERROR: calibration_error_of(labels, predicted)},
            self.decisions.entities.filter(pl.Series(rows)),
            seed=self.seed,
            level=self.level,
            samples=self.samples,
            centers={CALIBRATION_ERROR: calibration_error_of(labels, predicted, times_freed=2)},
        )[CALIBRATION_ERROR]
        return found.value, found.lower, found.upper


def _calibrations(
    decisions: Decisions, split: Split, level: float
) -> dict[str | None, tuple[Triple, Triple]]:
    """Of each counted group its own calibration, and its gap to the rest."""
    rows = pl.DataFrame(
        {"group": split.column, "entity": split.entities, "off": decisions.predicted - decisions.labels}
    ).filter(pl.Series(split.is_counted))
    people = rows.group_by("group", "entity").agg(pl.col("off").mean()).sort("group", "entity")
    together = together_level(len(split.judged), level)
    found: dict[str | None, tuple[Triple, Triple]] = {}
    known, unknown = people.drop_nulls("group"), people.filter(pl.col("group").is_null())
    if known.height:
        found |= _gaps_of(known, level, together)
    if unknown.height:
        all_known = known.with_columns(group=pl.lit("known"))
        found[None] = _gaps_of(pl.concat([unknown, all_known]), level, together)[None]
    return found


def _gaps_of(people: pl.DataFrame, level: float, together: float) -> dict[str | None, tuple[Triple, Triple]]:
    number = people["group"].n_unique()
    alone = group_gaps(people, "off", level=level)
    # `group_gaps` divides its error among the groups that it sees, which are not always all.
    apart = group_gaps(people, "off", level=1 - (1 - together) * number)
    both = zip(alone.iter_rows(named=True), apart.iter_rows(named=True), strict=True)
    return {
        own["group"]: (
            (own["value"], own["lower"], own["upper"]),
            (gap["gap"], gap["gap_lower"], gap["gap_upper"]),
        )
        for own, gap in both
    }
