"""What a shop owner reads about one prediction, in both languages."""

import numpy as np
import polars as pl
import pytest

from foresell.contracts.errors import InputError
from foresell.explain.contributions import Contributions
from foresell.explain.feature_groups import each_alone, group_features
from foresell.explain.phrases import BEHAVIOR_SO_FAR, PHRASES
from foresell.explain.reason_text import NAMED, Phrase, Subject, Wording, reasons_of, usual_values
from foresell.explain.value_text import NO_UNIT, SHARES, UNITS, effect_text, value_text
from foresell.features.customer import described
from foresell.features.feature import Feature
from foresell.features.spec import CustomerSpec

RECENCY = Feature("recency_days", "days since the last order", "距上次下单天数", "days")
RHYTHM = Feature("rhythm_days", "usual days between orders", "通常下单间隔", "days")
SHARE = Feature("discount_share", "share bought at a discount", "折扣购买占比", "share", is_actionable=True)
CHANNEL = Feature("channel", "most used channel", "最常用渠道", "category", "category")
SPEND = Feature("spend_90d", "spent in the last 90 days", "近 90 天消费", "money")
DESCRIBED = (RECENCY, RHYTHM, SHARE, CHANNEL, SPEND)
RISK = Subject("the risk", "风险")
ROW = pl.DataFrame(
    {
        "recency_days": [43.0],
        "rhythm_days": [12.0],
        "discount_share": [0.05],
        "channel": [None],
        "spend_90d": [1234.5],
    },
    schema_overrides={"channel": pl.String},
)
NO_ORDER = Phrase(
    "No order for {value}, usually every {rhythm_days}", "已 {value}未下单，通常每 {rhythm_days}一次", least=1
)


def contributions(*adds: float) -> Contributions:
    return Contributions(tuple(f.name for f in DESCRIBED), np.array([0.2]), np.array([adds]))


def texts(wording: Wording, *adds: float, row: pl.DataFrame = ROW) -> list[tuple[str, str]]:
    found = reasons_of(contributions(*adds), 0, row, each_alone(DESCRIBED), wording)
    return [(reason.text, reason.text_zh) for reason in found]


def test_a_phrase_reads_as_a_person_would_say_it():
    wording = Wording(RISK, "USD", phrases={"recency_days": NO_ORDER})
    assert texts(wording, 0.18, 0, 0, 0, 0) == [
        (
            "No order for 43 days, usually every 12 days: raises the risk by 18 points",
            "已 43 天未下单，通常每 12 天一次，使风险上升 18 个百分点",
        )
    ]


def test_a_phrase_that_does_not_fit_gives_way_to_the_plain_name():
    wording = Wording(RISK, "USD", {"recency_days": 9.5}, {"recency_days": NO_ORDER})
    unknown = ROW.with_columns(rhythm_days=pl.lit(None, pl.Float64))
    assert texts(wording, 0.18, 0, 0, 0, 0, row=unknown)[0] == (
        "Days since the last order: 43 (usually 9.5): raises the risk by 18 points",
        "距上次下单天数：43（通常 9.5），使风险上升 18 个百分点",
    )
    today = ROW.with_columns(recency_days=pl.lit(0.0))
    assert texts(wording, -0.18, 0, 0, 0, 0, row=today)[0][0].startswith("Days since the last order: 0")


def test_shares_money_and_unknown_categories_have_their_form_largest_first_and_nothing_for_zero():
    wording = Wording(RISK, "USD", {"discount_share": 0.3, "spend_90d": 1234.5})
    assert texts(wording, 0, 0, -0.204, 0.002, 0.01) == [
        (
            "Share bought at a discount: 5% (usually 30%): lowers the risk by 20 points",
            "折扣购买占比：5%（通常 30%），使风险下降 20 个百分点",
        ),
        (
            "Spent in the last 90 days: $1,234: raises the risk by 1 point",
            "近 90 天消费：US$1,234，使风险上升 1 个百分点",
        ),
        (
            "Most used channel: not known: raises the risk by less than 1 point",
            "最常用渠道：未知，使风险上升不到 1 个百分点",
        ),
    ]


def test_of_a_group_the_feature_that_adds_most_speaks():
    groups = group_features(DESCRIBED, {"rhythm": ("recency_days", "rhythm_days")})
    single = contributions(0.01, 0.1, 0, 0, 0)
    found = reasons_of(single.grouped(groups), 0, ROW, groups, Wording(RISK, "USD"), singly=single)
    assert found[0].text == "Usual days between orders: 12: raises the risk by 11 points"
    assert found[0].as_record()["feature"] == "rhythm"


def test_of_a_group_without_single_contributions_no_value_is_told():
    groups = group_features(DESCRIBED, {"rhythm": ("recency_days", "rhythm_days")})
    found = reasons_of(
        contributions(0.01, 0.1, 0, 0, 0).grouped(groups), 0, ROW, groups, Wording(RISK, "USD")
    )
    assert found[0].text == "Days since the last order: raises the risk by 11 points"


def test_contributions_of_other_groups_are_refused():
    groups = group_features(DESCRIBED, {"rhythm": ("recency_days", "rhythm_days")})
    with pytest.raises(InputError, match="grouped"):
        reasons_of(contributions(1, 0, 0, 0, 0), 0, ROW, groups, Wording(RISK, "USD"))


def test_built_in_phrases_name_features_that_there_are():
    spec = CustomerSpec(has_orders=True, has_events=True, has_products=True)
    names = {feature.name for feature in described(spec)} | {"value", "usual", BEHAVIOR_SO_FAR.name}
    for feature, phrase in PHRASES.items():
        for text in (phrase.text, phrase.text_zh):
            assert {feature, *NAMED.findall(text)} <= names


def test_units_of_features_are_words_in_both_languages():
    spec = CustomerSpec(
        has_orders=True, has_events=True, has_products=True, has_refunds=True, has_coupons=True
    )
    known = {*UNITS, *SHARES, *NO_UNIT, "money"}
    assert {feature.unit for feature in described(spec)} <= known


def test_amounts_are_told_in_money_and_days_in_days():
    assert effect_text(-12.5, "money", "en", "EUR") == "€12.50"
    assert effect_text(3.0, "days", "zh", "EUR") == "3 天"
    assert value_text(1.0, RECENCY, "en", "EUR") == "1 day"
    assert value_text(0.0001, SHARE, "en", "EUR") == "<0.1%"
    assert value_text(float("nan"), RECENCY, "zh", "EUR") == "未知"


def test_usual_is_the_median_and_a_category_only_if_half_have_it():
    frame = pl.DataFrame(
        {
            "recency_days": [1.0, None, 9.0],
            "rhythm_days": pl.Series([None, None, None], dtype=pl.Float64),
            "discount_share": [0.5, float("nan"), 0.5],
            "channel": ["web", "web", "shop"],
            "spend_90d": [1.0, 2.0, 4.0],
        }
    )
    assert usual_values(frame, DESCRIBED) == {
        "recency_days": 5.0,
        "rhythm_days": None,
        "discount_share": 0.5,
        "channel": "web",
        "spend_90d": 2.0,
    }
    assert usual_values(frame.with_columns(channel=pl.Series(["web", "shop", None])), (CHANNEL,)) == {
        "channel": None
    }
