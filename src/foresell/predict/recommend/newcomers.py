"""Products that nobody has taken yet: ranked by content alone, with the share of chance that is theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from foresell.predict.recommend.catalog import Catalog
from foresell.predict.recommend.rank import Floats


@dataclass(frozen=True)
class Newcomers:
    """`is_new`: (P,) by position in the catalog, some but not all of them true. `share`: how much of what is
    taken is new to the shop; content says which newcomer, and nothing of how many there are."""

    is_new: NDArray[np.bool_]
    share: float

    def chances(self, scores_BP: Tensor) -> Floats:
        """(B, P): a softmax over the known products, and one over the newcomers, each with its share."""
        is_new = torch.from_numpy(self.is_new)
        chances_BP = torch.empty_like(scores_BP)
        chances_BP[:, is_new] = scores_BP[:, is_new].softmax(dim=1) * self.share
        chances_BP[:, ~is_new] = scores_BP[:, ~is_new].softmax(dim=1) * (1 - self.share)
        found: Floats = chances_BP.numpy()
        return found

    def to_tables(self, catalog: Catalog) -> dict[str, pl.DataFrame]:
        new = catalog.product_ids.filter(pl.Series(self.is_new))
        return {"newcomers": pl.DataFrame({"product_id": new, "share": self.share})}

    @classmethod
    def from_tables(cls, tables: Mapping[str, pl.DataFrame]) -> Self | None:
        """None where there are none."""
        if "newcomers" not in tables:
            return None
        new = tables["newcomers"]
        is_new = tables["products"]["product_id"].is_in(new["product_id"].implode())
        return cls(is_new.to_numpy(), float(new["share"][0]))


def share_of_newcomers(interactions: pl.DataFrame, horizon_days: float) -> float:
    """The share of the newest `horizon_days` of interactions that is of products first taken in them; two
    more are counted, one of either kind (Laplace). Where nothing is older, nothing counts as new."""
    cutoff = pl.col("occurred_at").max() - timedelta(days=horizon_days)
    is_new = pl.col("occurred_at").min().over("product_id") > cutoff
    late = interactions.select(is_late=pl.col("occurred_at") > cutoff, is_new=is_new)
    newest = late.filter("is_late")
    num_new = 0 if newest.height == late.height else int(newest["is_new"].sum())
    return (num_new + 1) / (newest.height + 2)
