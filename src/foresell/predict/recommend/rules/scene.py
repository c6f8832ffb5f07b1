"""The products and the moment that rules are applied to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foresell.predict.recommend.assortment import Assortment, plain
from foresell.predict.recommend.rules.rule import Rule, Selection

if TYPE_CHECKING:
    from foresell.predict.recommend.rules.effects import Mask

LABELED = ("category", "brand", "department")


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    assortment: Assortment
    at: datetime

    def chosen(self, rule: Rule) -> "Mask":
        """The products that the rule is about."""
        if rule.selection is None:
            return np.ones(self.assortment.size, dtype=np.bool_)
        return self.select(rule.selection)

    def chosen_or_all(self, rule: Rule) -> "Mask | None":
        """The products that the rule is about; None: all."""
        return None if rule.selection is None else self.select(rule.selection)

    def select(self, selection: Selection) -> "Mask":
        """The products that fit every key of the selection."""
        fits = self.where(pl.all_horizontal(pl.lit(value=True), *self._conditions(selection)))
        if selection.product_ids is not None:
            fits = fits & self._of_ids(selection)
        for key in LABELED:
            texts = getattr(selection, key)
            if texts is not None:
                fits = fits & self._labeled(key, texts)
        return fits

    def where(self, condition: pl.Expr) -> "Mask":
        """The products that meet a condition on their columns; an unknown answer is none."""
        found = self.assortment.products.with_columns(condition.alias("_fits"))["_fits"]
        return found.fill_null(value=False).to_numpy().astype(np.bool_)

    def _conditions(self, selection: Selection) -> list[pl.Expr]:
        conditions = []
        if selection.parent_product_ids is not None:
            conditions.append(pl.col("parent_product_id").is_in(list(selection.parent_product_ids)))
        if selection.status is not None:
            conditions.append(pl.col("status").is_in([plain(text) for text in selection.status]))
        if selection.price_below is not None:
            conditions.append(pl.col("price") < selection.price_below)
        if selection.price_above is not None:
            conditions.append(pl.col("price") > selection.price_above)
        if selection.is_on_offer is not None:
            conditions.append(pl.col("is_on_offer") == selection.is_on_offer)
        if selection.newer_than_days is not None:
            since = self.at - timedelta(days=selection.newer_than_days)
            conditions.append(pl.col("first_seen_at") > since)
        return conditions

    def _of_ids(self, selection: Selection) -> "Mask":
        return self._at(self.assortment.position_of(selection.product_ids or ()))

    def _labeled(self, key: str, texts: tuple[str, ...]) -> "Mask":
        return self._at(self.assortment.labeled_as(key, texts))

    def _at(self, positions: "np.ndarray[tuple[int, ...], np.dtype[np.integer]]") -> "Mask":
        mask = np.zeros(self.assortment.size, dtype=np.bool_)
        mask[positions[positions >= 0]] = True
        return mask
