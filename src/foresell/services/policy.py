"""What recommending earned, and what it would have earned with another epsilon: read from what was served."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars as pl

    from foresell.evaluation.intervals import Interval
    from foresell.evaluation.off_policy import PolicyValue
    from foresell.evaluation.ranking import ReturnRates

# Reward → the column of the outcomes.
REWARDS = {"clicks": "is_clicked", "revenue": "revenue"}
EVERYWHERE = "all"


@dataclass(frozen=True, slots=True)
class ServedValue:
    """What one surface earned a shown product. `served`: on-policy, of every row whose outcome is known.

    `same_rows`, `estimate`: of the `num_judged` rows that can say something of the other epsilon, as served
    and as it would have been (SNIPS); None where there are none.
    """

    surface: str
    reward: str
    num_shown: int
    num_known: int
    served: "Interval | None"
    num_judged: int = 0
    same_rows: "Interval | None" = None
    estimate: "PolicyValue | None" = None

    def as_record(self) -> dict[str, object]:
        return {
            "surface": self.surface,
            "reward": self.reward,
            "num_shown": self.num_shown,
            "num_known": self.num_known,
            "served": _as_list(self.served),
            "num_judged": self.num_judged,
            "served_in_same_rows": _as_list(self.same_rows),
            "other_epsilon": _as_list(self.estimate.value if self.estimate else None),
            "effective_rows": self.estimate.effective_rows if self.estimate else None,
            "mean_weight": self.estimate.mean_weight.value if self.estimate else None,
            "warnings": list(self.estimate.warnings) if self.estimate else [],
        }


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """`left_out`: code of LEFT_OUT, why rows say nothing (of the other epsilon) → how many."""

    since: datetime
    epsilon: float | None
    values: tuple[ServedValue, ...]
    left_out: dict[str, int]
    returns: "ReturnRates"

    def as_record(self, language: str = "en") -> dict[str, object]:
        from foresell.predict.recommend.other_epsilon import LEFT_OUT

        place = 1 if language == "zh" else 0
        return {
            "since": self.since.isoformat(),
            "epsilon": self.epsilon,
            "values": [value.as_record() for value in self.values],
            "left_out": [
                {"code": code, "rows": count, "why": LEFT_OUT[code][place]}
                for code, count in self.left_out.items()
            ],
            "return_rate_of_recommended": _as_list(self.returns.recommended),
            "return_rate_of_others": _as_list(self.returns.others),
        }


def policy_report(
    shop: Shop,
    *,
    epsilon: float | None = None,
    days: int = 30,
    surface: str | None = None,
    now: datetime | None = None,
) -> PolicyReport:
    """What was served in the last `days`, by surface and everywhere, in clicks and revenue a shown product.

    `epsilon`: the other epsilon to judge; None: only what was served. Intervals take customers whole.
    NotFoundError where nothing was served (there); InputError for an epsilon that is no chance.
    """
    import polars as pl

    from foresell.predict.recommend.outcomes import attributed_lines, outcomes, served_rows

    if days < 1:
        raise InputError("The last days are at least one", received=days, do="Give --days 30.")
    since = (now or datetime.now(UTC)) - timedelta(days=days)
    is_asked = pl.lit(value=True) if surface is None else pl.col("surface") == surface
    with shop.reading_matched() as tables:
        shown = served_rows(tables, since, now)
        if shown.filter(is_asked).is_empty():
            raise NotFoundError(
                f"Nothing was served in the last {days} days" + (f" on '{surface}'" if surface else ""),
                do="Serve with `foresell recommend --served`, or look further back with --days.",
            )
        # Of all surfaces: an action belongs to the last one that showed the product.
        found = outcomes(tables, shop.settings, shown).filter(is_asked)
        recommended, lines = attributed_lines(tables, shop.settings, shown)
    recommended = recommended.join(found, on="served_id", how="semi")
    judged, left_out = _judged(found, epsilon)
    values = [_value(name, reward, rows, epsilon) for name, rows in _by_surface(judged) for reward in REWARDS]
    return PolicyReport(since, epsilon, tuple(values), left_out, _returns(found, recommended, lines))


def _judged(found: "pl.DataFrame", epsilon: float | None) -> "tuple[pl.DataFrame, dict[str, int]]":
    """The rows with `left_out`, and how many rows each reason leaves out."""
    import polars as pl

    from foresell.predict.recommend.other_epsilon import with_list_chances

    none = pl.lit(None, pl.Float64)
    if epsilon is None:
        rows = found.with_columns(left_out=pl.lit(None, pl.String), list_propensity=none, list_target=none)
    else:
        rows = with_list_chances(found, epsilon)
    unknown = (
        pl.when(pl.col("customer_id").is_null())
        .then(pl.lit("nobody"))
        .when(pl.col("is_clicked").is_null())
        .then(pl.lit("too_recent"))
    )
    rows = rows.with_columns(left_out=pl.coalesce(unknown, "left_out"))
    counted = rows.filter(pl.col("left_out").is_not_null()).group_by("left_out").len().sort("left_out")
    return rows, dict(counted.iter_rows())


def _by_surface(rows: "pl.DataFrame") -> "Iterator[tuple[str, pl.DataFrame]]":
    yield EVERYWHERE, rows
    for (name,), own in rows.sort("surface").group_by("surface", maintain_order=True):
        yield str(name), own


def _value(surface: str, reward: str, rows: "pl.DataFrame", epsilon: float | None) -> ServedValue:
    import polars as pl

    from foresell.evaluation.off_policy import policy_value

    column = pl.col(REWARDS[reward]).cast(pl.Float64)
    known = rows.filter(column.is_not_null()).with_columns(reward=column)
    judged = known.filter(pl.col("left_out").is_null())
    served = _on_policy(known)
    if epsilon is None or judged.is_empty():
        return ServedValue(surface, reward, rows.height, known.height, served)
    judged = judged.with_columns(propensity="list_propensity", target_propensity="list_target")
    has_overlap = bool((judged["target_propensity"] > 0).any())
    estimate = policy_value(judged, "snips", unit="customer_id") if has_overlap else None
    return ServedValue(
        surface, reward, rows.height, known.height, served, judged.height, _on_policy(judged), estimate
    )


def _on_policy(known: "pl.DataFrame") -> "Interval | None":
    """The mean reward of what was done: every weight is 1."""
    import polars as pl

    from foresell.evaluation.off_policy import policy_value

    if known.is_empty():
        return None
    certain = known.with_columns(propensity=pl.lit(1.0), target_propensity=pl.lit(1.0))
    return policy_value(certain, "ips", unit="customer_id").value


def _returns(shown: "pl.DataFrame", recommended: "pl.DataFrame", lines: "pl.DataFrame") -> "ReturnRates":
    """Of pieces bought after they were recommended, and of all else that these customers bought since.

    A line, not a product, is what was recommended or not: each stands for a product of its own.
    """
    import polars as pl

    from foresell.evaluation.ranking import return_rates

    people = shown.filter(pl.col("customer_id").is_not_null()).select("customer_id", product_id=pl.lit(""))
    from_log = recommended.select("customer_id", product_id="order_line_id")
    pairs = pl.concat([people.unique(), from_log]).with_columns(rank=1)
    bought = lines.select(
        "customer_id", "quantity", product_id="order_line_id", refunded_quantity="returned_quantity"
    )
    return return_rates(pairs, bought, 1)


def _as_list(interval: "Interval | None") -> list[float] | None:
    """Value, lower and upper end; None where there is nothing."""
    if interval is None or interval.value != interval.value:
        return None
    return [interval.value, interval.lower, interval.upper]
