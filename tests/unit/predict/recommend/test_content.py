"""`content`: what is like the things a customer took, also what nobody took yet, for the reason it says."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from foresell.predict.recommend import load_model
from foresell.predict.recommend.model import INTERACTIONS

START = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = pl.DataFrame(
    {
        "product_id": ["apple", "pear", "plum", "hammer", "saw", "nameless"],
        "labels": [*[["category:fruit"]] * 3, *[["category:tool"]] * 2, []],
        "price": [1.0, 1.0, 1.0, 9.0, 9.0, None],
        "text": ["red fruit", "green fruit", "red plum", "steel hammer", "steel saw", None],
    }
)


def taken(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    full = [(customer, product, START + timedelta(days=day), 1.0) for customer, product, day in rows]
    return pl.DataFrame(full, schema=INTERACTIONS, orient="row")


PAST = taken([("ann", "apple", 1), ("ann", "pear", 5), ("bob", "hammer", 2), ("cid", "nameless", 3)])
CONTENT = load_model("content")


def test_what_nobody_took_is_recommended_for_what_is_written_of_it() -> None:
    found = CONTENT.fit(PAST, CONTENT.config(), PRODUCTS).recommend(PAST, 3)
    of_ann, of_bob = (found.filter(customer_id=one) for one in ("ann", "bob"))
    assert set(of_ann["product_id"]) == {"apple", "pear", "plum"}
    assert of_bob["product_id"].to_list()[:2] == ["hammer", "saw"]
    plum = of_ann.filter(product_id="plum").row(0, named=True)
    assert (plum["reason_code"], plum["because_product_id"]) == ("similar_to", "apple")


def test_of_a_product_without_a_word_nothing_is_like() -> None:
    found = CONTENT.fit(PAST, CONTENT.config(), PRODUCTS).recommend(PAST, 3)
    assert set(found.filter(customer_id="cid")["reason_code"]) == {"popular"}


def test_a_score_is_the_sum_of_what_each_product_of_the_history_adds() -> None:
    fitted = CONTENT.fit(PAST, CONTENT.config(), PRODUCTS)
    ann = pl.Series("customer_id", ["ann"])

    def scores(history: pl.DataFrame) -> np.ndarray:
        # The newest stays, so that ages stay.
        found: np.ndarray = fitted.score(fitted.profiles(ann, history))[0]
        return found

    whole = scores(PAST.filter(customer_id="ann"))
    profile = fitted.profiles(ann, PAST).toarray()[0]
    likeness = (fitted.vectors @ fitted.vectors.T).toarray()  # type: ignore[attr-defined]
    np.testing.assert_allclose(whole, profile @ likeness, rtol=1e-5)
