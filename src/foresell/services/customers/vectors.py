"""The behavior model's vectors beside the features of a task.

A model that had seen what came after a cutoff would carry the answers in its weights. So a task learns from
the newest version that knew nothing after the first training cutoff, and is asked with the same version.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from foresell.contracts.errors import NotFoundError
from foresell.services.behavior import NAME, as_of, load_behavior, with_catalog
from foresell.services.shop import Shop

if TYPE_CHECKING:
    import numpy as np
    import polars
    from numpy.typing import NDArray

    from foresell.behavior.pretrained import Pretrained
    from foresell.contracts.protocols import Tables
    from foresell.predict.customers.examples import Examples
    from foresell.predict.customers.fitted import FittedTask


@dataclass(frozen=True, eq=False)
class TaskVectors:
    """A version of the behavior model (`label`) that reads customers as of any cutoff."""

    shop: Shop
    model: "Pretrained"
    label: str

    def beside(self, tables: "Tables", examples: "Examples") -> "Examples":
        """The examples, each with its customer's vector as of its cutoff."""
        import numpy as np

        keys, found = examples.keys, np.zeros((len(examples), self.width), np.float32)
        for cutoff in keys["cutoff_at"].unique().sort():
            rows = (keys["cutoff_at"] == cutoff).arg_true()
            found[rows.to_numpy()] = self.at(tables, cutoff, keys["entity_id"].gather(rows))
        return replace(examples, vectors=found)

    @property
    def width(self) -> int:
        return self.model.recipe.chosen.model.width

    def at(self, tables: "Tables", cutoff: datetime, customers: "polars.Series") -> "NDArray[np.float32]":
        """(C, width) as of the cutoff, in the order given; 0 for one who has done nothing with a product."""
        import numpy as np
        import polars as pl

        from foresell.behavior.actions import actions
        from foresell.behavior.sequences import Sequences
        from foresell.features.ids import places

        known = as_of(tables, self.shop, cutoff)
        whole = with_catalog(self.shop, self.model, known)
        rows: pl.DataFrame = actions(known).to_polars()
        told = Sequences.from_actions(
            rows.filter(pl.col("customer_id").is_in(customers.implode())), whole.vocabulary
        )
        found = np.zeros((len(customers), self.width), np.float32)
        assert told.customer_ids is not None  # noqa: S101
        theirs = places(told.customer_ids, customers)
        for start, vectors in whole.vectors(told):
            is_here = (theirs >= start) & (theirs < start + len(vectors))
            found[is_here] = vectors[theirs[is_here] - start]
        return found


def vectors_before(shop: Shop, moment: datetime) -> TaskVectors | None:
    """By the newest version of the behavior model that knew nothing from `moment` on; None: there is none."""
    from foresell.store.model_versions import versions
    from foresell.store.models import read_manifest

    for version in reversed(versions(shop.folder.models, NAME)):
        cutoff = read_manifest(shop.folder.models, NAME, version)["cutoff"]
        if cutoff is not None and datetime.fromisoformat(cutoff) <= moment:
            return TaskVectors(shop, *load_behavior(shop, version))
    return None


def with_vectors(
    shop: Shop,
    tables: "Tables",
    fitted: "FittedTask",
    label: str,
    keys: "polars.DataFrame",
    features: "polars.DataFrame",
) -> "polars.DataFrame":
    """The features and, where the task's model reads them, the customers' vectors as of the cutoff of `keys`,
    in a column of their own (`fitted.VECTOR`).

    NotFoundError where the version of the behavior model that the task learned from is gone.
    """
    import polars as pl

    from foresell.predict.customers.fitted import VECTOR

    if not fitted.reads_vectors:
        return features
    found = _learned_from(shop, label).at(tables, keys["cutoff_at"][0], keys["entity_id"])
    return features.with_columns(pl.Series(VECTOR, found, pl.Array(pl.Float32, found.shape[1])))


def _learned_from(shop: Shop, label: str) -> TaskVectors:
    from foresell.store.models import read_manifest

    name, _, version = label.partition("/")
    [behavior] = read_manifest(shop.folder.models, name, version)["parents"]
    try:
        return TaskVectors(shop, *load_behavior(shop, behavior.partition("/")[2]))
    except NotFoundError as error:
        raise NotFoundError(
            f"'{name}' learned from {behavior}, which is gone", do=f"Fit it again: foresell fit {name}"
        ) from error
