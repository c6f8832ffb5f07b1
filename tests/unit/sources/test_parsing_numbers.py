from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Typed = Callable[..., list[tuple[Any, str | None]]]
AMOUNT = "order_lines.unit_price"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.5", "12.5"),
        ("1,234.50", "1234.5"),
        ("1,234,567", "1234567"),
        ("1 234.50", "1234.5"),
        ("1\u202f234.50", "1234.5"),
        ("1'234.50", "1234.5"),
        ("₹1,00,000", "100000"),
        ("$12.99", "12.99"),
        ("12.99 €", "12.99"),
        ("EUR 12.99", "12.99"),
        ("-£3.50", "-3.5"),
        ("£-3.50", "-3.5"),
        ("(12.50)", "-12.5"),
        ("−12.5", "-12.5"),
        ("12.5-", "-12.5"),
        (" 7 ", "7"),
        ("1e3", "1000"),
    ],
)
def test_amounts_as_shops_write_them(typed: Typed, text: str, amount: str) -> None:
    assert typed(AMOUNT, [text]) == [(Decimal(amount), None)]


@pytest.mark.parametrize(
    "text", ["1,5", "1,234", "1.234,50", "12,34", "abc", "inf", "12.5%", "1.2.3", "9" * 18]
)
def test_what_could_mean_two_things_or_nothing_is_refused(typed: Typed, text: str) -> None:
    assert typed(AMOUNT, [text]) == [(None, "invalid_number")]


@pytest.mark.parametrize(
    ("text", "decimal", "amount"),
    [
        ("1,5", ",", "1.5"),
        ("1.234,50", ",", "1234.5"),
        ("€1.234,50", ",", "1234.5"),
        ("1.234", ",", "1234"),
        ("1,234", ",", "1.234"),
        ("1,234", ".", "1234"),
    ],
)
def test_a_stated_decimal_sign_settles_it(typed: Typed, text: str, decimal: str, amount: str) -> None:
    assert typed(AMOUNT, [text], decimal=decimal) == [(Decimal(amount), None)]


@pytest.mark.parametrize("text", ["1.5", "1.2345,6"])
def test_a_point_that_groups_nothing_is_refused_under_a_decimal_comma(typed: Typed, text: str) -> None:
    assert typed(AMOUNT, [text], decimal=",") == [(None, "invalid_number")]


@pytest.mark.parametrize("text", ["", "  ", "NULL", "NaN", "n/a", "-", None])
def test_nothing_is_nothing_and_no_error(typed: Typed, text: str | None) -> None:
    assert typed(AMOUNT, [text]) == [(None, None)]


def test_whole_numbers_are_never_rounded(typed: Typed) -> None:
    assert typed("customers.birth_year", ["1980", "1980.0", "1980.5"]) == [
        (1980, None),
        (1980, None),
        (None, "invalid_number"),
    ]


def test_numbers_of_parquet_keep_their_value_and_nan_is_nothing(typed: Typed) -> None:
    assert typed(AMOUNT, [2.55, float("nan"), float("inf"), None], sql_type="DOUBLE") == [
        (Decimal("2.5500"), None),
        (None, None),
        (None, "invalid_number"),
        (None, None),
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.decimals(-(10**13), 10**13, places=2), min_size=1, max_size=20))
def test_every_amount_survives_every_way_of_writing_it(typed: Typed, amounts: list[Decimal]) -> None:
    wanted = [(amount, None) for amount in amounts]
    assert typed(AMOUNT, [f"{amount:,.2f}" for amount in amounts]) == wanted
    swapped = str.maketrans(",.", ".,")
    assert typed(AMOUNT, [f"{amount:,.2f} €".translate(swapped) for amount in amounts], decimal=",") == wanted
    assert typed(AMOUNT, [str(amount) for amount in amounts]) == wanted
