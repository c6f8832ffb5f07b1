"""Segments by rule: what a shop declares in TOML is what it gets, and nothing in it is ever executed."""

import polars as pl
import pytest

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.settings import Settings
from foresell.features.feature import Feature
from foresell.predict.customers.segments.rules import make_rules, read_rules, with_dimensions

DESCRIBED = (
    Feature("days_since_order", "days since the last order", "距上次下单的天数", "days"),
    Feature("spent_ever", "money spent", "消费额", "money"),
    Feature("favorite", "favorite", "偏爱", "category", "category"),
)
FEATURES = pl.DataFrame(
    {
        "days_since_order": [90.0, 90.0, 10.0, None],
        "spent_ever": [500.0, 20.0, 500.0, 0.0],
        "favorite": ["TEA", "COFFEE", None, "TEA"],
    }
)
IDS = pl.Series(["C1", "C2", "C3", "C4"])


def rules(*conditions, **more):
    segment = {"name": "meant", "where": list(conditions), **more}
    return make_rules({"name": "care", "segment": [segment]}, DESCRIBED)


def meant(*conditions):
    found = rules(*conditions).assign(FEATURES)["segment"]
    return [place for place, one in enumerate(found) if one == "meant"]


def test_numbers_are_compared_and_unknown_ones_meet_nothing():
    assert meant("days_since_order > 60") == [0, 1]
    assert meant("days_since_order<=90", "spent_ever >= 500") == [0, 2]
    assert meant("days_since_order = 10") == [2]
    assert meant("days_since_order=") == [3]
    assert meant("days_since_order !=") == [0, 1, 2]


def test_categories_are_equal_or_not_and_one_named_twice_means_either():
    assert meant("favorite=TEA") == [0, 3]
    assert meant("favorite=TEA", "favorite=COFFEE") == [0, 1, 3]
    assert meant("favorite != TEA", "favorite != COFFEE") == [2]
    assert meant("favorite=TEA", "favorite=COFFEE", "days_since_order > 60", "spent_ever < 100") == [1]


def test_the_first_segment_whose_conditions_hold_wins():
    tree = {
        "name": "care",
        "segment": [
            {"name": "rich", "where": ["spent_ever > 100"]},
            {"name": "lapsed", "where": ["days_since_order > 60"]},
        ],
    }
    found = make_rules(tree, DESCRIBED).assign(FEATURES)
    assert found["segment"].to_list() == ["rich", "lapsed", "rich", "everyone else"]
    assert found["confidence"].null_count() == 4


def test_dimensions_of_kpis_are_asked_of_orders_and_customers(make_tables):
    def order(key, customer, channel, product):
        head = {
            "order_id": key,
            "customer_id": customer,
            "channel": channel,
            "currency": "USD",
            "created_at": "2024-01-01T12:00:00Z",
            "local_date": "2024-01-01",
        }
        line = {"order_line_id": key, "order_id": key, "product_id": product, "quantity": 1, "line_amount": 1}
        return head, line

    made = [order("O1", "C1", "web", "P1"), order("O2", "C2", "store", "P2"), order("O3", "C3", "web", "P2")]
    shop = make_tables(
        {
            "orders": [head for head, _ in made],
            "order_lines": [line for _, line in made],
            "products": [{"product_id": "P1", "category": "TEA"}, {"product_id": "P2", "category": "CUPS"}],
            "customers": [{"customer_id": "C1", "city": "Bonn"}, {"customer_id": "C4", "city": "Bonn"}],
        }
    )

    def found(*conditions):
        asked = rules(*conditions)
        wide = with_dimensions(shop, Settings(), asked, IDS, FEATURES)
        return [i for i, one in enumerate(asked.assign(wide)["segment"]) if one == "meant"]

    assert found("category=TEA") == [0]
    assert found("category=CUPS", "channel=web") == [2]
    assert found("city=Bonn") == [0, 3]
    assert found("category != CUPS", "days_since_order > 60") == [0]
    assert found("category=TEA", "category=CUPS", "spent_ever > 100") == [0, 2]
    with pytest.raises(InputError, match="Segments cannot be cut by 'coupon'"):
        rules("coupon=X")


@pytest.mark.parametrize(
    ("condition", "error", "told"),
    [
        ("days_since_ordr > 60", NotFoundError, "Did you mean 'days_since_order'"),
        ("categry=TEA", NotFoundError, "Did you mean 'category'"),
        ("days_since_order > soon", InputError, "compared with a number"),
        ("days_since_order > inf", InputError, "compared with a number"),
        ("favorite > TEA", InputError, "by size"),
        ("spent_ever", InputError, "dimension=value"),
        ("__import__('os').system('x') > 1", NotFoundError, "no feature or dimension"),
        ("", InputError, "dimension=value"),
        ("x" * 1000, InputError, "dimension=value"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_would_be(condition, error, told):
    with pytest.raises(error, match=told):
        rules(condition)


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"name": "a"}, "segment"),
        ({"name": "a", "segment": []}, "segment"),
        ({"segment": [{"name": "b", "where": ["spent_ever > 1"]}]}, "'name' must be a text"),
        ({"name": "a", "segment": [{"name": "b"}]}, "list of conditions"),
        ({"name": "a", "segment": [{"name": "b", "where": [], "wher": 1}]}, "Did you mean 'where'"),
        ({"name": "a", "segment": [{"name": "b", "where": ["spent_ever > 1"]}] * 2}, "names of their own"),
    ],
)
def test_rules_that_lack_something_say_what(tree, told):
    with pytest.raises(InputError, match=told):
        make_rules(tree, DESCRIBED)


def test_a_file_is_read_and_a_bad_one_named(tmp_path):
    path = tmp_path / "care.toml"
    path.write_text(
        'name = "care"\n[[segment]]\nname = "lapsed"\nname_zh = "流失"\nwhere = ["days_since_order > 60"]\n',
        encoding="utf-8",
    )
    found = read_rules(path, DESCRIBED)
    assert (found.name, found.segments[0].name_zh) == ("care", "流失")
    assert found.segments[0].sentence == "Everyone with days_since_order > 60."
    path.write_text("name =")
    with pytest.raises(InputError, match="not valid TOML"):
        read_rules(path, DESCRIBED)
    with pytest.raises(NotFoundError, match="cannot be read"):
        read_rules(tmp_path / "no.toml", DESCRIBED)
