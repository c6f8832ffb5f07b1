"""What a config says of trees, as LightGBM names it."""

from typing import Any, Protocol

# The same trees for the same rows, on any number of cores.
SETTLED: dict[str, Any] = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}


class TreeSettings(Protocol):
    """How trees grow; every config of trees has these."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def num_leaves(self) -> int: ...
    @property
    def min_rows_in_leaf(self) -> int: ...
    @property
    def row_share(self) -> float: ...
    @property
    def column_share(self) -> float: ...
    @property
    def l2(self) -> float: ...


def lightgbm_settings(config: TreeSettings) -> dict[str, Any]:
    return {
        **SETTLED,
        "learning_rate": config.learning_rate,
        "num_leaves": config.num_leaves,
        "min_data_in_leaf": config.min_rows_in_leaf,
        "bagging_fraction": config.row_share,
        "bagging_freq": int(config.row_share < 1),
        "feature_fraction": config.column_share,
        "lambda_l2": config.l2,
        "feature_pre_filter": False,
    }
