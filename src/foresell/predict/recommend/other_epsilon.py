"""With what chance a policy of another epsilon would have shown what a log says was shown.

A slot of the policy `epsilon:e` is drawn with chance 1 − e + e/n if it is the best of the n that may follow,
else with e/n. From the logged chance and e it is so known which of the two it was, and n: the chance under
another epsilon follows, without the candidates. What stands further up decides what may follow, so a row's
chance is that of its list down to it: with it, what a row earns is judged as long as it does not depend on
what stands below it (McInerney et al., KDD 2020, "reward interaction").

Not to be told from a log: what chance would have shown where nothing was left to it (`none` says nothing of
n), what another model or other rules would show (the candidates are not logged), and Thompson sampling.
"""

import polars as pl

from foresell.contracts.errors import InputError

# From 2/3 on a slot that was not the best can have a larger chance than one that was.
LARGEST_RATE = 2 / 3
# What stands further down is left out: chances of long lists leave the range of numbers.
MOST_SLOTS = 30
# Why rows cannot be judged: code → English, Chinese.
LEFT_OUT: dict[str, tuple[str, str]] = {
    "nobody": ("shown to nobody known: what they did is not known", "展示对象未知，无从得知其后续行为"),
    "too_recent": ("too recent: what follows is not in the store yet", "时间太近，后续数据尚未入库"),
    "no_chance": (
        "shown by a policy that left nothing to chance, or did not log its epsilon: only itself is known",
        "由不含随机性（或未记录 epsilon）的策略展示，只能评估其自身",
    ),
    "thompson": (
        "shown by Thompson sampling: its candidates are not logged",
        "由汤普森采样展示，未记录候选商品",
    ),
    "not_as_logged": (
        "the logged chance cannot be that of its policy",
        "记录的概率与其策略不符",
    ),
    "far_down": (f"below place {MOST_SLOTS}", f"位于第 {MOST_SLOTS} 位之后"),
}


def with_list_chances(rows: pl.DataFrame, epsilon: float) -> pl.DataFrame:
    """`rows` (request_id, rank, policy, propensity) with `list_propensity`, `list_target` and `left_out`.

    The chances of the list down to the row, as logged and under `epsilon:<epsilon>`; null where `left_out`, a
    code of LEFT_OUT, says why. What stands below such a row is left out for the same reason. InputError for
    an epsilon beyond 0 to 1.
    """
    if not 0 <= epsilon <= 1:
        raise InputError("Epsilon is a chance", received=epsilon, do="Give a number from 0 to 1.")
    logged_rate = pl.col("policy").str.extract(r"^epsilon:(.+)$").cast(pl.Float64, strict=False)
    rows = rows.with_columns(rate=pl.when(pl.col("policy") == "none").then(0.0).otherwise(logged_rate))
    p, rate = pl.col("propensity"), pl.col("rate")
    is_best = p > 1 - rate
    # What may follow, itself included. Without chance it is not known, and for epsilon 0 not needed.
    number = rate / pl.when(is_best).then(p - (1 - rate)).otherwise(p)
    whole = number.round()
    is_certain = (rate == 0) & (p == 1)
    target = (
        pl.when(is_certain)
        .then(1.0)
        .otherwise(pl.when(is_best).then(1 - epsilon).otherwise(0.0) + epsilon / whole)
    )
    is_logged = is_certain | ((p > 0) & (p <= 1) & (whole >= 1) & ((number - whole).abs() < 1e-6 * whole))
    left_out = (
        pl.when(pl.col("rank") > MOST_SLOTS)
        .then(pl.lit("far_down"))
        .when(pl.col("policy").str.starts_with("thompson"))
        .then(pl.lit("thompson"))
        .when(rate.is_null() | (rate >= LARGEST_RATE) | (is_certain & (epsilon > 0)))
        .then(pl.lit("no_chance"))
        .when(~is_logged.fill_null(value=False))
        .then(pl.lit("not_as_logged"))
    )
    marked = rows.with_columns(left_out=left_out, target=target).sort("request_id", "rank")
    marked = marked.with_columns(left_out=pl.col("left_out").forward_fill().over("request_id"))
    is_judged = pl.col("left_out").is_null()
    return marked.with_columns(
        list_propensity=pl.when(is_judged).then(p.cum_prod().over("request_id")),
        list_target=pl.when(is_judged).then(pl.col("target").cum_prod().over("request_id")),
    ).drop("rate", "target")
