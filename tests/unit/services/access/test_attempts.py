"""Passwords that are tried again and again."""

import pytest

from foresell.contracts.errors import BusyError
from foresell.services.access.attempts import Attempts


def test_an_account_and_an_address_wait_after_five_refusals() -> None:
    attempts = Attempts()
    for _ in range(5):
        attempts.check("account ann", "address 1")
        attempts.failed("account ann", "address 1")
    for who in (("account ann", "address 2"), ("account bob", "address 1")):
        with pytest.raises(BusyError):
            attempts.check(*who)
    attempts.check("account bob", "address 2")


def test_a_refusal_is_forgotten_with_time() -> None:
    attempts = Attempts(most_failed=1, seconds=0.0)
    attempts.failed("account ann")
    attempts.check("account ann")
