"""BG/NBD and Gamma-Gamma on CDNOW's 2,357 customers, to the digits that were published.

Sources: Fader, Hardie and Lee, Marketing Science 24, 2005, table 2, and their note "Implementing the BG/NBD
model in Microsoft Excel"; Fader and Hardie, "The Gamma-Gamma model of monetary value", 2013.
"""

import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from foresell.predict.customers.value.bg_nbd import expected_orders, fit_bg_nbd
from foresell.predict.customers.value.gamma_gamma import fit_gamma_gamma
from foresell.predict.customers.value.history import History, history_of, make_history
from foresell.predict.customers.value.summary import summarize

pytestmark = pytest.mark.shared

LAST = datetime.date(1997, 9, 30)


@pytest.fixture(scope="module")
def of_summary(shared_data: Path) -> History:
    """In weeks; times to a hundredth of a week, z̄ to a cent."""
    frame = pl.read_csv(shared_data / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
    return make_history(frame["x"], frame["t_x"], frame["T"], frame["zbar"])


@pytest.fixture(scope="module")
def of_transactions(shared_data: Path) -> History:
    """The same customers by our own summary of their transactions, in weeks."""
    rows = []
    for line in (shared_data / "cdnow" / "CDNOW_sample.txt").read_text().splitlines():
        _, customer, day, _, dollars = line.split()
        rows.append((customer, datetime.date(int(day[:4]), int(day[4:6]), int(day[6:])), float(dollars)))
    frame = pl.DataFrame(rows, ["customer_id", "date", "amount"], orient="row")
    days = frame.group_by("customer_id", "date").agg(pl.col("amount").sum())
    history = history_of(summarize(days, LAST, 91))
    return History(history.frequency, history.recency / 7, history.age / 7, history.money)


def test_our_summary_is_the_published_one(of_summary: History, of_transactions: History) -> None:
    assert (of_summary.frequency == of_transactions.frequency).all()
    assert np.abs(of_summary.recency - of_transactions.recency).max() < 0.00501
    assert np.abs(of_summary.age - of_transactions.age).max() < 0.00501
    again = of_summary.frequency > 0
    assert np.abs(of_summary.money - of_transactions.money)[again].max() < 0.00501


def test_bg_nbd(of_summary: History, of_transactions: History) -> None:
    for history in (of_summary, of_transactions):
        found = fit_bg_nbd(history).estimate
        assert {name: f"{value:.3f}" for name, value in found.by_name.items()} == {
            "r": "0.243",
            "alpha": "4.414",
            "a": "0.793",
            "b": "2.426",
        }
        assert f"{found.log_likelihood:.1f}" == "-9582.4"


def test_gamma_gamma(of_summary: History, of_transactions: History) -> None:
    found = fit_gamma_gamma(of_transactions)
    assert {name: f"{value:.2f}" for name, value in found.estimate.by_name.items()} == {
        "p": "6.25",
        "q": "3.74",
        "v": "15.44",
    }
    # Mean values that were rounded to a cent move v by less than a hundredth of its standard error.
    rounded = fit_gamma_gamma(of_summary).estimate
    assert [f"{rounded.by_name[name]:.2f}" for name in ("p", "q")] == ["6.25", "3.74"]
    assert rounded.by_name["v"] == pytest.approx(15.44, abs=0.01)
    assert found.correlation == pytest.approx(0.11, abs=0.005)


def test_what_is_expected_is_as_published(of_summary: History) -> None:
    first = make_history([2], [30.43], [38.86])
    assert expected_orders((0.243, 4.414, 0.793, 2.426), first, 39)[0] == pytest.approx(1.226, abs=5e-4)
    values = fit_gamma_gamma(of_summary).expected_value(of_summary.take(slice(0, 10)))
    told = [24.66, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert values == pytest.approx(np.array(told), abs=0.0151)
