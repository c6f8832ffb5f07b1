"""What each repair makes of wrong cells, against numbers worked out by hand, and what it refuses."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.contracts.settings import Settings, make_settings, settings_toml
from foresell.quality.repair import REPAIRS, read_rules
from foresell.quality.repair.encodings import fix
from foresell.quality.repair.likeness import like_pairs, likeness, read_title
from foresell.quality.repair.rule import parse_rule
from foresell.quality.repair.units import UNITS, convert

Rows = Sequence[Mapping[str, object]]
MakeTables = Callable[[Mapping[str, Rows]], Any]
DECIMAL = Decimal


@pytest.fixture
def repaired(make_tables: MakeTables) -> Callable[..., dict[str, Any]]:
    """New values by key, of the rule's column: `repaired("products.price: mean", products=[…])`."""

    def run(text: str, **rows: Rows) -> dict[str, Any]:
        [rule] = read_rules([text])
        found = REPAIRS[rule.repair].find(make_tables(rows), Settings(), rule)
        records = [row for patch in found for row in patch.rows.to_pyarrow().to_pylist()]
        key = rule.contract.key[-1] if rule.table == "inventory" else rule.contract.key[0]
        return {str(row[key]): row.get(f"new.{rule.column}") for row in records}

    return run


def product(name: str, price: object = None, **others: object) -> dict[str, object]:
    return {"product_id": name, "price": price, "currency": "USD", **others}


def stock(day: int, on_hand: object, **others: object) -> dict[str, object]:
    date = f"2024-01-{day:02}"
    return {"product_id": "p", "location_id": "w", "as_of_date": date, "on_hand": on_hand, **others}


def test_a_mean_is_of_its_group_and_currency_alone(repaired: Any) -> None:
    rows = [
        product("a", "1", category="x"),
        product("b", "2.0001", category="x"),
        product("c", "100", category="x", currency="EUR"),
        product("d", "50", category="y"),
        product("wrong", category="x"),
        product("other", category="x", currency="GBP"),
        product("nowhere"),
    ]
    # (1 + 2.0001) / 2 = 1.50005, halves away from zero.
    assert repaired("products.price: mean by category", products=rows) == {"wrong": DECIMAL("1.5001")}


def test_a_median_of_an_even_number_is_between_and_whole_numbers_stay_whole(repaired: Any) -> None:
    rows = [{"customer_id": f"c{n}", "birth_year": year} for n, year in enumerate([1980, 1981, 1990, 2000])]
    assert repaired("customers.birth_year: median", customers=[*rows, {"customer_id": "x"}]) == {"x": 1986}


def test_wrong_cells_count_in_no_statistic(repaired: Any) -> None:
    rows = [product("a", "1"), product("b", "3"), product("c", "-5"), product("d")]
    assert repaired("products.price: mean if < 0", products=rows) == {"c": DECIMAL(2)}


def test_the_mode_of_a_tie_is_the_smallest_and_says_so(make_tables: MakeTables) -> None:
    rows = [{"order_id": f"o{n}", "channel": c} for n, c in enumerate(["web", "app", "web", "app", None])]
    [rule] = read_rules(["orders.channel: mode"])
    [patch] = REPAIRS["mode"].find(make_tables({"orders": rows}), Settings(), rule)
    [row] = patch.rows.to_pyarrow().to_pylist()
    assert (row["order_id"], row["new.channel"]) == ("o4", "app")
    assert row["evidence"] == (
        "most frequent: 2 of 4 known values (as frequent as 1 others; the smallest is taken)"
    )


def test_a_constant_amount_is_given_to_its_currency_alone(repaired: Any) -> None:
    rows = [product("a"), product("b", currency="EUR"), product("c", "1")]
    assert repaired("products.price: constant 5.5 EUR", products=rows) == {"b": DECIMAL("5.5")}
    assert set(repaired("products.price: constant 0", products=rows)) == {"a", "b"}
    with pytest.raises(InputError, match="several currencies"):
        repaired("products.price: constant 5.5", products=rows)


def order(name: str, day: int, customer: str | None, channel: str | None) -> dict[str, object]:
    time = f"2024-01-{day:02}T00:00:00Z"
    return {"order_id": name, "customer_id": customer, "created_at": time, "channel": channel}


def test_a_value_is_carried_forward_within_a_customer_and_never_backward(repaired: Any) -> None:
    rows = [
        order("early", 1, "a", None),
        order("known", 2, "a", "web"),
        order("late", 3, "a", None),
        order("later", 4, "a", None),
        order("others", 5, "b", None),
        order("nobody", 6, None, None),
    ]
    assert repaired("orders.channel: forward_fill", orders=rows) == {"late": "web", "later": "web"}
    across = repaired("orders.channel: forward_fill by nothing", orders=rows)
    assert across == dict.fromkeys(["late", "later", "others", "nobody"], "web")


