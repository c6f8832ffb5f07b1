"""Segments by recency, frequency and monetary value, with plain names; those of the KPI `rfm`.

A score is the fifth that a customer's rank falls into. What is learned are the values at which fifths begin,
so a new customer is scored as one of those would be who were there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foresell.contracts.errors import InputError, did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.feature import Feature
from foresell.kpis.rfm import SEGMENTS as RULES
from foresell.kpis.rfm import scored_customers
from foresell.kpis.scope import make_scope
from foresell.predict.customers.segments.segmentation import (
    Customers,
    FittedSegmentation,
    Segmentation,
    Weights,
)
from foresell.predict.customers.segments.words import RFM_SENTENCES, sentence_of

Floats = NDArray[np.float64]
FIFTHS = 5
RFM_FEATURES = (
    Feature("recency_days", "days since the last order", "距上次下单的天数", "days"),
    Feature("orders", "orders", "订单数", "orders"),
    Feature("monetary_value", "net sales", "净销售额", "money"),
)
EDGES = {"score": pl.Int64, "recency": pl.Float64, "frequency": pl.Float64, "monetary": pl.Float64}


@dataclass(frozen=True, slots=True)
class RfmConfig:
    """The features that hold days since the last order, number of orders, and net sales."""

    recency: str = "recency_days"
    frequency: str = "orders"
    monetary: str = "monetary_value"


class FittedRfm(FittedSegmentation):
    """`edges`: a row a score 2 … 5: the value from which on it is given (of recency: down to which)."""

    def __init__(self, config: RfmConfig, edges: pl.DataFrame, segments: pl.DataFrame) -> None:
        self.config, self.edges, self.segments = config, edges, segments
        self.candidates = pl.DataFrame(schema={"num_segments": pl.Int64})

    def scores(self, customers: Customers) -> pl.DataFrame:
        """recency_score, frequency_score, monetary_score (1–5) of each customer; one without orders has 1."""
        recency, frequency, monetary = _values(customers.features, self.config)
        edge = {name: self.edges[name].to_numpy() for name in ("recency", "frequency", "monetary")}
        return pl.DataFrame(
            {
                "recency_score": 1 + (-recency[:, None] >= -edge["recency"]).sum(axis=1),
                "frequency_score": 1 + (frequency[:, None] >= edge["frequency"]).sum(axis=1),
                "monetary_score": 1 + (monetary[:, None] >= edge["monetary"]).sum(axis=1),
            }
        )

    def assign(self, customers: Customers) -> pl.DataFrame:
        scores = self.scores(customers)
        names = np.empty((FIFTHS + 1, FIFTHS + 1), object)
        for name, (_, recency, frequency) in RULES.items():
            names[recency[0] : recency[-1] + 1, frequency[0] : frequency[-1] + 1] = name
        found = names[scores["recency_score"].to_numpy(), scores["frequency_score"].to_numpy()]
        return pl.DataFrame(
            {
                "segment": pl.Series(found, dtype=pl.String),
                "confidence": pl.Series([None] * len(found), dtype=pl.Float64),
            }
        )

    def to_tables(self) -> dict[str, pl.DataFrame]:
        return {"edges": self.edges, "segments": self.segments}


def fit(customers: Customers, config: RfmConfig, *, previous: FittedSegmentation | None = None) -> FittedRfm:
    """`previous` changes nothing: the names are fixed. Raises InputError where a column is missing or nobody
    has ordered."""
    recency, frequency, monetary = _values(customers.features, config)
    has_ordered = np.isfinite(recency)
    if not has_ordered.any():
        raise InputError("No customer has ordered", do="Choose a later date, or a wider population.")
    edges = pl.DataFrame(
        {
            "score": list(range(2, FIFTHS + 1)),
            "recency": -_edges(-recency[has_ordered]),
            "frequency": _edges(frequency[has_ordered]),
            "monetary": _edges(monetary[has_ordered]),
        },
        schema=EDGES,
    )
    fitted = FittedRfm(config, edges, pl.DataFrame())
    fitted.segments = _segments(fitted.assign(customers)["segment"])
    return fitted


def load(config: Mapping[str, Any], tables: Mapping[str, pl.DataFrame], weights: Weights) -> FittedRfm:
    return FittedRfm(RfmConfig(**config), tables["edges"], tables["segments"])


def rfm_customers(tables: Tables, settings: Settings, cutoff: datetime) -> Customers:
    """Everyone who had ordered before the cutoff, with RFM_FEATURES: those of the KPI `rfm` up to the last
    local day before it; ascending by id. Raises InputError where nobody had."""
    last = (cutoff - timedelta(microseconds=1)).astimezone(ZoneInfo(settings.store.time_zone)).date()
    scope = make_scope(asof(tables, settings, cutoff), settings, end=last)
    scored = scored_customers(scope)
    rows = scored.select(
        "customer_id",
        recency_days=scored.recency_days.cast("float64"),
        orders=scored.orders.cast("float64"),
        monetary_value=scored.monetary_value.cast("float64"),
    )
    frame = rows.to_polars().sort("customer_id")
    if frame.is_empty():
        raise InputError("Nobody had ordered by then", received=cutoff, do="Choose a later date.")
    return Customers(frame["customer_id"], frame.drop("customer_id"), RFM_FEATURES)


def _values(features: pl.DataFrame, config: RfmConfig) -> tuple[Floats, Floats, Floats]:
    names = (config.recency, config.frequency, config.monetary)
    for name in names:
        if name not in features.columns:
            raise InputError(
                f"RFM needs the feature '{name}'",
                received=", ".join(features.columns[:10]),
                do=did_you_mean(name, features.columns),
            )
    # Who never ordered did so longest ago, and never.
    fill = (np.inf, 0.0, 0.0)
    recency, frequency, monetary = (
        features[name].cast(pl.Float64).fill_nan(None).fill_null(value).to_numpy()
        for name, value in zip(names, fill, strict=True)
    )
    return recency, frequency, monetary


def _edges(values: Floats) -> Floats:
    """The smallest value of each score 2 … 5: equal values have equal scores, by their middle place."""
    ordered, counts = np.unique(values, return_counts=True)
    below = np.cumsum(counts) - counts
    # Twice the middle is a whole number.
    scores = 1 + (2 * below + counts) * FIFTHS // (2 * len(values))
    return np.array(
        [ordered[scores >= score].min(initial=np.inf) for score in range(2, FIFTHS + 1)], np.float64
    )


def _segments(assigned: pl.Series) -> pl.DataFrame:
    counts = {row["segment"]: row["count"] for row in assigned.value_counts().iter_rows(named=True)}
    rows = []
    for name, (chinese, _, _) in RULES.items():
        if count := counts.get(name, 0):
            share = count / len(assigned)
            english, meaning = RFM_SENTENCES[name]
            texts = sentence_of(count, share, english, "en"), sentence_of(count, share, meaning, "zh")
            rows.append((name, chinese, *texts, count, share))
    columns = ("segment", "name_zh", "sentence", "sentence_zh", "num_customers", "share")
    return pl.DataFrame(rows, schema=columns, orient="row")


SEGMENTATION = Segmentation("rfm", RfmConfig, fit, load)
