"""`hybrid`: proposes, ranks, keeps an order of what is no candidate, and says why faithfully."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from foresell.predict.recommend import load_model
from foresell.predict.recommend.candidates import Rows
from foresell.predict.recommend.examples import examples
from foresell.predict.recommend.model import INTERACTIONS
from foresell.predict.recommend.models import hybrid
from foresell.predict.recommend.models.hybrid import HIGHEST_OF_OTHERS, FittedHybrid, HybridConfig

START = datetime(2026, 1, 1, tzinfo=UTC)
NUM_PRODUCTS = 30
LITTLE = HybridConfig(num_best=5, min_rows_in_leaf=5, max_trees=30, money_weight=0.0)


def shop() -> pl.DataFrame:
    """Each of 60 customers takes two staples a week, now and then what goes with the first, and anything."""
    random = np.random.default_rng(7)
    rows = set()
    for customer in range(60):
        staples = random.integers(0, NUM_PRODUCTS, 2)
        for day in range(int(random.integers(0, 7)), 84, 7):
            rows |= {(customer, int(one), day) for one in staples if random.random() < 0.8}
            if random.random() < 0.4:
                rows.add((customer, (int(staples[0]) + 1) % NUM_PRODUCTS, day))
            rows.add((customer, int(random.integers(0, NUM_PRODUCTS)), day))
    full = [(f"c{c:02}", f"p{p:02}", START + timedelta(days=d), 1.0) for c, p, d in sorted(rows)]
    return pl.DataFrame(full, schema=INTERACTIONS, orient="row")


PAST = shop()
CUSTOMERS = PAST["customer_id"].unique().sort()
PRODUCTS = pl.DataFrame(
    {
        "product_id": [f"p{number:02}" for number in range(NUM_PRODUCTS)],
        "labels": [[f"category:{number // 5}"] for number in range(NUM_PRODUCTS)],
        "price": [float(1 + number % 4) for number in range(NUM_PRODUCTS)],
        "text": [f"thing {number // 3}" for number in range(NUM_PRODUCTS)],
    }
)


@pytest.fixture(scope="module")
def fitted() -> FittedHybrid:
    found = hybrid.fit(PAST, LITTLE, PRODUCTS)
    assert found.ranker is not None
    return found


def test_every_candidate_is_above_all_others_and_all_keep_an_order(fitted: FittedHybrid) -> None:
    profiles = fitted.profiles(CUSTOMERS, PAST)
    scores = fitted.score(profiles)
    found = fitted.panel.candidates(profiles, fitted.panel.said(profiles))
    is_candidate = np.zeros(scores.shape, bool)
    is_candidate[found.customers, found.products] = True
    assert scores.max() <= 1
    assert scores[is_candidate].min() > HIGHEST_OF_OTHERS >= scores[~is_candidate].max()
    assert (scores[~is_candidate] > 0).any()


def test_a_customer_alone_is_scored_as_among_others(fitted: FittedHybrid) -> None:
    whole = fitted.score(fitted.profiles(CUSTOMERS, PAST))
    for row in (0, 17, 59):
        mine = PAST.filter(customer_id=CUSTOMERS[row])
        alone = fitted.score(fitted.profiles(CUSTOMERS[row : row + 1], mine))
        np.testing.assert_allclose(alone[0], whole[row], rtol=1e-5)
        cut = fitted.score(fitted.profiles(CUSTOMERS, PAST).between(row, row + 1))
        np.testing.assert_allclose(cut[0], whole[row], rtol=1e-5)


def test_what_is_taken_every_week_comes_first(fitted: FittedHybrid) -> None:
    counts = PAST.group_by("customer_id", "product_id").len().filter(pl.col("len") >= 8)
    first = fitted.recommend(PAST, 3, with_reasons=False)
    found = counts.join(first, on=["customer_id", "product_id"], how="semi")
    assert found.height > 0.9 * counts.height


def test_nothing_of_the_window_is_known_at_its_start() -> None:
    newest = PAST["occurred_at"].max() - pl.duration(days=28)
    early, window = PAST.filter(pl.col("occurred_at") <= newest), PAST.filter(pl.col("occurred_at") > newest)
    panel = hybrid.fit(early, replace(LITTLE, max_trees=1), PRODUCTS).panel
    one = examples(panel, early, window, 100)
    other = examples(panel, early, window.with_columns(product_id=pl.lit("p00")), 100)
    np.testing.assert_array_equal(one.features, other.features)
    assert one.was_taken.sum() != other.was_taken.sum()
    assert 0 < one.judges.sum() < len(one.judges)


def test_without_repeats_what_was_taken_is_no_candidate() -> None:
    fitted = hybrid.fit(PAST, replace(LITTLE, repeats=False), PRODUCTS)
    profiles = fitted.profiles(CUSTOMERS, PAST)
    found = fitted.panel.candidates(profiles, fitted.panel.said(profiles))
    assert np.isnan(profiles.pasts.taken.at(found.customers, found.products)).all()
    assert len(found.products) > 0


def test_money_draws_dearer_products_forward(fitted: FittedHybrid) -> None:
    rich = replace(fitted, config=replace(fitted.config, money_weight=2.0))
    prices = PRODUCTS.select("product_id", "price")
    plain, dear = (
        one.recommend(PAST, 3, with_reasons=False).join(prices, on="product_id")["price"].mean()
        for one in (fitted, rich)
    )
    assert isinstance(plain, float)
    assert isinstance(dear, float)
    assert dear > plain + 0.5


def test_the_named_product_is_the_one_without_which_the_chance_falls_most(fitted: FittedHybrid) -> None:
    profiles = fitted.profiles(CUSTOMERS, PAST)
    products = fitted.catalog.positions
    told = fitted.recommend(PAST, 4).filter(pl.col("reason_code") == "goes_with").head(8)
    assert told.height == 8
    for customer, product, because in told.select("customer_id", "product_id", "because_product_id").rows():
        mine = PAST.filter(customer_id=customer)
        target = products.filter(product_id=product)["product"].to_numpy().astype(np.int64)

        def chance(history: pl.DataFrame, who: str = customer, what: np.ndarray = target) -> float:
            found = fitted.profiles(pl.Series([who]), history)
            return float(fitted._log_chances(found, np.zeros(1, np.int64), what)[0])

        newest = mine.group_by("product_id").agg(pl.col("occurred_at").max())
        tried = newest.sort(["occurred_at", "product_id"], descending=[True, False]).head(10)["product_id"]
        falls = {one: chance(mine) - chance(mine.filter(pl.col("product_id") != one)) for one in tried}
        assert falls[because] == pytest.approx(max(falls.values()), abs=1e-6)
    rows = Rows(profiles, np.zeros(2, np.int64))
    codes, positions = fitted.explain(rows, np.array([3, 3]))
    assert codes[0] == codes[1]
    assert positions[0] == positions[1]


def test_too_short_a_history_leaves_the_strongest_component() -> None:
    short = PAST.filter(pl.col("occurred_at") >= START + timedelta(days=70))
    fitted = hybrid.fit(short, LITTLE, PRODUCTS)
    assert fitted.ranker is None
    alone = load_model("item_knn")
    expected = alone.fit(short, alone.config()).recommend(short, 3, with_reasons=False)
    assert fitted.recommend(short, 3, with_reasons=False)["product_id"].equals(expected["product_id"])


def test_later_customers_stop_the_trees_where_they_are_given() -> None:
    newest = PAST["occurred_at"].max() - pl.duration(days=14)
    early, later = PAST.filter(pl.col("occurred_at") <= newest), PAST.filter(pl.col("occurred_at") > newest)
    fitted = hybrid.fit(early, LITTLE, PRODUCTS, validation=later)
    assert fitted.ranker is not None
    assert fitted.recommend(early, 3).height == 3 * early["customer_id"].n_unique()
