"""Examples of a task from a shop's tables: who, at which cutoffs, with which features and labels.

    first, until = history(tables, task)
    task = completed(tables, settings, task, until)          what the declaration left to the data
    plan = cutoffs_for(task, first, until)                   train, validation and test cutoffs
    spec = spec_for(tables, settings, task, plan.train[-1])
    training_examples(tables, settings, task, plan.train, spec)

**The splits.** A cutoff's label window is [cutoff, cutoff + horizon); of a task about sessions the moments of
[cutoff, cutoff + 7 days) belong to it, and their labels end a horizon later. The test window is the last one
in the history; validation's ends where it begins; every training window ends where validation's begins, or
earlier. So no label of one split is known later than the cutoff of the next. Training cutoffs lie `step`
apart and their windows may overlap each other, so that a customer counts several times: intervals are to be
drawn by customer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.choosing import customer_spec
from foresell.features.customer import combined, described, nothing_known
from foresell.features.facts import Facts, shop_of
from foresell.features.feature import Feature
from foresell.features.session import session_described
from foresell.features.spec import CustomerSpec, FocusOn
from foresell.predict.customers.examples import Examples, together
from foresell.predict.customers.population import ID, groups, labels, otherwise, population
from foresell.predict.customers.refusals import check_population, check_within, need_horizon
from foresell.predict.customers.task import EVENT_KINDS, SESSIONS_OF, Task
from foresell.predict.customers.visits import labels_of, moments

LEAST_HISTORY_DAYS = 90.0
# Of the values that a shop has, as many are named where one is asked for that it has not.
MOST_NAMED = 30
SHARE_OF_GAPS = 0.9
ROUNDING = 1e-9
SHORTEST_STEP, LONGEST_STEP = timedelta(days=7), timedelta(days=28)
MOST_TRAIN_CUTOFFS = 12


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Cutoffs of each split, ascending; of validation and test as many as were asked for."""

    train: tuple[datetime, ...]
    validation: tuple[datetime, ...]
    test: tuple[datetime, ...]


def history(tables: Tables, task: Task) -> tuple[datetime, datetime]:
    """When the facts of the task's labels begin, and the first moment after all of them; UTC.

    Raises InputError where there are none.
    """
    is_of_events = task.about == "session" or task.label.kind in EVENT_KINDS
    name, column = ("events", "occurred_at") if is_of_events else ("orders", "created_at")
    rows = tables.current(name)
    found = rows.agg(first=rows[column].min(), last=rows[column].max()).to_pyarrow().to_pylist()[0]
    if found["first"] is None:
        raise InputError(
            f"'{task.name}' needs {name}, and there are none", do=f"Import {name}, or choose another task."
        )
    first, last = (found[end].astimezone(UTC) for end in ("first", "last"))
    return first, last + timedelta(microseconds=1)


def cutoffs_for(
    task: Task,
    first: datetime,
    until: datetime,
    *,
    tests: int = 1,
    validations: int = 1,
    step: timedelta | None = None,
) -> Cutoffs:
    """Rolling cutoffs over the history [first, until), as the module says.

    Test and validation cutoffs lie a horizon apart, training cutoffs `step` (half a horizon, from one week to
    four), at most 12. Before the first cutoff lie 90 days, or a quarter of the history where that is less.

    Raises InputError where the history has no room for one cutoff of each split.
    """
    need_horizon(task)
    span = task.span
    least = min(timedelta(days=LEAST_HISTORY_DAYS), (until - first) / 4)
    apart = step or min(max(span / 2, SHORTEST_STEP), LONGEST_STEP)
    at = [until - span * (number + 1) for number in range(tests + validations)]
    newest = at[-1] - span
    train = [newest - apart * number for number in range(MOST_TRAIN_CUTOFFS)]
    train = [cutoff for cutoff in train if cutoff >= first + least]
    if not train:
        longest = (until - first - least) / (tests + validations + 1)
        raise InputError(
            f"The horizon of '{task.name}' is too long for the history",
            received=f"{task.horizon_days:g} days, history of {(until - first) / timedelta(days=1):.0f} days",
            do=f"Choose less than {longest / timedelta(days=1):.0f} days, or import a longer history.",
        )
    return Cutoffs(tuple(reversed(train)), tuple(reversed(at[tests:])), tuple(reversed(at[:tests])))


