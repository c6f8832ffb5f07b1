"""In which of two columns a value is at home.

A value is at home where it stands more often, and, where it is seldom, where values of its shape do: digits
as 9, letters as A, runs as one ("85123A" is 9A, "WHITE HEART" is A A). Both are compared as log odds, half a
count added to each (Jeffreys' prior). A pair is swapped if both values are strangers in their own column.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# A shape says less than the value itself.
SHAPE_WEIGHT = 0.5
MOST_OF_A_SHAPE = 6.0


def strangers(pairs: "pl.DataFrame", least_evidence: float) -> "pl.DataFrame":
    """`pairs`: distinct `first` and `second` (texts) with `num_rows`. Gives those where each value is more at
    home in the other column, by `least_evidence` nats together, with their `evidence`."""
    import polars as pl

    told = pairs.filter(pl.col("first").str.to_lowercase() != pl.col("second").str.to_lowercase())
    values = _odds(pairs, told, "first", "second")
    shaped = {name: _shape(name) for name in ("first", "second")}
    shapes = _odds(pairs.with_columns(**shaped), told.with_columns(**shaped), "first", "second")
    both = told.with_columns(
        first_away=_away(values["first"], shapes["first"]),
        second_away=_away(values["second"], shapes["second"]),
    )
    evidence = pl.col("first_away") + pl.col("second_away")
    is_swapped = (pl.col("first_away") > 0) & (pl.col("second_away") > 0) & (evidence >= least_evidence)
    return both.with_columns(evidence=evidence).filter(is_swapped).drop("first_away", "second_away")


def _away(values: "pl.Series", shapes: "pl.Series") -> "pl.Series":
    return values + SHAPE_WEIGHT * shapes.clip(-MOST_OF_A_SHAPE, MOST_OF_A_SHAPE)


def _odds(pairs: "pl.DataFrame", told: "pl.DataFrame", first: str, second: str) -> dict[str, "pl.Series"]:
    """Log odds that the value of each of the two columns of `told` belongs to the other; the rows of the
    pair itself are no witness for it."""
    import polars as pl

    counts = {
        name: pairs.group_by(pl.col(name).alias("value")).agg(pl.col("num_rows").sum().alias(f"in_{name}"))
        for name in (first, second)
    }
    odds = {}
    for own, other in ((first, second), (second, first)):
        here = told.join(counts[own], left_on=own, right_on="value", how="left", maintain_order="left")
        here = here.join(counts[other], left_on=own, right_on="value", how="left", maintain_order="left")
        away = pl.col(f"in_{other}").fill_null(0) + 0.5
        home = pl.col(f"in_{own}").fill_null(0) - pl.col("num_rows") + 0.5
        odds[own] = here.select(away.log() - home.clip(0.5).log()).to_series()
    return odds


def _shape(name: str) -> "pl.Expr":
    import polars as pl

    letters = pl.col(name).str.replace_all(r"\p{L}+", "A").str.replace_all(r"\p{N}+", "9")
    return letters.str.replace_all(r"(A[^A9]*){3,}", "A A A")
