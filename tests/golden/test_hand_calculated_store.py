"""Every KPI of the catalog against values calculated by hand, on DuckDB and on Spark.

The shop is in `hand_store/` (its README says what it holds on purpose). Money agrees to 0.0001,
everything else to 1e-9 relative. The arithmetic stands beside each value; "Jan" is the block of
January orders N1–N20: 20 × one P3 at 6.00 − 1.00 by C6.
"""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from foresell.contracts.settings import Settings, StoreSettings
from foresell.kpis import KPIS
from foresell.kpis.kept_facts import KeptFacts
from foresell.kpis.query import all_kpis, query_kpi

FOLDER = Path(__file__).parent / "hand_store"
SETTINGS = Settings(store=StoreSettings(time_zone="America/New_York", currency="USD", week_start="monday"))
OCTOBER = {"start": date(2017, 10, 1), "end": date(2017, 10, 31)}
NOVEMBER = {"start": date(2017, 11, 1), "end": date(2017, 11, 30)}
LONG_DAY = {"start": date(2017, 11, 5), "end": date(2017, 11, 5)}
MONTHS = ("2017-10-01", "2017-11-01", "2017-12-01", "2018-01-01")


def one(value):
    return [{"value": value}]


def monthly(*values):
    return [{"period": m, "value": v} for m, v in zip(MONTHS, values, strict=True) if v != "no row"]


def split(dimension, values):
    return [{dimension: key, "value": value} for key, value in values.items()]


def rows(names, *lines):
    return [dict(zip(names.split(), line, strict=True)) for line in lines]