def suggest_churn_days(tables: Tables, settings: Settings, until: datetime) -> float:
    """The fewest whole days within which nine of ten gaps between days with orders end, every customer
    weighing alike; from 7 to a fifth of the history.

    Raises InputError where nobody ordered on two days.
    """
    known = asof(tables, settings, until)
    days = Facts(known, settings, CustomerSpec(has_orders=True, has_events=False)).table("order_days")
    rows: pl.DataFrame = days.select(ID, "day", "gap").to_polars()
    gaps = rows.drop_nulls("gap").with_columns(weight=1 / pl.len().over(ID)).sort("gap")
    if gaps.is_empty():
        raise InputError(
            "Nobody ordered twice: no horizon of churn can be suggested",
            do="Give horizon_days, or import a longer history.",
        )
    reached = (gaps["weight"].cum_sum() / gaps["weight"].sum()).to_numpy()
    suggested = float(gaps["gap"][int(np.searchsorted(reached, SHARE_OF_GAPS - ROUNDING))])
    length = int(np.ptp(rows["day"].to_numpy())) + 1
    return float(np.clip(np.ceil(suggested), 7.0, max(7.0, length // 5)))


def completed(tables: Tables, settings: Settings, task: Task, until: datetime) -> Task:
    """The task with what it leaves to the data, as known at `until`: the horizon of churn, and the category
    or product, the one that most customers bought.

    Raises InputError where no such thing of any order is known, NotFoundError for one that nobody bought.
    """
    if not task.horizon_days:
        task = replace(task, horizon_days=suggest_churn_days(tables, settings, until))
    if task.needs_focus:
        assert task.open_focus is not None  # noqa: S101
        bought = _bought(tables, settings, task.open_focus, until)
        return task.of(bought[0])
    if focus := task.focus:
        bought = _bought(tables, settings, focus.on, until)
        if focus.value not in bought:
            raise NotFoundError(
                f"Nobody has bought the {focus.on} '{focus.value}'",
                do=did_you_mean(focus.value, bought[:MOST_NAMED]),
            )
    return task


def _bought(tables: Tables, settings: Settings, on: FocusOn, until: datetime) -> list[str]:
    """All categories (products, …) of orders, those of most customers first, ties by name."""
    known = asof(tables, settings, until)
    spec = CustomerSpec(has_orders=True, has_events=False, has_products=known.has_rows("products"))
    lines = Facts(known, settings, spec).table("lines")
    column = "product_id" if on == "product" else on
    lines = lines.filter(lines.is_goods, lines[column].notnull())
    counts = lines.group_by(column).agg(customers=lines[ID].nunique()).to_polars()
    if counts.is_empty():
        raise InputError(f"No {on} of any order is known", do=f"Import products with a {on}.")
    return [str(one) for one in counts.sort(["customers", column], descending=[True, False])[column]]


def spec_for(tables: Tables, settings: Settings, task: Task, cutoff: datetime) -> CustomerSpec:
    """What the task's features are, chosen at the last training cutoff."""
    return customer_spec(tables, settings, cutoff, focus=task.focus)


def features_of(task: Task, spec: CustomerSpec) -> tuple[Feature, ...]:
    """The features that the task's declaration lets a model have.

    Raises NotFoundError for a name that is no feature of the shop.
    """
    all_of_them = session_described(spec) if task.about == "session" else described(spec)
    names = [feature.name for feature in all_of_them]
    for name in (*task.features.only, *task.features.without):
        if name not in names:
            raise NotFoundError(
                f"'{task.name}' names a feature '{name}' that is none", do=did_you_mean(name, names)
            )
    wanted = task.features.only or names
    return tuple(
        feature
        for feature in all_of_them
        if feature.name in wanted and feature.name not in task.features.without
    )


def training_examples(
    tables: Tables,
    settings: Settings,
    task: Task,
    cutoffs: Sequence[datetime],
    spec: CustomerSpec,
    *,
    is_censored_nan: bool = False,
) -> Examples:
    """Everybody of the population at each cutoff, ascending by cutoff and customer_id.

    Labels of days_to_order are at most the horizon: who did not order in it has the horizon itself, or NaN
    with `is_censored_nan`.

    Raises InputError for a cutoff outside the data, a horizon that goes beyond it, a population of nobody,
    and labels that are all the same.
    """
    need_horizon(task)
    first, until = history(tables, task)
    for cutoff in cutoffs:
        check_within(task, cutoff, first, until)
    shop = shop_of(tables, settings)
    found = together([_at(tables, settings, task, cutoff, spec, shop) for cutoff in sorted(cutoffs)])
    if not is_censored_nan and task.label.kind == "days_to_order":
        found.labels[np.isnan(found.labels)] = task.horizon_days
    check_population(found, task, cutoffs)
    return found


def _at(
    tables: Tables,
    settings: Settings,
    task: Task,
    cutoff: datetime,
    spec: CustomerSpec,
    shop: Mapping[str, bool],
) -> Examples:
    if task.about == "session":
        return _visits_at(tables, settings, task, cutoff, spec)
    keys, features, told = _features(tables, settings, task, spec, cutoff, None, shop)
    came = labels(tables, settings, task, cutoff, shop)
    joined = keys.join(came, left_on="entity_id", right_on=ID, how="left", maintain_order="left")
    label = joined["label"].fill_null(otherwise(task)).to_numpy().astype(np.float64)
    return Examples(keys, features, label, features_of(task, spec), told)


def _visits_at(
    tables: Tables, settings: Settings, task: Task, cutoff: datetime, spec: CustomerSpec
) -> Examples:
    end = cutoff + SESSIONS_OF
    told = moments(tables, settings, task, spec, cutoff, end)
    came = labels_of(tables, settings, task, told, cutoff, end)
    described_by = features_of(task, spec)
    return Examples(
        told.select("cutoff_at", entity_id="session_id").select("entity_id", "cutoff_at"),
        told.select(feature.name for feature in described_by),
        came.to_numpy().astype(np.float64),
        described_by,
        groups(asof(tables, settings, cutoff), task, cutoff, told[ID]),
    )


def scoring_features(
    tables: Tables,
    settings: Settings,
    task: Task,
    spec: CustomerSpec,
    cutoff: datetime,
    customers: Sequence[str] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Keys, features and groups, as of the cutoff, of the task's population, ascending by customer_id; or of
    these customers, in their order, whether they are in it or not.

    A customer of whom nothing is known has counts and sums of 0, and null for everything else.
    """
    return _features(tables, settings, task, spec, cutoff, customers, shop_of(tables, settings))


def _features(
    tables: Tables,
    settings: Settings,
    task: Task,
    spec: CustomerSpec,
    cutoff: datetime,
    customers: Sequence[str] | None,
    shop: Mapping[str, bool],
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    facts = Facts(asof(tables, settings, cutoff), settings, spec, shop)
    moment = cutoff + timedelta(days=task.features.ends_days)
    seen = facts if moment == cutoff else Facts(asof(tables, settings, moment), settings, spec, shop)
    rows: pl.DataFrame = combined(seen, moment, settings).to_polars()
    who = population(facts, task, cutoff) if customers is None else pl.Series(ID, customers, pl.String)
    features = _of(rows, who, nothing_known(spec, moment, settings)).select(
        feature.name for feature in features_of(task, spec)
    )
    keys = pl.DataFrame({"entity_id": who}).with_columns(
        cutoff_at=pl.lit(cutoff.astimezone(UTC), pl.Datetime("us", "UTC"))
    )
    return keys, features, groups(facts.tables, task, cutoff, who)


def _of(rows: pl.DataFrame, who: pl.Series, unknown: Mapping[str, float | str | None]) -> pl.DataFrame:
    """The features of these customers, in their order; `unknown` of those who have no row."""
    found = rows.with_columns(is_known=True)
    joined = pl.DataFrame({ID: who}).join(found, on=ID, how="left", maintain_order="left")
    is_known = pl.col("is_known").fill_null(value=False)
    return joined.with_columns(
        pl.when(is_known).then(pl.col(name)).otherwise(pl.lit(value)).alias(name)
        for name, value in unknown.items()
        if value is not None
    )
