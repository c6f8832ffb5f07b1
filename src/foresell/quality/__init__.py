"""Is the data fit to decide on? Checks, one a file, and the report a person reads.

A check takes the tables and the settings and gives findings; it changes nothing. To add one: a file in
`checks/` with a function `check`, and a line here.
"""

from collections.abc import Callable

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.checks import (
    arithmetic,
    currency,
    duplicates,
    encoding,
    formats,
    keys,
    missing,
    near_duplicates,
    outliers,
    quantities,
    ranges,
    reconciliation,
    references,
    shifted_times,
    signs,
    swapped_columns,
    times,
)
from foresell.quality.finding import Finding

Check = Callable[[Tables, Settings], list[Finding]]

CHECKS: dict[str, Check] = {
    "duplicates": duplicates.check,
    "near_duplicates": near_duplicates.check,
    "keys": keys.check,
    "missing": missing.check,
    "formats": formats.check,
    "ranges": ranges.check,
    "times": times.check,
    "shifted_times": shifted_times.check,
    "arithmetic": arithmetic.check,
    "reconciliation": reconciliation.check,
    "references": references.check,
    "signs": signs.check,
    "swapped_columns": swapped_columns.check,
    "quantities": quantities.check,
    "currency": currency.check,
    "encoding": encoding.check,
    "outliers": outliers.check,
}
