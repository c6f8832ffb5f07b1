"""The page of one customer says what happened to them, and nothing that came later."""

import json
import re
from datetime import UTC, date, datetime

import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings, StoreSettings
from foresell.features.feature import Feature
from foresell.features.leak import assert_no_leak
from foresell.predict.customers.profiles.backdrop import Backdrop, make_backdrop
from foresell.predict.customers.profiles.nearest import Neighborhood, in_common
from foresell.predict.customers.profiles.page import profile
from foresell.predict.customers.profiles.profile import Nearest
from foresell.predict.customers.profiles.saying import sentences
from foresell.predict.customers.profiles.tagging import PROFILES, tags
from foresell.predict.customers.segments.segmentation import Customers

CUTOFF = datetime(2024, 12, 1, tzinfo=UTC)
SETTINGS = Settings(store=StoreSettings(currency="EUR"))
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_a_page_says_who_how_often_what_and_what_it_is_worth(shop):
    found = profile(shop, SETTINGS, CUTOFF, "T")
    assert (found.who.city, found.who.first_order, found.who.days_since_first_order) == (
        "Bonn",
        date(2024, 5, 4),
        210,
    )
    rhythm = found.rhythm
    assert (rhythm.num_orders, rhythm.usual_gap, rhythm.rhythm, rhythm.regularity) == (30, 7.0, "weekly", 1.0)
    assert (rhythm.last_date, rhythm.days_since, rhythm.pause) == (date(2024, 11, 23), 7, "on_time")
    assert rhythm.next_date == rhythm.next_from == rhythm.next_to == date(2024, 11, 30)
    value = found.value
    gross = sum(10 + week % 3 + 3 for week in range(30))
    assert value.gross_sales == pytest.approx(gross)
    assert (value.discount, value.refunded) == (pytest.approx(60), pytest.approx(16))
    assert value.net_sales == pytest.approx(gross - 60 - 16)
    assert value.average_order == pytest.approx((gross - 60) / 30)
    assert (value.currency, value.value) == ("EUR", "top_tenth")
    assert [(one.value, one.times, one.share) for one in found.channels] == [("web", 30, 1.0)]
    assert [(one.value, one.times) for one in found.devices] == [("mobile", 12)]


def test_tastes_have_evidence_and_a_lift_against_everybody(shop):
    found = profile(shop, SETTINGS, CUTOFF, "T")
    (taste,) = [one for one in found.tastes if one.kind == "category"]
    # Of T's 60 pairs of order and category 30 are tea; of all 60 + 440 there are 30 + 110.
    assert (taste.value, taste.num_orders, taste.share) == ("TEA", 30, 0.5)
    assert taste.usual_share == pytest.approx(140 / 500)
    assert taste.lift == pytest.approx((30 + 20 * 0.28) / 80 / 0.28)
    assert taste.confidence > 0.99
    assert [one.value for one in found.tastes if one.kind == "attribute"] == ["leaf: green"]
    assert not [one for one in found.tastes if one.kind == "department"]


def test_discounts_are_seen_against_what_the_same_goods_go_for(shop):
    found = profile(shop, SETTINGS, CUTOFF, "T").sensitivity
    assert (found.share, found.num_lines, found.num_orders) == (0.5, 60, 30)
    # Tea: 30 + 60 of 140 lines discounted; bread: 22 of 250, each drawn to its category's.
    everyone = 112 / 500
    tea, bread = ((90 + 20 * everyone) / 160, (22 + 20 * everyone) / 270)
    tea, bread = (90 + 20 * tea) / 160, (22 + 20 * bread) / 270
    assert found.expected == pytest.approx((tea + bread) / 2)
    assert found.lower < found.difference < found.upper
    assert found.leaning == "seeks"


def test_the_timeline_has_every_month_and_money_in_its_own(shop):
    months = {one.month: one for one in profile(shop, SETTINGS, CUTOFF, "T").timeline}
    assert list(months) == [date(2024, number, 1) for number in range(5, 12)]
    assert months[date(2024, 5, 1)].orders == 4
    assert months[date(2024, 6, 1)].refunded == 16
    assert months[date(2024, 9, 1)].events == {"view_item": 4}
    assert months[date(2024, 7, 1)].events == {}


def test_who_only_visited_and_who_did_nothing_have_pages_too(shop):
    visitor = profile(shop, SETTINGS, CUTOFF, "V")
    assert (visitor.rhythm, visitor.value, visitor.tags) == (None, None, ())
    assert [one.value for one in visitor.devices] == ["desktop"]
    silent = profile(shop, SETTINGS, CUTOFF, "N")
    assert (silent.timeline, silent.who.first_order) == ((), None)
    for language in ("en", "zh"):
        assert sentences(silent, language)
    assert sentences(silent, "en") == ["Has not ordered yet."]


def test_an_unknown_customer_is_named_and_so_is_one_of_later(shop):
    for customer in ("T2", "L"):
        with pytest.raises(NotFoundError, match=f"customer '{customer}' before 2024-12-01"):
            profile(shop, SETTINGS, CUTOFF, customer)