# Net of each order in USD, before refunds: O1 26, O2 8 EUR × 1.25 = 10, O3 25, O4 15, O5 50, O6 8, O7 15,
# O8 28 + 12 − 5 order-level = 35, O9 4 EUR × 1.20 = 4.80, O12 30 − 3 = 27, O13 25, O14 15, O16 5, Jan 100.
# Refunds: R1 9 (Nov), R2 4 EUR × 1.25 (O2's day, not the 9.99 planted on its own) = 5 (Nov), R3 of
# a cancelled order: nowhere, R4 25 (Nov 30, though December in UTC), R5 2.50 (Dec).
GOLDEN = {
    "net_sales": [
        # 360.80 − 41.50; months: Oct 26 + 10 + 25 + 15 (O4 is local October); Nov 164.80 − 39; Dec 20 − 2.50
        ({}, one(319.3)),
        ({"period": "month"}, monthly(76.0, 125.8, 17.5, 100.0)),
        (OCTOBER, one(76.0)),
        (
            # weeks from Monday; the long day Nov 5 is a Sunday: 25 + 15 + 50 + 8 + 15 − 9 − 5 = 99;
            # O8, a quarter of an hour after O7, is the next week's; Nov 27: 15 − 25 − 2.50
            {"period": "week"},
            rows(
                "period value",
                *(("2017-10-02", 26.0), ("2017-10-09", 10.0), ("2017-10-30", 99.0), ("2017-11-06", 35.0)),
                *(("2017-11-13", 4.8), ("2017-11-20", 52.0), ("2017-11-27", -12.5), ("2017-12-04", 5.0)),
                *(("2018-01-01", 35.0), ("2018-01-08", 35.0), ("2018-01-15", 30.0)),
            ),
        ),
        # a week that began before the asked days keeps its first date: 50 + 8 + 15
        ({"period": "week", **LONG_DAY}, [{"period": "2017-10-30", "value": 73.0}]),
        # the day of 25 hours holds O5, O6 and O7
        ({"period": "day", **LONG_DAY}, [{"period": "2017-11-05", "value": 73.0}]),
        # F: C1 26 + 15 + 15 + 25 − 9, C3 54.80 − 25, C5 5; M: C2 45 − 5, C4 50 − 2.50, C6 100; guest 25
        ({"by": "gender"}, split("gender", {"F": 106.8, "M": 187.5, None: 25.0})),
        # DE: 10 + 4.80 − 5; no country: R5, which has no order
        ({"by": "country"}, split("country", {"DE": 9.8, "US": 312.0, None: -2.5})),
        # by product in S2: O3 5 + 20, O12 27 without product, O16 5, Jan 100
        (
            {"by": "product", "where": ["location=S2"]},
            split("product", {"F1": 20.0, "P3": 110.0, None: 27.0}),
        ),
    ],
    # O1 28, O2 12.50, O3 25, O4 15, O5 60, O6 8, O7 15, O8 42, O9 4.80, O12 30, O13 26, O14 15,
    # O16 5, Jan 120
    "gross_sales": [
        ({}, one(406.3)),
        ({"period": "month"}, monthly(80.5, 185.8, 20.0, 120.0)),
        # web: O2 12.50 + O4 15 + O5 60 + O6 8 + O9 4.80 + O13 26
        ({"where": {"channel": "web"}}, one(126.3)),
    ],
    # O1 2, O2 2.50, O5 10, O8 7 (2 on the line, 5 on the order), O12 3, O13 1, Jan 20
    "discount": [
        ({}, one(45.5)),
        ({"period": "month"}, monthly(4.5, 21.0, 0.0, 20.0)),
        # O8's 5 spread 28 : 12 over P1 and P2: P1 2 + (2 + 3.50) + 1, P2 2.50 + 1.50; P3 Jan 20
        (
            {"by": "product"},
            split("product", {"B1": 10.0, "F1": 0.0, "P1": 8.5, "P2": 4.0, "P3": 20.0, "P4": 0.0, None: 3.0}),
        ),
    ],
    # 9 + 5 + 25 + 2.50
    "refunds": [
        ({}, one(41.5)),
        ({"period": "month"}, monthly("no row", 39.0, 2.5, "no row")),
        # R1's place is its order's (S1), as is R2's and R4's (W)
        ({"by": "location"}, split("location", {"S1": 11.5, "W": 30.0})),
    ],
    # lines with a known cost, amount − spread − cost − fee: L1 18−8, L2 8−3, L3 (8−4)×1.25, L6 10−4, L7 5−2,
    # L9 8−3, L10 0, L12 28−3.50−12−0.56, L13 12−1.50−8−0.24, L17 9−4, L18 16−6, L19 10−4, L20 5−2
    # = 10+5+5+6+3+5+0+11.94+2.26+5+10+6+3 = 72.20. L14 has a cost in USD only, its order is in EUR: unknown.
    # Refunds R1 9 and R2 5 count; R4's line B1 and R5's product P3 have no known cost. 72.20 − 14
    "contribution_margin": [
        ({}, one(58.2)),
        # S1: 10+5+0+11.94+2.26+6+3 − 9; S2: only costs unknown; W: 5+6+3+5+5+10 − 5
        ({"by": "location"}, split("location", {"S1": 29.2, "S2": 0.0, "W": 29.0})),
    ],
    # 16 + 20 less O10 (cancelled), O11 (test), O15 (cancelled_at)
    "orders": [
        ({}, one(33)),
        ({"period": "month"}, monthly(4, 7, 2, 20)),
        # an order counts once in every category that it holds: COFFEE O1 O4 O7 O8 O13 O14; TEA O2 O3 O4 O7 O8
        # O9 O14 O16 and Jan; MUG O1 O6 O13; O12 holds no product
        (
            {"by": "category"},
            split("category", {"BUNDLE": 1, "COFFEE": 6, "FUEL": 1, "MUG": 3, "TEA": 28, None: 1}),
        ),
    ],
    # O1 3, O2 2, O3 1, O4 2, O5 2 × (2 + 1) = 6, O6 1, O7 0 + 3, O8 7, O9 1, O13 3, O14 2, O16 1, Jan 20
    "units": [
        ({}, one(52)),
        ({"period": "month"}, monthly(8, 21, 3, 20)),
        # the bundle's two mean 4 P1 and 2 P4: P1 2+1+4+0+3+1+1, P2 2+1+4+1+1, P3 1+3+1+20, P4 1+2+1+2
        ({"by": "product"}, split("product", {"F1": 0, "P1": 12, "P2": 9, "P3": 25, "P4": 6})),
    ],
    "units_with_services": [({}, one(82.5)), (OCTOBER, one(38.5))],  # 52 + 30.5 of fuel; 8 + 30.5
    "average_order_value": [({}, one(360.8 / 33)), (NOVEMBER, one(164.8 / 7))],
    "items_per_order": [({}, one(52 / 33)), (OCTOBER, one(8 / 4))],
    "sales_by_location": [
        # S1: 26 + 15 + 35 + 15 − 9 − 2.50; S2: 25 + 27 + 5 + 100; W: 10 + 15 + 50 + 8 + 4.80 + 25 − 5 − 25
        ({}, split("location", {"S1": 79.5, "S2": 157.0, "W": 82.8})),
    ],
    # C1–C6; C5 by O16 only; the guest is nobody. Nov: C1, C2 back, C3, C4 new
    "customers": [({}, one(6)), ({"period": "month"}, monthly(2, 4, 2, 1))],
    "new_customers": [({}, one(6)), ({"period": "month"}, monthly(2, 2, 1, 1)), (NOVEMBER, one(2))],
    "returning_customers": [({}, one(0)), ({"period": "month"}, monthly(0, 2, 1, 0))],
    # all but C5 have two orders; Nov: C1 (O7, O13), C2 (O6, O12), C3 (O5, O9) of 4
    "repeat_purchase_rate": [({}, one(5 / 6)), (NOVEMBER, one(3 / 4))],
    # C1 4 + C2 3 + C3 2 + C4 2 + C5 1 + C6 20
    "purchase_frequency": [({}, one(32 / 6)), (OCTOBER, one(3 / 2))],
    # C1 29 + 5 + 19, C2 26 + 15, C3 10, C4 26, C6 19 × 1 = 149 over 26; Nov: 5 + 19 + 26 + 15 + 10 over 5
    "days_between_orders": [({}, one(149 / 26)), (NOVEMBER, one(75 / 5))],
    "retention": [
        (
            # Oct: C1, C2, both back in Nov; Nov: C3, C4, C4 back in Dec
            {},
            rows(
                "cohort age customers active_customers retention",
                *((MONTHS[0], 0, 2, 2, 1.0), (MONTHS[0], 1, 2, 2, 1.0), (MONTHS[0], 2, 2, 0, 0.0)),
                *((MONTHS[0], 3, 2, 0, 0.0), (MONTHS[1], 0, 2, 2, 1.0), (MONTHS[1], 1, 2, 1, 0.5)),
                *((MONTHS[1], 2, 2, 0, 0.0), (MONTHS[2], 0, 1, 1, 1.0), (MONTHS[2], 1, 1, 0, 0.0)),
                (MONTHS[3], 0, 1, 1, 1.0),
            ),
        ),
    ],
    "lifetime_value": [
        (
            # Oct: C1 81 − 9, C2 45 − 5; Nov: C3 54.80 − 25, C4 50 − 2.50; with the guest's 25: 319.30
            {},
            rows(
                "cohort customers net_sales lifetime_value",
                *((MONTHS[0], 2, 112.0, 56.0), (MONTHS[1], 2, 77.3, 38.65)),
                *((MONTHS[2], 1, 5.0, 5.0), (MONTHS[3], 1, 100.0, 100.0)),
            ),
        ),
    ],
    "rfm": [
        # score = 1 + ⌊5 × (customers below + half of those equal) ÷ 6⌋; C3 and C4 both have two orders.
        # Last orders Nov 24, 20, 15, Dec 2, 8, Jan 20
        (
            {"by": "customer"},
            rows(
                "customer segment recency_days orders monetary_value"
                " recency_score frequency_score monetary_score",
                *(("C1", "loyal", 57, 4, 72.0, 3, 4, 4), ("C2", "at_risk", 61, 3, 40.0, 2, 3, 3)),
                *(("C3", "lost", 66, 2, 29.8, 1, 2, 2), ("C4", "needs_attention", 49, 2, 47.5, 3, 2, 3)),
                *(("C5", "new", 43, 1, 5.0, 4, 1, 1), ("C6", "champions", 0, 20, 100.0, 5, 5, 5)),
            ),
        ),
        (
            # up to November C1–C4: R by last order C3 1, C2 2, C1 3, and C4 (Nov 6) the oldest:
            # 1 + ⌊5 × .5 ÷ 4⌋ = 1, 2, 4, 5 for C4, C3, C2, C1; F: C4 1, C3 2, C2 3, C1 4 orders → the same.
            # Net: C1 72, C2 40, C3 29.80, C4 35
            {"end": NOVEMBER["end"]},
            rows(
                "segment customers share recency_days orders monetary_value net_sales",
                ("champions", 2, 0.5, 8, 3.5, 56.0, 112.0),
                *(("hibernating", 1, 0.25, 15, 2, 29.8, 29.8), ("lost", 1, 0.25, 24, 1, 35.0, 35.0)),
            ),
        ),
    ],
    # s1, s2, s3 (from Nov 5 into Nov 6), s4, a5 on two days, s8, s10, s11, t1–t10.
    # E19 has no visitor, E22 is no visit
    "visits": [
        ({}, one(19)),
        ({"by": "device_type"}, split("device_type", {"desktop": 13, "mobile": 3, "tablet": 1, None: 2})),
        ({"period": "day", **LONG_DAY}, [{"period": "2017-11-05", "value": 3}]),
        # visits that touched a product: P1 s1, a5, s11; P2 s4, s10; P3 s8, t1–t10; P4 s3
        ({"by": "product"}, split("product", {"P1": 3, "P2": 2, "P3": 11, "P4": 1})),
    ],
    "visit_to_view_rate": [({}, one(15 / 19))],  # s1, s3, s4, a5, s11, t1–t10
    "view_to_cart_rate": [({}, one(3 / 15))],  # s1, s3, s4; s8 filled a cart without viewing
    "cart_to_checkout_rate": [({}, one(2 / 4))],  # s1, s4 of s1, s3, s4, s8
    "checkout_to_purchase_rate": [({}, one(1 / 2)), ({"start": date(2018, 1, 1)}, one(None))],  # s1 of s1, s4
    "conversion_rate": [
        ({}, one(12 / 19)),  # s1, s8, t1–t10
        ({"by": "gender"}, split("gender", {"F": 2 / 2, "M": 10 / 11, None: 0 / 6})),  # C1, C3; C2, C6
    ],
    "cart_abandonment_rate": [({}, one(2 / 4)), ({"where": ["device_type=mobile"]}, one(1 / 3))],  # s3, s4
    "bounce_rate": [({}, one(2 / 19))],  # s2, a5's second day
    "click_through_rate": [
        ({}, one(2 / 5)),  # E3, E25 of E2, E9, E23, E24, E26
        ({"by": "device_type"}, split("device_type", {"desktop": 0 / 1, "mobile": 1 / 2, "tablet": 1 / 2})),
    ],
    "mix": [
        # COFFEE 18 + 10 + 0 + 24.50 + 9 + 10 − 9; MUG 8 + 8 + 16; BUNDLE 50 − 25; FUEL 20;
        # TEA P2 10 + 5 + 10.50 + 4.80 + 5, P3 5 + 15 + 5 − 2.50 + 100; no product: O12 27 − R2 5
        (
            {},
            split(
                "category",
                {
                    "BUNDLE": 25 / 319.3,
                    "COFFEE": 62.5 / 319.3,
                    "FUEL": 20 / 319.3,
                    "MUG": 32 / 319.3,
                    "TEA": 157.8 / 319.3,
                    None: 22 / 319.3,
                },
            ),
        ),
    ],
    "basket_affinity": [
        # of 33 orders: P1 in 6, P2 in 5, P4 in 3; P1 with P2 in O4, O8, O14; P1 with P4 in O1, O13
        (
            {},
            rows(
                "antecedent consequent orders support confidence lift",
                *(("P1", "P4", 2, 2 / 33, 2 / 6, 2 * 33 / 18), ("P4", "P1", 2, 2 / 33, 2 / 3, 2 * 33 / 18)),
                *(("P1", "P2", 3, 3 / 33, 3 / 6, 3 * 33 / 30), ("P2", "P1", 3, 3 / 33, 3 / 5, 3 * 33 / 30)),
            ),
        ),
    ],
    # L1 18 (by PR1 and PR2: once), L9 8 (PR3, everywhere, one hour), L10 0, L13 12 − 1.50 (PR4 begins at that
    # second), L17 9 (names PR9), L20 5 (PR4 is open); not L12: PR5 ends at that second. 50.50 of 360.80
    "promotion_share": [({}, one(50.5 / 360.8)), (OCTOBER, one(18 / 76))],
    "coupon_redemptions": [
        ({}, one(5)),
        ({"by": "coupon"}, split("coupon", {"K1": 2, "K2": 1, "K3": 2})),
        ({"period": "month"}, monthly(2, 3, "no row", "no row")),  # X2 is local October
    ],
    # A: C1, C2 of 4; B: C1 of 3 (C5 redeemed without being aimed at)
    "coupon_redemption_rate": [
        ({}, one(3 / 7)),
        ({"by": "campaign"}, split("campaign", {"A": 2 / 4, "B": 1 / 3})),
    ],
}  # fmt: skip


