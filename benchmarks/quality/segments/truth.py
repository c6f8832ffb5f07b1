"""What a simulated store's segmentations and scores find of the truth that lies beside it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

from foresell.behavior.actions import actions
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.asof import asof
from foresell.features.choosing import customer_spec
from foresell.features.customer import customer_features, described
from foresell.predict.customers.profiles.backdrop import make_backdrop
from foresell.predict.customers.profiles.lines import Part, read_lines
from foresell.predict.customers.profiles.prices import discount_leanings
from foresell.predict.customers.segments import load_segmentation
from foresell.predict.customers.segments.agreement import adjusted_rand
from foresell.predict.customers.segments.choosing import Choosing, are_separate
from foresell.predict.customers.segments.rfm import rfm_customers
from foresell.predict.customers.segments.segmentation import Customers
from foresell.services.shop import open_shop

# Segmentation → its name in the list and its config; the simulator has 5 segments.
FIVE = Choosing(num_segments=5)
ASKED: dict[str, tuple[str, dict[str, object]]] = {
    "features": ("features", {}),
    "features, 5": ("features", {"choosing": FIVE}),
    "autoencoder": ("autoencoder", {}),
    "autoencoder, 5": ("autoencoder", {"choosing": FIVE}),
    "autoencoder of events": ("autoencoder", {"over": "events"}),
    "behavior": ("behavior", {}),
}
Floats = NDArray[np.float64]
# Scores of who has gone, among the features.
GONE = ("visit_pause_over_usual", "days_since_event", "pause_over_usual", "days_since_order")


@dataclass(frozen=True)
class Known:
    """The customers of a store at its end, and what is true of them, in the same order."""

    customers: Customers
    truth: pl.DataFrame


def read_known(tables: Tables, settings: Settings, store: Path, cutoff: datetime) -> Known:
    spec = customer_spec(tables, settings, cutoff)
    frame = customer_features(tables, settings, cutoff, spec).to_polars().sort("customer_id")
    people = pl.read_parquet(store / "truth" / "people.parquet")
    joined = frame.join(people, on="customer_id", how="inner", maintain_order="left")
    done = actions(asof(tables, settings, cutoff)).to_polars()
    stored = tables.current("embeddings").filter(lambda t: t.entity_type == "customer").to_polars()
    features = joined.select(frame.drop("customer_id").columns)
    vectors = _vectors(joined["customer_id"], stored)
    known = Customers(joined["customer_id"], features, described(spec), vectors, done)
    return Known(known, joined.select("customer_id", "segment", "elasticity", "left_on"))


def _vectors(ids: pl.Series, stored: pl.DataFrame) -> np.ndarray:
    if stored.is_empty():
        return np.empty((0, 0), np.float32)
    found = dict(zip(stored["entity_id"], stored["vector"], strict=True))
    width = len(stored["vector"][0])
    return np.array([found.get(one, [0.0] * width) for one in ids], np.float32)


def agreements(known: Known, tables: Tables, settings: Settings, cutoff: datetime) -> dict[str, object]:
    """Adjusted Rand of each segmentation with the true segments; `behavior` where the store has vectors."""
    found: dict[str, object] = {}
    for title, (name, config) in ASKED.items():
        if name == "behavior" and not known.customers.vectors.size:
            continue
        segmentation = load_segmentation(name)
        fitted = segmentation.fit(known.customers, segmentation.config(**config))
        labels = fitted.assign(known.customers)["segment"].to_numpy()
        found[title] = {
            "adjusted_rand": round(adjusted_rand(labels, known.truth["segment"].to_numpy()), 4),
            "num_segments": len(fitted.segments),
            "are_separate": are_separate(fitted.candidates),
        }
    buyers = rfm_customers(tables, settings, cutoff)
    rfm = load_segmentation("rfm")
    told = buyers.ids.to_frame("customer_id").with_columns(
        rfm.fit(buyers, rfm.config()).assign(buyers)["segment"].alias("found")
    )
    both = told.join(known.truth, on="customer_id")
    found["rfm"] = {
        "adjusted_rand": round(adjusted_rand(both["found"].to_numpy(), both["segment"].to_numpy()), 4)
    }
    return found


def ceiling(known: Known, seed: int) -> float:
    """Adjusted Rand of a classifier that was told the true segments of the other customers (five folds):
    about what the features hold of them at all."""
    codes = known.truth["segment"].rank("dense").to_numpy().astype(np.int64) - 1
    numbers = known.customers.features.select(pl.selectors.numeric()).to_numpy()
    chances = _told_by_others(numbers, codes, {"objective": "multiclass", "num_class": codes.max() + 1}, seed)
    return round(adjusted_rand(chances.argmax(axis=1), codes), 4)


def _told_by_others(numbers: Floats, truth: NDArray[Any], options: dict[str, Any], seed: int) -> Floats:
    """What trees say of each customer who were told the truth of all the others but a fifth."""
    import lightgbm

    fold = np.random.default_rng(seed).permutation(len(truth)) % 5
    options = {**options, "verbosity": -1, "num_threads": 1, "seed": seed}
    options |= {"learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 40}
    told: list[Floats] = [np.empty(0)] * 5
    for held in range(5):
        data = lightgbm.Dataset(numbers[fold != held], truth[fold != held])
        model = lightgbm.train(options, data, num_boost_round=120)
        told[held] = np.asarray(model.predict(numbers[fold == held]), np.float64)
    return np.concatenate(told)[np.argsort(np.concatenate([np.flatnonzero(fold == i) for i in range(5)]))]


def price_sensitivity(
    known: Known, tables: Tables, settings: Settings, cutoff: datetime, seed: int
) -> dict[str, object]:
    """Rank correlation of the profile's difference (share bought on discount less expected) with the true
    elasticity, of all who have one and of those with more lines.

    `ceiling`: of trees that were told the true elasticity of the other customers and have all features and
    the profile's figures: about what the records hold of it at all."""
    lines = read_lines(Part(asof(tables, settings, cutoff)), settings)
    leanings = discount_leanings(lines, make_backdrop(tables, settings, cutoff))
    features = known.customers.features.with_columns(customer_id=known.customers.ids)
    both = leanings.join(known.truth, on="customer_id").join(features, on="customer_id").sort("customer_id")
    found: dict[str, Any] = {}
    for least in (10, 50, 100, 200):
        some = both.filter(pl.col("num_lines") >= least)
        if len(some) >= 30:
            found[f"from {least} lines"] = _correlation(some["difference"], some["elasticity"])
    truth = both["elasticity"].to_numpy()
    numbers = both.drop("segment", "elasticity", "left_on").select(pl.selectors.numeric()).to_numpy()
    told = _told_by_others(numbers, truth, {"objective": "regression"}, seed)
    return found | {"ceiling": _correlation(pl.Series(told), both["elasticity"])["rank_correlation"]}