def test_sentences_are_in_both_languages_and_records_are_json(shop):
    scores = pl.DataFrame(
        {
            "customer_id": ["T", "B1"],
            "task": ["churn", "churn"],
            "score": [0.25, 0.5],
            "unit": ["probability"] * 2,
            "model": ["churn/0001"] * 2,
        }
    )
    found = profile(shop, SETTINGS, CUTOFF, "T", scores=scores)
    english, chinese = sentences(found, "en"), sentences(found, "zh")
    assert len(english) == len(chinese)
    assert all(CHINESE.search(one) for one in chinese)
    assert not any(CHINESE.search(one) for one in english)
    assert "churn: 25% (probability), by churn/0001." in english
    assert "Buys about weekly (usually 7 days apart; 100% of gaps are near it)." in english
    assert json.loads(json.dumps(found.as_record()))["rhythm"]["next_date"] == "2024-11-30"


def test_nothing_of_the_future_is_on_a_page_or_in_tags(shop):
    backdrop = make_backdrop(shop, SETTINGS, CUTOFF)

    def page(tables):
        record = profile(tables, SETTINGS, CUTOFF, "T", backdrop=backdrop).as_record()
        return pl.DataFrame({"record": [json.dumps(record)]})

    assert_no_leak(page, shop, CUTOFF)
    assert_no_leak(lambda tables: tags(tables, SETTINGS, CUTOFF, made_at=CUTOFF), shop, CUTOFF)


def test_tags_of_all_are_those_of_the_pages(shop):
    backdrop = make_backdrop(shop, SETTINGS, CUTOFF)
    found = tags(shop, SETTINGS, CUTOFF, backdrop=backdrop)
    assert found.schema == PROFILES
    assert found.select("customer_id", "tag").is_duplicated().sum() == 0
    assert found["confidence"].is_between(0, 1).all()
    for customer in ("T", "B3"):
        page = profile(shop, SETTINGS, CUTOFF, customer, backdrop=backdrop)
        own = found.filter(pl.col("customer_id") == customer)
        assert [(one.tag, one.value) for one in page.tags] == own.select("tag", "value").rows()
        assert [one.evidence for one in page.tags] == [json.loads(text) for text in own["evidence"]]
    assert "L" not in found["customer_id"]


def test_a_backdrop_is_saved_and_holds_nobody(shop):
    backdrop = make_backdrop(shop, SETTINGS, CUTOFF)
    kept = backdrop.to_tables()
    assert not any({"customer_id", "order_id"} & set(table.columns) for table in kept.values())
    again = Backdrop.from_tables(kept)
    assert profile(shop, SETTINGS, CUTOFF, "T", backdrop=again) == profile(
        shop, SETTINGS, CUTOFF, "T", backdrop=backdrop
    )
    with pytest.raises(InputError, match="Nobody had ordered"):
        make_backdrop(shop, SETTINGS, datetime(2020, 1, 1, tzinfo=UTC))


def test_customers_read_in_parts_have_the_same_tags(shop, monkeypatch):
    whole = tags(shop, SETTINGS, CUTOFF, made_at=CUTOFF)
    from foresell.predict.customers.profiles import backdrop, lines, tagging

    def several(past, lines_at_once=300):
        return lines.parts(past, lines_at_once)

    monkeypatch.setattr(tagging, "parts", several)
    monkeypatch.setattr(backdrop, "parts", several)
    parted = tags(shop, SETTINGS, CUTOFF, made_at=CUTOFF)
    assert parted.equals(whole)


def test_the_nearest_are_those_who_do_alike_and_little_is_said_of_few():
    values = [1.0, 1.1, 0.9, 1.0, 1.05] * 5 + [9.0, 9.5, 8.8] * 5
    features = pl.DataFrame({"a": values, "b": [10 - value for value in values]})
    described = tuple(Feature(name, name, name, "times") for name in "ab")
    ids = pl.Series([f"c{place}" for place in range(len(values))])
    near = Neighborhood.of(Customers(ids, features, described)).nearest("c26", 14)
    assert near.by == "features"
    assert set(near.customer_ids) == {f"c{place}" for place in range(25, 40)} - {"c26"}
    assert list(near.likeness) == sorted(near.likeness, reverse=True)
    rows = [(f"c{place}", "channel", "web" if place >= 25 else "store") for place in range(40)]
    rows += [(f"c{place}", "favorite_brand", "rare") for place in range(25, 34)]
    told = pl.DataFrame(rows, schema=["customer_id", "tag", "value"], orient="row")
    common = in_common(near, told)
    assert [(one.tag, one.value, one.num_nearest) for one in common] == [("channel", "web", 14)]
    assert common[0].usual_share == pytest.approx(15 / 40)
    assert in_common(Nearest("features", near.customer_ids[:9], near.likeness[:9]), told) == ()
    with pytest.raises(InputError, match="fewer than 10"):
        in_common(near, told, k=5)
    with pytest.raises(NotFoundError, match="'zz'"):
        Neighborhood.of(Customers(ids, features, described)).nearest("zz")
