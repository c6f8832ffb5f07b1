"""What tags rest on: each by lines made for it."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foresell.predict.customers.profiles.backdrop import backdrop_of
from foresell.predict.customers.profiles.changes import changes
from foresell.predict.customers.profiles.prices import discount_leanings, price_levels
from foresell.predict.customers.profiles.rhythm import rhythms
from foresell.predict.customers.profiles.shares import preferred
from foresell.predict.customers.profiles.tastes import tastes
from foresell.predict.customers.profiles.worth import worth

TODAY = date(2024, 12, 31)
NO_REFUNDS = pl.DataFrame(schema={"customer_id": pl.String, "date": pl.Date, "amount": pl.Float64})
PRODUCTS = pl.DataFrame(
    {
        "product_id": ["p", "q"],
        "title": [None, None],
        "brand": ["own", "other"],
        "department": ["d", "d"],
        "category": ["tea", "cake"],
        "attributes": [None, None],
    },
    schema_overrides={"title": pl.String, "attributes": pl.String},
)


def line(customer, day, product="p", gross=10.0, discount=0.0, order=None):
    return {
        "customer_id": customer,
        "order_id": order or f"{customer}-{day}",
        "product_id": product,
        "date": day,
        "channel": "web",
        "quantity": 1.0,
        "gross": gross,
        "discount": discount,
        "net": gross - discount,
    }


def every(customer, step, num, last=TODAY, **more):
    return [line(customer, last - timedelta(days=step * place), **more) for place in range(num)]


def frame(*rows):
    return pl.DataFrame([one for group in rows for one in group])


def one(found, customer="c"):
    return found.filter(pl.col("customer_id") == customer).row(0, named=True)


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (2, "several_a_week"),
        (7, "weekly"),
        (14, "every_two_weeks"),
        (30, "monthly"),
        (90, "quarterly"),
        (150, "rarely"),
    ],
)
def test_a_rhythm_is_called_by_its_usual_gap(step, name):
    assert one(rhythms(frame(every("c", step, 5)), TODAY))["rhythm"] == name


@pytest.mark.parametrize(("days", "pause"), [(6, "on_time"), (9, "late"), (40, "silent")])
def test_a_pause_is_judged_by_the_own_gaps(days, pause):
    lines = frame(every("c", 7, 8, last=TODAY - timedelta(days=days)))
    assert one(rhythms(lines, TODAY))["pause"] == pause


def test_three_orders_have_no_rhythm_and_two_on_one_day_no_gap():
    day = TODAY - timedelta(days=5)
    lines = frame(every("c", 7, 3), [line("c", day, order="x"), line("c", day, order="y")])
    found = one(rhythms(frame(every("d", 7, 3)), TODAY), "d")
    assert (found["rhythm"], found["num_orders"]) == (None, 3)
    assert one(rhythms(lines, TODAY))["num_days"] == 4
    assert one(rhythms(lines, TODAY))["num_orders"] == 5


def test_two_purchases_of_a_thing_are_no_taste():
    crowd = [line(f"o{i}", TODAY, "q") for i in range(50)]
    few = frame(every("c", 5, 2), every("d", 5, 3), crowd)
    found = tastes(few, backdrop_of([few], NO_REFUNDS, PRODUCTS))
    assert found["customer_id"].unique().to_list() == ["d"]


def test_buying_as_others_do_is_no_taste():
    lines = frame(*[every(f"c{i}", 5, 6) + every(f"c{i}", 7, 6, product="q") for i in range(10)])
    assert tastes(lines, backdrop_of([lines], NO_REFUNDS, PRODUCTS)).is_empty()


def test_the_price_level_is_within_categories():
    crowd = [line(f"o{i}", TODAY, gross=8.0 + i % 5) for i in range(200)]
    dear = [line("c", TODAY - timedelta(days=i), gross=14.0 + i % 2) for i in range(12)]
    cheap = [line("d", TODAY - timedelta(days=i), gross=7.0 + i % 2) for i in range(12)]
    few = [line("e", TODAY, gross=20.0)]
    lines = frame(crowd, dear, cheap, few)
    found = price_levels(lines, backdrop_of([lines], NO_REFUNDS, PRODUCTS))
    assert (one(found)["level"], one(found, "d")["level"]) == ("high", "low")
    assert one(found)["confidence"] > 0.9
    assert "e" not in found["customer_id"]


def test_discounts_that_come_with_the_goods_are_no_leaning():
    """Everybody buys p on discount, half the time: who does so too leans nowhere, who always does seeks."""
    crowd = [line(f"o{i}", TODAY - timedelta(days=i % 30), discount=float(i % 2)) for i in range(400)]
    like = [line("like", TODAY - timedelta(days=i), discount=float(i % 2)) for i in range(40)]
    always = [line("always", TODAY - timedelta(days=i), discount=1.0) for i in range(40)]
    never = [line("never", TODAY - timedelta(days=i)) for i in range(40)]
    lines = frame(crowd, like, always, never)
    found = discount_leanings(lines, backdrop_of([lines], NO_REFUNDS, PRODUCTS))
    assert [one(found, name)["leaning"] for name in ("like", "always", "never")] == [
        "indifferent",
        "seeks",
        "avoids",
    ]
    assert one(found, "like")["lower"] < 0 < one(found, "like")["upper"]


def test_lines_of_one_basket_are_no_independent_evidence():
    """The same 30 lines in 3 orders say less than in 30: the interval is wider."""
    random = np.random.default_rng(0)
    crowd = [line(f"o{i}", TODAY, discount=float(random.random() < 0.3)) for i in range(400)]
    picked = [float(i < 20) for i in range(30)]
    wide = [line("wide", TODAY, discount=one, order=f"w{i // 10}") for i, one in enumerate(picked)]
    narrow = [line("narrow", TODAY, discount=one, order=f"n{i}") for i, one in enumerate(picked)]
    lines = frame(crowd, wide, narrow)
    found = discount_leanings(lines, backdrop_of([lines], NO_REFUNDS, PRODUCTS))
    assert one(found, "wide")["difference"] == pytest.approx(one(found, "narrow")["difference"])
    span = {name: one(found, name)["upper"] - one(found, name)["lower"] for name in ("wide", "narrow")}
    assert span["wide"] > 2 * span["narrow"]


def test_trends_need_time_and_numbers():
    rising = [*every("rising", 5, 16), line("rising", TODAY - timedelta(days=300))]
    falling = [*every("falling", 5, 20, last=TODAY - timedelta(days=95)), line("falling", TODAY)]
    steady = every("steady", 20, 12)
    young = every("young", 5, 16)
    lines = frame(rising, falling, steady, young)
    found = worth(lines, NO_REFUNDS, backdrop_of([lines], NO_REFUNDS, PRODUCTS), TODAY)
    assert [one(found, name)["trend"] for name in ("rising", "falling", "steady", "young")] == [
        "rising",
        "falling",
        "steady",
        None,
    ]
    assert one(found, "rising")["trend_confidence"] > 0.95


def test_who_gave_everything_back_is_not_among_the_best():
    lines = frame(
        [line(f"c{number}", TODAY, gross=100.0 + number) for number in range(20)],
        [line("whale", TODAY, gross=9e4)],
    )
    refunds = pl.DataFrame([{"customer_id": "whale", "date": TODAY, "amount": 9e4}])
    found = worth(lines, refunds, backdrop_of([lines], refunds, PRODUCTS), TODAY)
    assert one(found, "whale")["value"] == "lowest_quarter"
    assert one(found, "c19")["value"] == "top_tenth"


def test_a_new_and_a_left_category_are_notable():
    old = every("c", 10, 15, last=TODAY - timedelta(days=100), product="q")
    new = every("c", 20, 4)
    lines = frame(old, new)
    backdrop = backdrop_of([lines], NO_REFUNDS, PRODUCTS)
    trend = worth(lines, NO_REFUNDS, backdrop, TODAY).row(0, named=True)
    found = {one.kind: one for one in changes(lines, trend, backdrop, TODAY)}
    assert found["category_new"].value == "tea"
    assert found["category_new"].since == TODAY - timedelta(days=60)
    assert (found["category_left"].value, found["category_left"].before) == ("cake", 15.0)
    assert found["category_left"].since == TODAY - timedelta(days=100)


def test_a_preference_needs_a_majority_beyond_chance():
    used = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b", "c"],
            "value": ["web", "store", "web", "store", "web"],
            "times": [9, 1, 5, 4, 2],
            "share": [0.9, 0.1, 5 / 9, 4 / 9, 1.0],
        }
    )
    assert preferred(used)["customer_id"].to_list() == ["a"]
