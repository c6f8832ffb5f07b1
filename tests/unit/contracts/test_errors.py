"""Errors say what happened, what was received and what to do."""

import pytest

from foresell.contracts.errors import BusyError, ForesellError, InputError, NotFoundError, did_you_mean


def test_a_message_has_all_three_parts() -> None:
    error = InputError("The file is empty.", received="sales.csv", do="Export it again.")
    assert error.message == "The file is empty. Received: sales.csv. Export it again."
    assert str(error) == error.message


def test_a_record_is_what_json_output_shows() -> None:
    error = NotFoundError("There is no KPI 'net_sale'", do="Did you mean 'net_sales'?")
    assert error.as_record() == {
        "error": "NotFoundError",
        "what": "There is no KPI 'net_sale'",
        "received": None,
        "do": "Did you mean 'net_sales'?",
    }


def test_a_busy_store_can_be_told_from_a_wrong_call() -> None:
    assert BusyError("x").exit_code != InputError("x").exit_code
    assert isinstance(BusyError("x"), ForesellError)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("net_sale", "Did you mean 'net_sales'? Valid: gross_sales, net_sales, orders."),
        ("order", "Did you mean 'orders'? Valid: gross_sales, net_sales, orders."),
        ("xyz", "Valid: gross_sales, net_sales, orders."),
    ],
)
def test_a_wrong_name_gets_the_closest_and_all_valid_ones(given: str, expected: str) -> None:
    assert did_you_mean(given, {"net_sales", "orders", "gross_sales"}) == expected
