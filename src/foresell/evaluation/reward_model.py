"""A reward model plain enough to be trusted: each action's mean reward, drawn toward the mean of all.

For doubly robust estimates over few actions. Each row is predicted by a model of the other folds, so that no
row's own reward speaks for it (cross-fitting: Chernozhukov et al., 2018).
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError

FOLDS = 5


def cross_fitted(
    logged: pl.DataFrame,
    target: pl.DataFrame,
    *,
    context: Sequence[str] = (),
    unit: str | None = None,
    pseudo_rows: float = 100.0,
    seed: int = 0,
) -> pl.DataFrame:
    """`logged` with predicted and expected (in the place of such columns), in its order.

    `logged`: action, reward and the `context` columns; `target`: context columns, action, target_propensity,
    a row for each action that the judged policy may take in a context, adding up to 1. A model is, by action,
    (Σ reward + pseudo_rows · overall mean) / (rows + pseudo_rows). `unit`: rows of one unit share a fold.
    Raises InputError for a context without its distribution, or one that does not add up to 1.
    """
    keys = list(context)
    logged = logged.drop("predicted", "expected", strict=False)
    _check_target(logged, target, keys)
    whose = pl.col(unit) if unit else pl.int_range(pl.len())
    rows = logged.with_row_index("row").with_columns(whose=whose)
    folds = rows.select(pl.col("whose").unique(maintain_order=True))
    draws = np.random.default_rng(seed).permutation(folds.height) % min(FOLDS, folds.height)
    rows = rows.join(folds.with_columns(fold=pl.Series(draws)), on="whose", nulls_equal=True)
    actions = pl.concat([logged["action"], target["action"].cast(logged.schema["action"])]).unique()
    actions_of = actions.to_frame()
    parts = []
    for fold in range(min(FOLDS, folds.height)):
        values = _action_values(rows.filter(pl.col("fold") != fold), actions_of, pseudo_rows)
        expected = target.join(values, on="action")
        if keys:
            by_context = expected.group_by(keys).agg(
                expected=(pl.col("target_propensity") * pl.col("predicted")).sum()
            )
            own = rows.filter(pl.col("fold") == fold).join(by_context, on=keys)
        else:
            total = float((expected["target_propensity"] * expected["predicted"]).sum())
            own = rows.filter(pl.col("fold") == fold).with_columns(expected=pl.lit(total))
        parts.append(own.join(values, on="action"))
    return pl.concat(parts).sort("row").select(*logged.columns, "predicted", "expected")


def _action_values(learned: pl.DataFrame, actions: pl.DataFrame, pseudo_rows: float) -> pl.DataFrame:
    overall = float(learned["reward"].cast(pl.Float64).to_numpy().mean()) if learned.height else 0.0
    sums = learned.group_by("action").agg(paid=pl.col("reward").cast(pl.Float64).sum(), count=pl.len())
    paid, count = pl.col("paid").fill_null(0.0), pl.col("count").fill_null(0)
    return actions.join(sums, on="action", how="left").select(
        "action", predicted=(paid + pseudo_rows * overall) / (count + pseudo_rows)
    )


def _check_target(logged: pl.DataFrame, target: pl.DataFrame, keys: list[str]) -> None:
    sums = (
        target.group_by(keys).agg(total=pl.col("target_propensity").sum())
        if keys
        else target.select(total=pl.col("target_propensity").sum())
    )
    without = logged.join(sums, on=keys, how="anti").height if keys else 0
    off = sums.filter((pl.col("total") - 1).abs() > 1e-6).height
    if without or off:
        raise InputError(
            "The judged policy's chances must be given for each context and add up to 1",
            received=f"{without} rows without them, {off} contexts that do not add up",
            do="Give a row for each context and action.",
        )
