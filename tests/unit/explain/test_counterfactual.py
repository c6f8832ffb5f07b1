"""A change that is proposed crosses the threshold, was seen of somebody, and is one that can be made."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.explain.counterfactual import smallest_change
from foresell.explain.counterfactual_text import counterfactual_sentence
from foresell.explain.feature_groups import each_alone, group_features
from foresell.explain.reason_text import Subject
from foresell.features.feature import Feature

AGE = Feature("age", "age", "年龄", "years")
SHARE = Feature("discount_share", "share bought at a discount", "折扣购买占比", "share", is_actionable=True)
MAILS = Feature("mails", "mails a month", "每月邮件数", "items", is_actionable=True)
CHANNEL = Feature("channel", "channel", "渠道", "category", "category", is_actionable=True)
DESCRIBED = (AGE, SHARE, MAILS, CHANNEL)
GROUPS = each_alone(DESCRIBED)
RISK = Subject("the risk", "风险")


@pytest.fixture(scope="module")
def observed() -> pl.DataFrame:
    random = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "age": random.integers(20, 70, 400).astype(float),
            "discount_share": random.integers(0, 11, 400) / 20,
            "mails": random.integers(0, 8, 400).astype(float),
            "channel": random.choice(["web", "shop"], 400),
        }
    )


def customer(age=40.0, share=0.1, mails=1.0, channel="web") -> pl.DataFrame:
    return pl.DataFrame({"age": [age], "discount_share": [share], "mails": [mails], "channel": [channel]})


def risk(rows: pl.DataFrame) -> np.ndarray:
    shop = (rows["channel"] == "shop").fill_null(False).cast(pl.Float64).to_numpy()
    numbers = (rows[n].fill_null(0.0).to_numpy() for n in ("age", "discount_share", "mails"))
    age, share, mails = numbers
    return 1 / (1 + np.exp(-(0.02 * age - 4 * share - 0.2 * mails - 0.3 * shop + 0.5)))


@settings(max_examples=15)
@given(
    st.floats(20, 69),
    st.floats(0, 0.5),
    st.integers(0, 7),
    st.sampled_from(["web", "shop"]),
    st.floats(0.2, 0.8),
)
def test_what_is_found_crosses_was_seen_and_leaves_alone_what_cannot_be_changed(
    observed, age, share, mails, channel, threshold
):
    row = customer(age, share, float(mails), channel)
    found = smallest_change(risk, row, observed, GROUPS, threshold)
    assert found == smallest_change(risk, row, observed, GROUPS, threshold)
    if found.why != "found":
        assert (found.after, found.changes) == (None, ())
        return
    changed = row.with_columns(pl.lit(change.after).alias(change.feature.name) for change in found.changes)
    assert risk(changed)[0] == found.after
    assert (found.after >= threshold) != (found.before >= threshold)
    for change in found.changes:
        assert change.feature.is_actionable
        assert change.before == row[change.feature.name][0]
    names = [change.feature.name for change in found.changes]
    together = observed.select(names).join(changed.select(names), on=names, how="semi")
    assert together.height > 0, "the combination was seen of somebody"


def test_of_single_changes_it_is_the_smallest(observed):
    row = customer()
    found = smallest_change(risk, row, observed, GROUPS, 0.6)
    assert found.before > 0.6
    single = []
    for share in observed["discount_share"].unique().sort():
        if risk(row.with_columns(discount_share=pl.lit(share)))[0] < 0.6:
            single.append(abs(share - 0.1))
    (change,) = found.changes
    assert change.feature is SHARE
    assert abs(change.after - 0.1) == pytest.approx(min(single))


def test_two_changes_are_made_only_where_one_does_not_do(observed):
    found = smallest_change(risk, customer(age=60), observed, GROUPS, 0.25)
    assert len(found.changes) >= 2
    assert found.after < 0.25
    assert (
        smallest_change(risk, customer(age=60), observed, GROUPS, 0.25, most_changed=1).why == "out_of_reach"
    )


def test_it_is_said_where_nothing_can_be_done(observed):
    assert smallest_change(risk, customer(), observed, GROUPS, 0.01).why == "out_of_reach"
    fixed = each_alone((AGE,))
    none = smallest_change(lambda rows: rows["age"].to_numpy() / 100, customer(), observed, fixed, 0.2)
    assert (none.why, none.tried) == ("nothing_to_change", 0)


def test_what_is_like_nobody_is_not_proposed(observed):
    """Everybody with many mails is in a shop and old; a young web customer with many mails was never seen."""
    linked = observed.with_columns(
        age=pl.when(pl.col("mails") >= 6).then(69.0).otherwise(pl.col("age").clip(upper_bound=40)),
        channel=pl.when(pl.col("mails") >= 6).then(pl.lit("shop")).otherwise(pl.lit("web")),
        discount_share=pl.when(pl.col("mails") >= 6).then(0.5).otherwise(0.1),
    )

    def needs_mails(rows: pl.DataFrame) -> np.ndarray:
        return (rows["mails"] < 6).cast(pl.Float64).to_numpy()

    row = customer(age=21.0)
    found = smallest_change(needs_mails, row, linked, GROUPS, 0.5, most_changed=1, neighbors=400)
    assert found.why == "not_plausible"


def test_windows_of_one_thing_change_together(observed):
    week = Feature("mails_7d", "mails in the last 7 days", "最近 7 天的邮件数", "items", is_actionable=True)
    month = Feature(
        "mails_30d", "mails in the last 30 days", "最近 30 天的邮件数", "items", is_actionable=True
    )
    seen = pl.DataFrame({"mails_7d": [0.0, 1.0, 2.0] * 20, "mails_30d": [0.0, 5.0, 9.0] * 20})
    row = pl.DataFrame({"mails_7d": [0.0], "mails_30d": [0.0]})
    found = smallest_change(
        lambda rows: 1 - rows["mails_7d"].to_numpy() / 2, row, seen, group_features((week, month)), 0.6
    )
    assert [(c.feature.name, c.after) for c in found.changes] == [("mails_7d", 1.0), ("mails_30d", 5.0)]


def test_the_unknown_stays_unknown(observed):
    row = customer().with_columns(discount_share=pl.lit(None, pl.Float64))
    found = smallest_change(risk, row, observed, GROUPS, 0.7)
    assert all(change.feature is not SHARE for change in found.changes)


def test_it_is_told_in_words(observed):
    found = smallest_change(risk, customer(), observed, GROUPS, 0.6)
    english, chinese = counterfactual_sentence(found, RISK, "USD")
    share = f"{found.changes[0].after:.0%}"
    assert english.startswith(
        f"If share bought at a discount were {share} instead of 10%, the model would put the risk at "
    )
    assert english.endswith("below 60%. It does not say that changing it would make it so.")
    assert chinese.startswith(f"如果折扣购买占比为 {share}（而非 10%）")
    none = smallest_change(risk, customer(), observed, GROUPS, 0.01)
    assert counterfactual_sentence(none, RISK, "USD")[0] == (
        "None within reach: no change that the shop could make, among those seen of similar customers, "
        "would bring the risk below 1%."
    )


def test_what_cannot_be_asked_is_refused(observed):
    with pytest.raises(InputError, match="one customer"):
        smallest_change(risk, observed, observed, GROUPS, 0.5)
    with pytest.raises(InputError, match="one customer"):
        smallest_change(risk, customer(), observed.clear(), GROUPS, 0.5)
