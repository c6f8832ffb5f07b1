"""The present of a shop's customers: after all that they did, and not after what is still to come."""

from datetime import UTC, datetime, timedelta

import pytest

from foresell.contracts.errors import InputError
from foresell.services.customers.segment import end_of_history


def order(number, moment):
    return {
        "order_id": f"O{number}",
        "customer_id": "C",
        "currency": "USD",
        "created_at": moment,
        "local_date": moment[:10],
    }


def test_a_mistyped_year_is_not_the_present(make_tables):
    tables = make_tables({"orders": [order(1, "2024-03-01T12:00:00Z"), order(2, "2999-03-01T12:00:00Z")]})
    assert end_of_history(tables) == datetime(2024, 3, 1, 12, tzinfo=UTC) + timedelta(microseconds=1)


def test_nobody_has_no_present(make_tables):
    with pytest.raises(InputError, match="nobody to segment"):
        end_of_history(make_tables({}))
