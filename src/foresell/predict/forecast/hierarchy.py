"""Series and their sums: product → category → department → shop, place → country → shop, or both at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from foresell.contracts.errors import InputError
from foresell.predict.forecast.indicators import EVENTS
from foresell.predict.forecast.levels import SEPARATOR, WHOLE_SHOP, SeriesSpec, series_ids
from foresell.predict.forecast.panel import Panel

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Level = tuple[str, ...]
# Levels above a product and above a place, from the top; those that the attributes have.
ABOVE_PRODUCTS: tuple[Level, ...] = (("department",), ("department", "category"))
ABOVE_PLACES: tuple[Level, ...] = (("location_country",),)
# A sum of which less is known is unknown; else what is known stands for the rest.
LEAST_KNOWN = 0.75


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Bottom series and the sums of them, from the top level down.

    `nodes`: node_id ("level:series_id"), level (its dimensions, joined by "|"), series_id (as a panel of that
    level names it), a row a node: the sums first, then the bottom series. `sums`: (sums, bottoms) 0 or 1.
    `is_tree`: every level is a part of the one above, so that shares can be passed down.
    """

    nodes: pl.DataFrame
    sums: "csr_array"
    is_tree: bool

    @property
    def num_sums(self) -> int:
        return int(self.sums.shape[0])

    @property
    def bottom_level(self) -> str:
        return str(self.nodes["level"][-1])

    def only(self, bottoms: Iterable[str]) -> "Hierarchy":
        """Of the bottom series with these node ids alone, and the sums that are left."""
        kept = self.nodes["node_id"][self.num_sums :].is_in(list(bottoms)).to_numpy()
        sums = self.sums[:, np.flatnonzero(kept)]
        filled = np.asarray(sums.sum(axis=1)).ravel() > 0
        nodes = self.nodes.filter(pl.Series(np.concatenate([filled, kept])))
        return Hierarchy(nodes, sums[np.flatnonzero(filled)], self.is_tree)


def hierarchy_of(attributes: pl.DataFrame, bottom: Level, levels: Sequence[Level]) -> Hierarchy:
    """`attributes`: series_id and the columns that the levels name, a row a bottom series. `levels`: from the
    top, () or ("shop",) the whole; levels that hold the same nodes as another are left out.

    Raises InputError for a level whose columns the attributes lack.
    """
    from scipy.sparse import csr_array

    bottoms = attributes.sort("series_id")
    parts, columns, seen = [], [], set()
    for level in levels:
        names = [name for name in level if name != WHOLE_SHOP]
        if lacking := set(names) - set(bottoms.columns):
            raise InputError(
                f"The series have no {', '.join(sorted(lacking))}",
                do=f"Valid: {', '.join(bottoms.columns[1:]) or 'none'}.",
            )
        ids = bottoms.with_columns(series_ids(names))["series_id"]
        node_of = ids.rank("dense").to_numpy().astype(np.int64) - 1
        if tuple(node_of) in seen or len(set(node_of)) == bottoms.height:
            continue
        seen.add(tuple(node_of))
        parts.append(_nodes(ids.unique().sort(), level))
        columns.append(node_of)
    nodes = pl.concat([*parts, _nodes(bottoms["series_id"], bottom)])
    offsets = np.cumsum([0, *(part.height for part in parts)])
    rows = np.concatenate([node_of + start for node_of, start in zip(columns, offsets, strict=False)] or [[]])
    places = np.tile(np.arange(bottoms.height), len(columns))
    shape = (int(offsets[-1]), bottoms.height)
    sums = csr_array((np.ones(len(rows)), (rows.astype(np.int64), places)), shape=shape)
    return Hierarchy(nodes, sums, _is_tree(columns))


def usual_hierarchy(attributes: pl.DataFrame, spec: SeriesSpec) -> Hierarchy:
    """The sums above the series of a panel (`series.BuiltPanel.attributes`), by `usual_levels`."""
    return hierarchy_of(attributes, spec.names or (WHOLE_SHOP,), usual_levels(spec, attributes))


def usual_levels(spec: SeriesSpec, attributes: pl.DataFrame) -> tuple[Level, ...]:
    """The levels above series by products, places, or both, as far as the attributes have them."""
    levels: list[Level] = [(WHOLE_SHOP,)]
    if "location" in spec.names:
        levels += [level for level in ABOVE_PLACES if set(level) <= set(attributes.columns)]
    if "product" in spec.names:
        levels += [level for level in ABOVE_PRODUCTS if set(level) <= set(attributes.columns)]
    singles: list[Level] = [(name,) for name in spec.names]
    return (*levels, *(singles if len(singles) > 1 else ()))


def aggregated(panel: Panel, hierarchy: Hierarchy) -> Panel:
    """The panel of all nodes, by node_id. The panel's series must be the hierarchy's bottom series.

    A sum is that of its series; where some are unknown, what is known ÷ its usual share, and unknown if that
    is below LEAST_KNOWN. Of regressors, events are added up, all others are means. `static`: the level, and
    of bottom series what the panel has.
    """
    memberships = _memberships(hierarchy)
    usual = panel.frame.group_by("series_id").agg(usual=pl.col("value").mean().abs().fill_null(0.0) + 1e-9)
    joined = memberships.join(panel.frame.join(usual, on="series_id"), on="series_id")
    is_known = pl.col("value").is_not_null()
    share = pl.col("usual").filter(is_known).sum() / pl.col("usual").sum()
    value = pl.when(is_known.all()).then(pl.col("value").sum()).when(share >= LEAST_KNOWN)
    frame = joined.group_by("node_id", "date").agg(
        value=value.then(pl.col("value").sum() / share), **_combined(panel.regressors)
    )
    known = [name for name in panel.known if name in panel.future.columns]
    future = memberships.join(panel.future, on="series_id").group_by("node_id", "date")
    static = hierarchy.nodes.join(
        panel.static.with_columns(level=pl.lit(hierarchy.bottom_level)), on=["series_id", "level"], how="left"
    )
    return Panel(
        frame=_renamed(frame),
        period=panel.period,
        season=panel.season,
        known=panel.known,
        lagged=panel.lagged,
        future=_renamed(future.agg(**_combined(known))),
        static=static.drop("series_id").rename({"node_id": "series_id"}),
        is_count=panel.is_count,
    )


def _nodes(ids: pl.Series, level: Level) -> pl.DataFrame:
    name = SEPARATOR.join(level) or WHOLE_SHOP
    return pl.DataFrame({"node_id": [f"{name}:{one}" for one in ids], "level": name, "series_id": ids})


def _is_tree(columns: Sequence[np.ndarray]) -> bool:
    """Whether each node of a level lies within one node of the level before."""
    return all(
        len(set(zip(upper, lower, strict=True))) == len(set(lower)) for upper, lower in pairwise(columns)
    )


def _memberships(hierarchy: Hierarchy) -> pl.DataFrame:
    """node_id, series_id (of a bottom series): a row for each series of each node."""
    sums, bottoms = hierarchy.sums.tocoo(), hierarchy.nodes[hierarchy.num_sums :]
    above = pl.DataFrame(
        {
            "node_id": hierarchy.nodes["node_id"].gather(sums.coords[0]),
            "series_id": bottoms["series_id"].gather(sums.coords[1]),
        }
    )
    return pl.concat([above, bottoms.select("node_id", "series_id")])


def _combined(regressors: Iterable[str]) -> dict[str, pl.Expr]:
    return {name: pl.col(name).sum() if name in EVENTS else pl.col(name).mean() for name in regressors}


def _renamed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({"node_id": "series_id"}).sort("series_id", "date")
