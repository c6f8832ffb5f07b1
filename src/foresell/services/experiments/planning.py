"""How many customers an experiment needs, by the shop's own figures."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError
from foresell.services.experiments.declaration import Declaration
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import polars as pl

    from foresell.contracts.protocols import Tables
    from foresell.evaluation.experiments import Plan

ACTIVE_DAYS = 28


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """One metric, a customer: `mean` and deviation now, the smallest difference worth finding, and how many
    customers find it: `plan`, and `reduction`: the share of variance that their past foretells, with
    `with_cuped`: the sequential number when it is taken out."""

    metric: str
    mean: float
    plan: "Plan"
    reduction: float
    with_cuped: int

    def as_record(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "mean": self.mean,
            "reduction": self.reduction,
            "with_cuped": self.with_cuped,
            **asdict(self.plan),
        }


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """`num_active`: customers who did something in the last ACTIVE_DAYS days, of whom `traffic` take part;
    `level`: of each comparison with the control."""

    num_active: int
    level: float
    metrics: tuple[MetricPlan, ...]

    def as_record(self) -> dict[str, Any]:
        return {
            "num_active": self.num_active,
            "level": self.level,
            "metrics": [one.as_record() for one in self.metrics],
        }


def plan_experiment(shop: Shop, declaration: Declaration) -> ExperimentPlan:
    """As if everybody active had been shown something `window_days` before the newest data.

    InputError where the shop knows nobody active, or a metric was the same for all.
    """
    level = declaration.level / (len(declaration.variants) - 1)
    with shop.reading_matched() as tables:
        told, num_active = _as_if(shop, tables, declaration)
    plans = tuple(_plan(told, declaration, metric, level) for metric in declaration.measured)
    return ExperimentPlan(num_active, level, plans)


def _as_if(shop: Shop, tables: "Tables", declaration: Declaration) -> "tuple[pl.DataFrame, int]":
    import polars as pl

    from foresell.services.experiments.outcomes import known_until, measured

    until = known_until(tables, declaration.measured)
    window = timedelta(days=declaration.window_days)
    nobody = InputError(
        "Nothing is known to plan this experiment by", do="Import orders and events of some weeks first."
    )
    if until is None:
        raise nobody
    at, active = until - window, set()
    for name, column in (("orders", "created_at"), ("events", "occurred_at")):
        rows = tables.current(name)
        recent = rows.filter(
            (rows[column] >= at - timedelta(days=ACTIVE_DAYS)) & (rows[column] < at),
            rows.customer_id.notnull(),
        )
        active |= set(recent.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist())
    if not active:
        raise nobody
    moment = pl.lit(at).cast(pl.Datetime("us", "UTC"))
    people = pl.DataFrame({"customer_id": sorted(active)}).with_columns(at=moment)
    before = timedelta(days=declaration.before_days)
    return measured(tables, shop.settings, people, declaration.measured, after=window, before=before), len(
        active
    )


def _plan(told: "pl.DataFrame", declaration: Declaration, metric: str, level: float) -> MetricPlan:
    from foresell.evaluation.experiments import cuped, plan_test
    from foresell.services.experiments.outcomes import BEFORE

    values = told[metric].to_numpy()
    mean = float(values.mean())
    deviation = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if mean <= 0 or deviation <= 0:
        raise InputError(
            f"'{metric}' was the same for everybody, so nothing can be planned by it",
            received=f"{len(values):,} customers, mean {mean:g}",
            do="Choose another metric, or a longer window_days.",
        )
    shares = [variant.share for variant in declaration.variants]
    asked = {
        "effect": declaration.minimum_effect * mean,
        "shares": (shares[0], min(shares[1:])),
        "level": level,
        "power": declaration.power,
    }
    plan = plan_test(deviation, **asked)  # type: ignore[arg-type]  # of mixed kinds
    reduction = cuped(values, told[f"{metric}{BEFORE}"].to_numpy(), [0] * len(values)).reduction
    left = plan_test(deviation * max(1 - reduction, 1e-6) ** 0.5, **asked)  # type: ignore[arg-type]
    return MetricPlan(metric, mean, plan, reduction, left.sequential)