def test_a_line_is_drawn_in_time_and_not_beyond_its_ends(repaired: Any) -> None:
    rows = [
        stock(1, 10, on_order=None),
        stock(2, 10, on_order=2),
        stock(3, 10),
        stock(6, 10, on_order=10),
        stock(7, 1),
    ]
    assert repaired("inventory.on_order: interpolate", inventory=rows) == {"2024-01-03": 4.0}
    rows = [stock(1, 4), stock(2, -9), stock(3, 8)]
    assert repaired("inventory.on_hand: interpolate if < 0", inventory=rows) == {"2024-01-02": 6.0}


def test_a_season_is_added_to_the_line(repaired: Any) -> None:
    # Two and a half weeks of 10 a day, but 24 on Mondays (2024-01-01 is one); the third Monday is missing.
    rows = [stock(day, 24 if day % 7 == 1 else 10) for day in range(1, 22)]
    rows[14] = stock(15, -1)
    [(day, value)] = repaired("inventory.on_hand: interpolate_seasonal if < 0", inventory=rows).items()
    assert day == "2024-01-15"
    assert value == pytest.approx(24.0)
    assert repaired("inventory.on_hand: interpolate_seasonal if < 0", inventory=rows[7:]) == {}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.none() | st.integers(0, 100), min_size=2, max_size=12),
    repair=st.sampled_from(["forward_fill", "interpolate", "mean", "median", "mode"]),
)
def test_only_wrong_cells_change_and_stay_within_the_right_ones(
    make_tables: MakeTables, values: list[int | None], repair: str
) -> None:
    rows = [stock(day, 1, on_order=value) for day, value in enumerate(values, start=1)]
    [rule] = read_rules([f"inventory.on_order: {repair}"])
    found = REPAIRS[repair].find(make_tables({"inventory": rows}), Settings(), rule)
    known = [value for value in values if value is not None]
    for row in (row for patch in found for row in patch.rows.to_pyarrow().to_pylist()):
        assert values[row["as_of_date"].day - 1] is None
        assert row["old.on_order"] is None
        assert min(known) - 1e-9 <= row["new.on_order"] <= max(known) + 1e-9


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("products.price: medan", "Did you mean 'median'"),
        ("product.price: mean", "Did you mean 'products'"),
        ("products.prize: mean", "Did you mean 'price'"),
        ("products.price mean", "cannot be read"),
        ("products.price: mean by categry", "Did you mean 'category'"),
        ("products.price: mean by", "does not say by what"),
        ("products.price: mean by brand by category", "says 'by' twice"),
        ("products.price: mean if lowish", "condition that cannot be read"),
        ("products.price: mean if < cheap", "'cheap' is no value"),
        ("products.price: mean exactly", "does not take"),
        ("products.title: mean", "'title' is a string"),
        ("products.product_id: mode", "would change a key"),
        ("orders.customer_id: mode", "guess whose the row is"),
        ("orders.location_id: mode", "what 'location_id' refers to"),
        ("orders.created_at: mean", "in quarantine"),
        ("inventory.on_hand: mean", "in quarantine"),
        ("products.currency: mode", "what money is worth"),
        ("products.currency: constant euro", "ISO 4217"),
        ("products.price: constant", "names no value"),
        ("products.price: constant 1.23456", "at most 4 decimals"),
        ("products.is_service: constant maybe", "true or false"),
        ("orders.status: constant bought", "Valid: cancelled"),
        ("supplies.lead_time_days: interpolate", "have none"),
        ("supplies.lead_time_days: forward_fill", "have none"),
        ("promotions.discount_rate: interpolate_seasonal daily", "no season 'daily'"),
        ("identities.id_type: mode", "never repaired"),
        ("consents.is_granted: constant true", "never repaired"),
        ("products.attributes.weight: unit stone", "no unit 'stone'"),
        ("products.attributes: unit kg", "member of JSON"),
        ("products.attributes.weight: mean", "member of JSON"),
        ("products.title.x: fix_encoding", "has no members"),
        ("orders: merge_same_key", "merges records of products and customers"),
        ("customers.city: merge_similar", "foresell match"),
        ("products.title: merge_similar 2", "no likeness '2'"),
        ("orders: drop duplicats", "Did you mean 'duplicates'"),
        ("orders: drop", "names no column"),
        ("orders.total_amount: swap_back status", "Valid: "),
        ("refunds.created_at: shift_times", "orders alone"),
        ("products.title: constant 'a", "does not end"),
    ],
)
def test_a_rule_that_would_lie_or_cannot_be_read_is_refused(text: str, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        read_rules([text])
    assert expected in refused.value.message


def test_a_rule_may_quote_its_own_words() -> None:
    rule = parse_rule("orders.channel: constant 'by phone' by nothing if in A, 'the web'", sorted(REPAIRS))
    assert (rule.argument, rule.by, rule.condition.values) == ("by phone", (), ("A", "the web"))


rules = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=4).map(tuple)


