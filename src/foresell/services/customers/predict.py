"""Score customers by a fitted task: everybody of its population, or those asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.customers.tasks import load_task
from foresell.services.customers.vectors import with_vectors
from foresell.services.results import write_results
from foresell.services.shop import Progress, Shop, silent
from foresell.services.writing import writing

if TYPE_CHECKING:
    import polars

    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.fitted import FittedTask
    from foresell.predict.customers.task import Task

# Of those that come first, as many get their reasons beside the score.
MOST_EXPLAINED = 10_000
SHOWN = ("customer_id", "score", "unit", "lower", "upper", "is_chosen")


@dataclass(frozen=True)
class Scored:
    """`rows`: of the table `scores`, the highest score first (days: the lowest), ties by customer_id."""

    task: str
    question: str
    model: str
    cutoff_at: datetime
    horizon_days: float
    threshold: float | None
    rows: "polars.DataFrame"

    @property
    def num_chosen(self) -> int | None:
        """How many it is worth to act on; None without costs."""
        chosen = self.rows["is_chosen"]
        return None if chosen.null_count() == len(chosen) else int(chosen.sum())

    def top_rows(self, top: int) -> list[dict[str, object]]:
        """The first `top` customers: their score and whether to act."""
        return self.rows.head(top).select(SHOWN).to_dicts()

    def as_record(self, top: int) -> dict[str, object]:
        return {
            "task": self.task,
            "question": self.question,
            "model": self.model,
            "cutoff_at": self.cutoff_at.isoformat(),
            "horizon_days": self.horizon_days,
            "threshold": self.threshold,
            "customers": self.rows.height,
            "chosen": self.num_chosen,
            "rows": self.top_rows(top),
        }


def predict_customers(
    shop: Shop,
    name: str,
    of: str | None = None,
    *,
    as_of: datetime | None = None,
    customers: Sequence[str] = (),
    progress: Progress = silent,
) -> Scored:
    """What the model in production says of its task.

    `as_of`: by what was known then; None: by everything, and the scores of everybody are also written to the
    table `scores`. `customers`: these alone, whether they are in the population or not.

    Errors: NotFoundError for a task that was not fitted and a customer nobody knows; InputError for a moment
    before the first fact, for one later than the data, and for a task about sessions.
    """
    fitted, task, label = load_task(shop, name, of)
    refuse_sessions(task)
    if as_of is None and not customers:
        with writing(shop, f"predict {task.name}", progress), shop.reading_matched() as tables:
            return score_everybody(shop, tables, fitted, task, label)
    with shop.reading_matched() as tables:
        cutoff = cutoff_of(tables, task, as_of)
        refuse_unknown(tables, customers)
        return _scored(shop, tables, fitted, task, label, cutoff, customers or None)


def score_everybody(shop: Shop, tables: "Tables", fitted: "FittedTask", task: "Task", label: str) -> Scored:
    """Everybody in the population now, written to `scores` in the place of what the task said before. The
    caller holds the store's lock."""
    scored = _scored(shop, tables, fitted, task, label, cutoff_of(tables, task, None), None)
    write_results(shop, "scores", scored.rows, replaces={"task": task.name})
    return scored


def unit_of(shop: Shop, task: "Task") -> str:
    """What scores are told in: money in the store's currency."""
    return shop.settings.store.currency if task.unit == "money" else task.unit


def refuse_sessions(task: "Task") -> None:
    if task.about == "session":
        raise InputError(
            f"'{task.name}' is asked of a visit while it lasts, not of customers",
            do=f"Run `foresell leaderboard {task.name}` for how well it is foretold.",
        )


def cutoff_of(tables: "Tables", task: "Task", as_of: datetime | None) -> datetime:
    from foresell.predict.customers.training import history

    first, until = history(tables, task)
    if as_of is None:
        return until
    if not first < as_of <= until + timedelta(days=1):
        raise InputError(
            f"There is no data of that moment for '{task.name}'",
            received=as_of.isoformat(),
            do=f"Choose one after {first:%Y-%m-%d}, until {until:%Y-%m-%d}.",
        )
    return as_of


def refuse_unknown(tables: "Tables", customers: Sequence[str]) -> None:
    """A customer whom neither orders nor events nor the list of customers knows."""
    known: set[str] = set()
    for name in ("customers", "orders", "events"):
        rows = tables.current(name)
        found = rows.filter(rows.customer_id.isin(list(customers))).select("customer_id").distinct()
        known |= set(found.to_pyarrow()["customer_id"].to_pylist())
    if unknown := [customer for customer in customers if customer not in known]:
        raise NotFoundError(
            f"There is no customer '{unknown[0]}'", do="Check the id, or import what is known of them."
        )


def _scored(
    shop: Shop,
    tables: "Tables",
    fitted: "FittedTask",
    task: "Task",
    label: str,
    cutoff: datetime,
    customers: Sequence[str] | None,
) -> Scored:
    import polars as pl

    from foresell.features.spec import spec_of
    from foresell.predict.customers.training import scoring_features

    keys, features, _ = scoring_features(tables, shop.settings, task, spec_of(fitted.spec), cutoff, customers)
    if keys.is_empty():
        raise InputError(
            f"Nobody is in the population of '{task.name}'",
            received=cutoff.isoformat(),
            do="Choose another moment, or ask less of the population.",
        )
    seen = with_vectors(shop, tables, fitted, label, keys, features)
    rows = fitted.scored(seen).with_columns(
        customer_id=keys["entity_id"],
        task=pl.lit(task.name),
        model=pl.lit(label),
        unit=pl.lit(unit_of(shop, task)),
        cutoff_at=keys["cutoff_at"],
        horizon_days=pl.lit(task.horizon_days),
        made_at=pl.lit(datetime.now(UTC), pl.Datetime("us", "UTC")),
    )
    order = pl.Series(
        rows.select(pl.arg_sort_by(["score", "customer_id"], descending=[task.unit != "days", False]))
    )
    told = rows[order].with_columns(reasons=_reasons(fitted, features[order]))
    threshold = fitted.threshold.value if fitted.threshold else None
    return Scored(task.name, task.text, label, cutoff, task.horizon_days, threshold, told)


def _reasons(fitted: "FittedTask", features: "polars.DataFrame") -> "polars.Series":
    """Of the first customers, where the model is trees: what adds most to each score; else null."""
    import polars as pl

    from foresell.explain.feature_groups import group_features
    from foresell.predict.customers.explained import exact_contributions

    first = features.head(MOST_EXPLAINED)
    found = exact_contributions(fitted, first, group_features(fitted.described))
    told = pl.Series([], dtype=pl.String) if found is None else found.reasons()
    return told.extend_constant(None, features.height - len(told))
