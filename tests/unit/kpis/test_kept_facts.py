"""What is kept answers as what is read anew, and only for the days that it holds."""

import csv
from datetime import date
from pathlib import Path

import pytest

from foresell.contracts.settings import Settings, StoreSettings
from foresell.kpis.kept_facts import KeptFacts
from foresell.kpis.query import all_kpis

HAND_STORE = Path(__file__).parents[2] / "golden" / "hand_store"
SETTINGS = Settings(store=StoreSettings(time_zone="America/New_York"))
OCTOBER, NOVEMBER = (date(2017, 10, 1), date(2017, 10, 31)), (date(2017, 11, 1), date(2017, 11, 30))
NAMES = ("net_sales", "orders", "units", "refunds", "contribution_margin", "customers", "new_customers")


@pytest.fixture
def tables(make_tables):
    return make_tables(
        {
            path.stem: [
                {name: value or None for name, value in row.items()}
                for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
            ]
            for path in HAND_STORE.glob("*.csv")
        }
    )


def test_kept_facts_answer_as_the_tables_do(tables):
    kept = KeptFacts(tables, [NOVEMBER, OCTOBER])
    for asked, (start, end) in (
        ({"by": "category"}, NOVEMBER),
        ({"period": "day"}, (date(2017, 10, 30), date(2017, 11, 12))),
    ):
        days = {"start": start, "end": end, "kpis": NAMES}
        assert all_kpis(kept, SETTINGS, **asked, **days) == all_kpis(tables, SETTINGS, **asked, **days)


def test_spans_that_touch_are_one_and_others_are_not_kept(tables):
    kept = KeptFacts(tables, [NOVEMBER, OCTOBER])
    assert kept.span_of(date(2017, 10, 20), date(2017, 11, 20)) == (OCTOBER[0], NOVEMBER[1])
    assert kept.span_of(date(2017, 9, 30), date(2017, 10, 2)) is None
    assert kept.span_of(None, NOVEMBER[1]) is None
    assert KeptFacts.of(kept, [NOVEMBER]) is kept