def hand_store():
    """The CSV files as rows; an empty field is null."""
    return {
        path.stem: [
            {name: value or None for name, value in row.items()}
            for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        ]
        for path in FOLDER.glob("*.csv")
    }


def check(tables, kpi):
    for arguments, expected in GOLDEN[kpi]:
        answer = query_kpi(tables, SETTINGS, kpi, **arguments)
        assert_same(answer.rows, expected, kpi, f"{kpi} {arguments}")


def assert_same(found, expected, kpi, what):
    tolerance = {"abs": 1e-4, "rel": 0} if KPIS[kpi].unit == "money" else {"rel": 1e-9}
    assert [list(row) for row in found] == [list(row) for row in expected], what
    for row, right in zip(found, expected, strict=True):
        for name, value in right.items():
            wanted = pytest.approx(value, **tolerance) if isinstance(value, float) else value
            assert row[name] == wanted, f"{what}: {row}, by hand {right}"


def test_every_kpi_is_calculated_by_hand():
    assert set(GOLDEN) == set(KPIS)


def test_local_dates_are_those_of_new_york():
    zone = ZoneInfo("America/New_York")
    times = {
        "orders": "created_at",
        "refunds": "created_at",
        "redemptions": "redeemed_at",
        "events": "occurred_at",
    }
    for table, column in times.items():
        for row in hand_store()[table]:
            local = datetime.fromisoformat(row[column]).astimezone(UTC).astimezone(zone)
            assert local.date().isoformat() == row["local_date"], row


@pytest.mark.parametrize("kpi", KPIS)
def test_duckdb_agrees_with_the_hand(kpi, make_tables):
    check(make_tables(hand_store()), kpi)


@pytest.mark.spark
def test_spark_agrees_with_the_hand(make_spark_tables):
    # What one question finds out of the tables, those that follow know: each look takes Spark its time.
    tables = KeptFacts(make_spark_tables(hand_store()), spans=())
    by_arguments = {}
    for kpi, cases in GOLDEN.items():
        for arguments, expected in cases:
            by_arguments.setdefault(repr(arguments), (arguments, {}))[1][kpi] = expected
    for arguments, expected in by_arguments.values():
        answers = all_kpis(tables, SETTINGS, kpis=list(expected), **arguments)
        for kpi, right in expected.items():
            assert_same(answers[kpi].rows, right, kpi, f"{kpi} {arguments}")


def test_the_catalog_read_at_once_says_the_same(make_tables):
    tables = make_tables(hand_store())
    answers = all_kpis(tables, SETTINGS, period="month")
    assert set(answers) == set(KPIS)
    for kpi, answer in answers.items():
        if not KPIS[kpi].refused_periods:
            assert answer == query_kpi(tables, SETTINGS, kpi, period="month"), kpi