@given(rules=rules)
def test_rules_come_back_from_the_file_as_they_were_written(rules: tuple[str, ...]) -> None:
    import tomllib

    written = settings_toml(make_settings({"repair": {"rules": rules}}))
    assert tuple(tomllib.loads(written)["repair"]["rules"]) == rules


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("500 g", "kg", "0.5 kg"),
        ("0.5kg", "kg", "0.5 kg"),
        ("1,2 L", "ml", "1200 ml"),
        ("1,234.5 g", "kg", "1.2345 kg"),
        ("1.234,5 g", "kg", "1.2345 kg"),
        ("12 oz", "g", "340.194278 g"),
        ("500克", "kg", "0.5 kg"),
        ("5 FL OZ", "ml", "147.867648 ml"),
        ("1,234 g", "kg", None),
        ("500", "kg", None),
        ("2 x 500 g", "kg", None),
        ("500 ml", "kg", None),
    ],
)
def test_measures_are_brought_to_one_unit_where_they_say_surely_what_they_are(
    text: str, unit: str, expected: str | None
) -> None:
    assert convert(text, unit) == expected


@given(number=st.decimals(1, 9999, places=2), unit=st.sampled_from(sorted(UNITS)))
def test_a_measure_in_its_own_unit_is_the_same_number(number: Decimal, unit: str) -> None:
    converted = convert(f"{number} {unit}", unit)
    assert converted is not None
    assert Decimal(converted.split()[0]) == number


SOUND = [
    "Café",
    "Müller Größe ÄÖÜß",
    "SÃO PAULO",
    "þæðé",
    "voilà «é»",
    "茶杯红色",
    "“Äußerst”",
    "ČŠŽ",
    "Ñandú",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_is_left(text: str) -> None:
    assert fix(text) is None


@pytest.mark.parametrize("text", ["Café", "SÃO PAULO", "茶杯红色", "中文Café", "Größe"])
def test_utf8_that_was_read_as_latin_1_comes_back(text: str) -> None:
    found = fix(text.encode().decode("latin-1"))
    assert found is not None
    assert found[0] == text


@pytest.mark.parametrize("text", ["中文", "绿茶", "红茶 500g", "蓝色茶杯"])
def test_gbk_that_was_read_as_latin_1_comes_back(text: str) -> None:
    found = fix(text.encode("gbk").decode("latin-1"))
    assert found == (text, "GBK was read as Latin-1")


def test_utf8_that_was_read_as_gbk_comes_back() -> None:
    assert fix("蓝色茶杯".encode().decode("gbk")) == ("蓝色茶杯", "UTF-8 was read as GBK")


@pytest.mark.parametrize(
    ("one", "other", "is_alike"),
    [
        ("Lunch bag red spotty", "LUNCH BAG  RED SPOTY", True),
        ("Lunch bag red spotty", "Lunch bag blue spotty", False),
        ("Water 500 ml", "Water 250 ml", False),
        ("Jumbo bag", "Jum bo bag", True),
        ("红色茶杯", "蓝色茶杯", False),
        ("Shirt large", "Shirt small", False),
        ("12 pencils tall tube skulls", "12 pencils small tube skull", False),
        ("12 pencils tall tube wood", "12 pencil small tube wood", False),
        ("Red drawer knob acrylic", "Purple drawerknob acrylic", False),
        ("Spaceboy childrens egg cup", "Space boy childrens cup", False),
        ("Wooden heart ornament", "Wooden heart ornamnet", True),
    ],
)
def test_only_a_slip_of_the_keyboard_makes_titles_alike(one: str, other: str, is_alike: bool) -> None:
    titles = [read_title(one), read_title(other)]
    assert (likeness(*titles) >= 0.9) == is_alike
    assert bool(list(like_pairs(titles, ["", ""], 0.9))) == is_alike
    assert not list(like_pairs(titles, ["a", "b"], 0.9))
