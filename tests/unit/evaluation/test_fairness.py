"""Groups are compared by the books, nothing is told of a handful, and few false alarms are raised."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from foresell.contracts.errors import InputError
from foresell.evaluation.fairness import MEASURES, Decisions, fairness
from foresell.evaluation.fairness_findings import Limits, fairness_findings


def decisions(groups, labels, chosen, predicted=None, entities=None) -> Decisions:
    number = len(labels)
    return Decisions(
        labels=np.asarray(labels, np.float64),
        predicted=np.full(number, 0.5) if predicted is None else np.asarray(predicted, np.float64),
        is_chosen=np.asarray(chosen, np.bool_),
        entities=pl.Series([f"c{i}" for i in range(number)] if entities is None else entities),
        groups=pl.DataFrame({"region": pl.Series(groups, dtype=pl.String)}),
    )


def row(measured: pl.DataFrame, group: str | None, measure: str) -> dict:
    (found,) = measured.filter(
        pl.col("group").eq_missing(pl.lit(group, pl.String)), pl.col("measure") == measure
    ).to_dicts()
    return found


def counted(**cells: tuple[int, int, int, int]) -> Decisions:
    """Group → numbers of chosen and happened, chosen only, happened only, neither."""
    groups, labels, chosen = [], [], []
    for name, (both, only_chosen, only_happened, neither) in cells.items():
        groups += [name] * (both + only_chosen + only_happened + neither)
        labels += [1] * both + [0] * only_chosen + [1] * only_happened + [0] * neither
        chosen += [True] * (both + only_chosen) + [False] * (only_happened + neither)
    return decisions(groups, labels, chosen)


def test_rates_and_their_intervals_are_those_of_the_books():
    measured = fairness(counted(north=(30, 10, 20, 40), south=(10, 10, 30, 50)))
    found = {name: row(measured, "north", name)["value"] for name in MEASURES[:4]}
    assert found == pytest.approx(
        {"selection_rate": 0.4, "true_positive_rate": 0.6, "false_positive_rate": 0.2, "precision": 0.75}
    )
    book = stats.binomtest(30, 50).proportion_ci(0.95, method="wilson")
    north = row(measured, "north", "true_positive_rate")
    assert (north["lower"], north["upper"]) == pytest.approx((book.low, book.high))
    assert north["gap"] == pytest.approx(0.6 - 0.25)


def test_a_gap_has_newcombes_interval():
    """56/70 against 48/80: .0524 to .3339 at 95% (Newcombe 1998, table II, method 10); two groups judged
    together at a level of 90% are judged at 95% each."""
    measured = fairness(counted(a=(56, 0, 14, 0), b=(48, 0, 32, 0)), level=0.9)
    found = row(measured, "a", "selection_rate")
    assert (found["gap_lower"], found["gap_upper"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_rows_of_one_person_are_no_more_than_the_person():
    once = counted(a=(30, 10, 20, 40), b=(20, 20, 20, 40))
    thrice = decisions(
        np.tile(once.groups["region"].to_numpy(), 3),
        np.tile(once.labels, 3),
        np.tile(once.is_chosen, 3),
        entities=np.tile(once.entities.to_numpy(), 3),
    )
    one, three = fairness(once), fairness(thrice)
    for measure in ("selection_rate", "precision", "calibration"):
        first, second = row(one, "a", measure), row(three, "a", measure)
        names = ("value", "lower", "upper", "gap", "gap_lower", "gap_upper")
        assert [second[name] for name in names] == pytest.approx([first[name] for name in names])


def test_of_a_group_of_five_nothing_is_told_and_nobody_s_rest_betrays_it():
    cells = {"a": (30, 10, 20, 40), "b": (20, 20, 20, 40)}
    without, within = fairness(counted(**cells)), fairness(counted(**cells, five=(5, 0, 0, 0)))
    for found in within.filter(pl.col("group") == "five").to_dicts():
        assert found.pop("is_small")
        assert {name for name, value in found.items() if value is not None} == {
            "attribute",
            "group",
            "measure",
        }
    assert within.filter(pl.col("group") != "five").equals(without)


def test_a_group_too_small_to_judge_is_counted_but_has_no_numbers():
    measured = fairness(counted(a=(30, 10, 20, 40), b=(20, 20, 20, 40), few=(20, 0, 0, 0)))
    few = row(measured, "few", "selection_rate")
    assert (few["num_people"], few["is_small"], few["value"], few["gap"]) == (20, True, None, None)
    only = fairness(counted(a=(30, 10, 20, 40), few=(20, 0, 0, 0)))
    assert row(only, "a", "selection_rate")["gap"] is None, "the rest are twenty people"


def test_a_rate_among_nine_people_is_not_told():
    measured = fairness(counted(a=(5, 30, 4, 60), b=(20, 20, 20, 40)))
    assert row(measured, "a", "true_positive_rate")["value"] is None
    assert row(measured, "a", "false_positive_rate")["value"] == pytest.approx(1 / 3)


def test_where_it_happened_to_nobody_there_is_no_true_positive_rate():
    measured = fairness(counted(a=(0, 30, 0, 60), b=(0, 20, 0, 40)))
    assert row(measured, "a", "true_positive_rate")["value"] is None


def test_calibration_is_the_mean_predicted_less_what_happened():
    random = np.random.default_rng(5)
    chance = random.uniform(0.1, 0.9, 4000)
    happens = random.random(4000) < chance
    groups = np.where(np.arange(4000) % 2, "said too high", "right")
    said = np.where(groups == "right", chance, np.clip(chance + 0.1, 0, 1))
    measured = fairness(decisions(groups, happens, said > 0.5, said))
    high, right = (row(measured, group, "calibration") for group in ("said too high", "right"))
    assert high["lower"] < 0.1 < high["upper"]
    assert right["lower"] < 0 < right["upper"]
    assert high["gap_lower"] > 0.05
    errors = [row(measured, group, "calibration_error") for group in ("said too high", "right")]
    assert errors[0]["lower"] > errors[1]["value"]
    assert errors[0]["gap"] is None


def test_known_groups_are_compared_with_known_ones_and_the_unknown_with_all_known():
    cells = {"a": (30, 10, 20, 40), "b": (20, 20, 20, 40), "c": (10, 10, 20, 60)}
    alone, made = fairness(counted(**cells)), counted(**cells, unknown=(300, 0, 0, 0))
    groups = made.groups.with_columns(region=pl.col("region").replace("unknown", None))
    within = fairness(Decisions(made.labels, made.predicted, made.is_chosen, made.entities, groups))
    for measure in ("selection_rate", "calibration"):
        assert row(within, "a", measure)["gap"] == pytest.approx(row(alone, "a", measure)["gap"])
        # Four groups are judged together now, so each interval is wider.
        assert row(within, "a", measure)["gap_upper"] > row(alone, "a", measure)["gap_upper"]
    assert row(within, None, "selection_rate")["gap"] == pytest.approx(1 - 100 / 300)
    assert row(within, None, "calibration")["gap"] == pytest.approx(-0.5 - (0.5 - 120 / 300))
    found = [f.group for f in fairness_findings(within) if f.measure == "selection_rate"]
    assert found[0] is None


def test_unknown_is_a_group_and_comes_first():
    groups = [None] * 40 + ["a"] * 40
    measured = fairness(decisions(groups, [0, 1] * 40, [True] * 40 + [False] * 40))
    assert measured["group"].unique(maintain_order=True).to_list() == [None, "a"]
    assert row(measured, None, "selection_rate")["gap"] == 1


def test_findings_are_seldom_raised_where_groups_are_alike():
    random = np.random.default_rng(2)
    times, false = 25, 0
    limits = Limits(*(1e-9,) * 5)
    for _ in range(times):
        labels, chosen = random.random((2, 800)) < 0.4
        made = decisions((np.arange(800) % 10).astype(str), labels, chosen, np.full(800, 0.4))
        # The five measures are judged one by one: each has its own error rate.
        found = {f.measure for f in fairness_findings(fairness(made, samples=2), limits)}
        false += len(found)
    assert false / times / 5 < 0.1


@pytest.fixture(scope="module")
def unfair() -> pl.DataFrame:
    return fairness(counted(north=(10, 10, 190, 190), south=(150, 150, 150, 150), tiny=(1, 1, 1, 1)))


def test_a_gap_beyond_the_limit_is_a_sentence_in_two_languages(unfair):
    found = fairness_findings(unfair, texts={"region": ("Region", "地区")})
    first = next(f for f in found if f.measure == "selection_rate")
    assert first.message == (
        "Region north: 5% are chosen, among everyone else 50%: "
        "a gap of 45 points (40 to 50), above the limit of 10."
    )
    assert (
        first.message_zh
        == "地区“north”：被选中的比例为 5%，其他人为 50%，相差 45 个百分点（40–50），超过上限 10。"
    )
    assert first.severity == "error"
    assert {f.group for f in found[:-1]} == {"north"}, "its mirror image is not told again"
    assert (found[-1].severity, found[-1].message) == (
        "note",
        "Region: 1 group has too few people to be judged.",
    )
    assert found[0].as_record()["attribute"] == "region"


def test_a_gap_that_may_lie_within_the_limit_is_no_finding(unfair):
    limits = Limits(selection_rate=0.42, true_positive_rate=None, false_positive_rate=0.3, precision=None)
    found = {f.measure: f.severity for f in fairness_findings(unfair, limits)}
    assert found == {"false_positive_rate": "warning", "size": "note"}


def test_a_single_group_is_noted():
    (found,) = fairness_findings(fairness(counted(all=(10, 10, 20, 30))))
    assert found.message_zh == "region：不足两个群组可供比较。"


@settings(max_examples=30)
@given(st.integers(10, 60), st.integers(0, 60), st.integers(0, 3))
def test_values_lie_in_their_intervals_and_two_gaps_mirror_each_other(size, more, seed):
    random = np.random.default_rng(seed)
    number = 2 * size + more
    groups = np.where(np.arange(number) < size, "a", "b")
    made = decisions(groups, random.random(number) < 0.5, random.random(number) < 0.4)
    measured = fairness(made, least_people=10, samples=2).filter(pl.col("measure") != "calibration_error")
    known = measured.drop_nulls("gap")
    assert (known["lower"] <= known["value"] + 1e-12).all()
    assert (known["value"] <= known["upper"] + 1e-12).all()
    assert ((known["gap_lower"] <= known["gap"]) & (known["gap"] <= known["gap_upper"])).all()
    both = known.group_by("measure").agg(pl.col("gap").sum(), pl.len()).filter(pl.col("len") == 2)
    assert both["gap"].to_list() == pytest.approx([0] * both.height)


def test_what_cannot_be_judged_is_refused():
    good = counted(a=(30, 10, 20, 40), b=(20, 20, 20, 40))
    with pytest.raises(InputError, match="10 at least"):
        fairness(good, least_people=5)
    with pytest.raises(InputError, match="0 and 1"):
        decisions(["a"], [np.nan], [True])
    with pytest.raises(InputError, match="probabilities"):
        decisions(["a"], [1], [True], [1.2])
    with pytest.raises(InputError, match="parts"):
        decisions(["a", "b"], [1], [True])
    with pytest.raises(InputError, match="bands"):
        Decisions(
            good.labels, good.predicted, good.is_chosen, good.entities, pl.DataFrame({"age": good.predicted})
        )
    with pytest.raises(InputError, match="No groups"):
        Decisions(good.labels, good.predicted, good.is_chosen, good.entities, pl.DataFrame())
    with pytest.raises(InputError, match="limit of precision"):
        Limits(precision=0)
