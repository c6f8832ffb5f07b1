"""Money in the store's currency, at the rate of the order's local date."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.kpis.scope import Scope

if TYPE_CHECKING:
    import ibis.expr.types as ir

# 12 decimals keep a rate such as 0.006712345678 to the cent on a billion. 19 digits, not 18, because
# DuckDB multiplies two numbers of 18 within 18; with an amount's 18 the product fits the 38 of both
# engines, so that it is exact and they agree to the last digit.
RATE = "decimal(19,12)"


def convert(
    table: "ir.Table",
    scope: Scope,
    *,
    heads: "ir.Table",
    exact: Sequence[str] = (),
    floats: Sequence[str] = (),
    date: str = "date",
) -> "ir.Table":
    """The amounts in the store's currency; rows in that currency need no rate.

    `heads`: the orders or refunds that the rows belong to, with `currency` and the `date` column.
    Errors: InputError naming the first date and currency without a rate.
    """
    import ibis

    if not any(scope.has_foreign_money(name) for name in ("orders", "refunds")):
        return table
    foreign = heads.filter(heads.currency != scope.currency)
    needed = foreign.select(needed_date=foreign[date], needed_currency=foreign.currency).distinct()
    # One row a date and currency: that is the table's key.
    rates = scope.tables.current("exchange_rates")
    rates = rates.select(rate_on="date", rate_of="currency", rate=rates.rate_to_store.cast(RATE))
    _refuse_missing_rates(needed, rates)
    joined = table.left_join(rates, [table[date] == rates.rate_on, table.currency == rates.rate_of])
    own = joined.currency == scope.currency
    rate = ibis.ifelse(own, ibis.literal(1).cast(RATE), joined.rate)
    converted = {name: joined[name] * rate for name in exact}
    converted |= {name: joined[name] * rate.cast("float64") for name in floats}
    return joined.mutate(**converted).drop("rate_on", "rate_of", "rate")


def _refuse_missing_rates(needed: "ir.Table", rates: "ir.Table") -> None:
    matches = [needed.needed_date == rates.rate_on, needed.needed_currency == rates.rate_of]
    missing = needed.anti_join(rates, matches).order_by("needed_date", "needed_currency").limit(1)
    for row in missing.to_pyarrow().to_pylist():
        raise InputError(
            f"There is no exchange rate for {row['needed_currency']} on {row['needed_date']}",
            do="Import that day's rate into exchange_rates (date, currency, rate_to_store).",
        )
