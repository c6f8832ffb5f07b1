"""The models as published, on the sample of 2,357 customers and its first 39 weeks."""

from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.quality.cdnow.transactions import SAMPLE, SUMMARY, features_at, order_days

from foresell.predict.customers.value.bg_nbd import fit_bg_nbd
from foresell.predict.customers.value.gamma_gamma import fit_gamma_gamma
from foresell.predict.customers.value.history import History, history_of, make_history

WEEK = 7.0
# Fader, Hardie and Lee, 2005; Fader and Hardie, 2013; times in weeks. The digits are theirs.
PUBLISHED = {
    "r": "0.243",
    "alpha": "4.414",
    "a": "0.793",
    "b": "2.426",
    "log_likelihood": "-9582.4",
    "p": "6.25",
    "q": "3.74",
    "v": "15.44",
}


def from_summary(folder: Path) -> History:
    """The file that the issue names; times to a hundredth of a week, z̄ to a cent."""
    frame = pl.read_csv(folder / SUMMARY)
    return make_history(frame["x"], frame["t_x"], frame["T"], frame["zbar"])


def from_transactions(folder: Path) -> History:
    """The same customers from their transactions, nothing rounded, in weeks."""
    history = history_of(features_at(order_days(folder / SAMPLE), 39, 39))
    return History(history.frequency, history.recency / WEEK, history.age / WEEK, history.money)


def fitted(history: History) -> dict[str, Any]:
    """What PUBLISHED has, with standard errors, and whether each is equal to the digits given."""
    buying, worth = fit_bg_nbd(history), fit_gamma_gamma(history)
    found = {
        **buying.estimate.by_name,
        "log_likelihood": buying.estimate.log_likelihood,
        **worth.estimate.by_name,
    }
    errors = {**buying.estimate.standard_errors, **worth.estimate.standard_errors}
    equal = {name: f"{found[name]:.{decimals(text)}f}" == text for name, text in PUBLISHED.items()}
    return {
        "found": found,
        "standard_errors": errors,
        "equal": equal,
        "correlation_of_frequency_and_value": worth.correlation,
        "customers": len(history),
    }


def decimals(text: str) -> int:
    return len(text.partition(".")[2])