def leaving(known: Known, last_day: int) -> dict[str, object]:
    """Rank correlation of features that tell a pause with the true days since the customer left for good (0:
    still there), of those who were seen ten times and more. `ceiling`: of a score that orders everybody
    rightly, since many have the same truth."""
    frame = known.customers.features.with_columns(
        gone=(last_day - known.truth["left_on"].fill_null(last_day)).cast(pl.Float64)
    )
    frame = frame.filter(pl.col("visit_days") >= 10)
    found: dict[str, Any] = {"share_gone": round(float((frame["gone"] > 0).mean()), 4)}
    if frame["gone"].n_unique() < 2:
        return found
    for name in GONE:
        if name in frame.columns:
            some = frame.drop_nulls(name)
            found[name] = _correlation(some[name], some["gone"])
            found["ceiling"] = found[name]["most"]
    return found


def _correlation(score: pl.Series, truth: pl.Series) -> dict[str, Any]:
    """With the 95% interval of Fisher's z (error 1.03 / √(n − 3); Fieller, Hartley and Pearson, 1957);
    `most`: what a score that orders everybody rightly would reach, since many have the same truth."""
    value = float(spearmanr(score.to_numpy(), truth.to_numpy()).statistic)
    order = np.lexsort((np.random.default_rng(0).random(len(truth)), truth.to_numpy())).argsort()
    half = 1.96 * 1.03 / np.sqrt(len(score) - 3)
    lower, upper = np.tanh(np.arctanh(value) - half), np.tanh(np.arctanh(value) + half)
    return {
        "rank_correlation": round(value, 4),
        "lower": round(float(lower), 4),
        "upper": round(float(upper), 4),
        "most": round(float(spearmanr(order, truth.to_numpy()).statistic), 4),
        "customers": len(score),
    }


def judge(store: Path, num_days: int, seed: int) -> dict[str, object]:
    shop = open_shop(store)
    with shop.reading_matched() as tables:
        last = tables.current("orders").created_at.max().to_pyarrow().as_py()
        cutoff = last + timedelta(seconds=1)
        known = read_known(tables, shop.settings, store, cutoff)
        return {
            "customers": len(known.customers),
            "segments": agreements(known, tables, shop.settings, cutoff),
            "ceiling": ceiling(known, seed),
            "price_sensitivity": price_sensitivity(known, tables, shop.settings, cutoff, seed),
            "leaving": leaving(known, num_days - 1),
        }
