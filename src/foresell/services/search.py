"""Search for products, and the searches that find nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError
from foresell.services.recommender import ages
from foresell.services.rules import current_rules
from foresell.services.shop import Progress, Shop, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from foresell.contracts.protocols import Tables
    from foresell.matching.resolve import MatchedTables
    from foresell.predict.recommend.assortment import Assortment
    from foresell.predict.recommend.rules.compiling import Compiled
    from foresell.predict.recommend.rules.constraints import Constraints, CustomerFacts
    from foresell.predict.recommend.search.product_search import Found, ProductSearch

SURFACE = "search"
ENCODER = "hashed:256"
# A customer's first recommendation counts so much more than a product that is none of theirs; with ranks from
# 60 on, it goes up by some twelve places at most.
MOST_BOOST, BOOSTED = 0.2, 200
# Fewer products than this is little.
FEW = 3
MOST_K = 1_000
# Looked at beyond k, so that caps leave k.
TIMES_MORE = 4


@dataclass(frozen=True, eq=False)
class Searcher:
    """The catalog as of a moment, indexed, under the rules in force: made once, asked often."""

    assortment: "Assortment"
    index: "ProductSearch"
    rules: "Compiled"

    def search(
        self, query: str, k: int, facts: "CustomerFacts", boost: "NDArray[np.float32] | None" = None
    ) -> "Found":
        """The k best that may be shown; see `ProductSearch.search`. The rules' weights multiply the scores,
        their caps hold; pins do not, since nobody asked for those products.
        """
        from foresell.predict.recommend.rules.constraints import verify

        allowed = self.rules.for_customer(facts)
        weights = allowed.factor_P if boost is None else allowed.factor_P * boost
        num = k
        while True:
            found = self.index.search(query, num, ~allowed.forbidden_P, weights)
            chosen = within_caps(found, allowed, k)
            if len(chosen.positions_K) == k or len(found.positions_K) < num:
                verify(allowed, chosen.positions_K)
                return chosen
            num *= TIMES_MORE


def make_searcher(shop: Shop, tables: "Tables", encoder: str = ENCODER) -> Searcher:
    """Reads and indexes the catalog: 100,000 products take some ten seconds.

    Raises InputError where nothing is said of any product, without the extra `search`, and for an encoder
    that is not there. Encoders other than `hashed` remember their texts in the store's models.
    """
    from foresell.behavior.text import load_encoder
    from foresell.behavior.text.cache import CachedEncoder
    from foresell.predict.recommend.assortment import read_assortment
    from foresell.predict.recommend.rules.compiling import compile_rules
    from foresell.predict.recommend.search.catalog import said_of_products
    from foresell.predict.recommend.search.product_search import ProductSearch

    now = datetime.now(UTC)
    assortment = read_assortment(tables, now)
    text_encoder = load_encoder(encoder)
    if encoder.partition(":")[0] != "hashed":
        text_encoder = CachedEncoder(text_encoder, shop.folder.models / "search" / "texts")
    index = ProductSearch.of(said_of_products(tables, assortment), text_encoder)
    return Searcher(assortment, index, compile_rules(current_rules(shop)[1], assortment, SURFACE, now))


def search(
    shop: Shop,
    query: str,
    k: int = 10,
    customer_id: str | None = None,
    encoder: str = ENCODER,
    progress: Progress = silent,
) -> dict[str, object]:
    """The k products that fit the query best, among those that the shop's rules allow.

    With a customer, what the production model recommends to them goes up a little; nothing that does not fit
    the query is added. InputError for a query without a word, k outside 1 to 1,000, and as `make_searcher`.
    """
    if not 1 <= k <= MOST_K:
        raise InputError("k is from 1 to 1,000", received=k)
    progress("reading the catalog", 0, None)
    with shop.reading_matched() as tables:
        searcher = make_searcher(shop, tables, encoder)
        person = None if customer_id is None else tables.person_of(customer_id)
        facts = facts_of(tables, searcher.assortment, person)
        boost, note = _boost(shop, tables, searcher.assortment, customer_id)
    return found_record(searcher, searcher.search(query, k, facts, boost), query, customer_id, note)


def found_record(
    searcher: Searcher, found: "Found", query: str, customer_id: str | None, note: str
) -> dict[str, object]:
    """What was found, the best first, as it is told."""
    rows = searcher.assortment.products[found.positions_K].select("product_id", "name", "brand", "price")
    items = [
        {**row, "score": float(score), "found_by": ", ".join(ways)}
        for row, score, ways in zip(rows.to_dicts(), found.scores_K, found.ways_K, strict=True)
    ]
    return {"query": query, "customer_id": customer_id, "note": note, "items": items}


def zero_results(
    shop: Shop, since: datetime | None = None, encoder: str = ENCODER, progress: Progress = silent
) -> dict[str, object]:
    """The searches in the shop's events that find fewer than FEW products today, the most frequent first,
    and what those who searched bought in the day after.

    Today's catalog and rules answer, for nobody in particular. Without searches in the events: no row.
    """
    from foresell.predict.recommend.rules.constraints import CustomerFacts
    from foresell.predict.recommend.search.product_search import MOST_QUERY
    from foresell.predict.recommend.search.unanswered import unanswered

    nobody = CustomerFacts()
    with shop.reading_matched() as tables:
        progress("reading the catalog", 0, None)
        searcher = make_searcher(shop, tables, encoder)

        def count(query: str) -> int:
            if not any(sign.isalnum() for sign in query):
                return 0
            return len(searcher.search(query[:MOST_QUERY], FEW, nobody).positions_K)

        progress("asking what customers asked", 0, None)
        rows = unanswered(tables, count, FEW, since)
    positions = [searcher.assortment.position_of(products) for products in rows["products"]]
    names = searcher.assortment.products["name"]
    told = [
        {**row, "products": "; ".join(str(names[int(place)]) for place in places if place >= 0)}
        for row, places in zip(rows.to_dicts(), positions, strict=True)
    ]
    return {"fewer_than": FEW, "searches": told}


def within_caps(found: "Found", allowed: "Constraints", k: int) -> "Found":
    """The first k that the caps let through, in their order."""
    import numpy as np

    from foresell.predict.recommend.explore import Best, explore
    from foresell.predict.recommend.search.product_search import Found

    may_follow = allowed.may_follow(found.positions_K, np.empty(0, np.int64))
    places = explore(-np.arange(len(found.positions_K)), k, Best(), 0, may_follow).order_K
    ways = tuple(found.ways_K[place] for place in places)
    return Found(found.positions_K[places], found.scores_K[places], ways)


def facts_of(tables: "Tables | None", assortment: "Assortment", customer_id: str | None) -> "CustomerFacts":
    """What rules ask of a customer: age, and what was bought; of nobody (None) nothing is known."""
    from foresell.features.counted import purchases
    from foresell.predict.recommend.rules.constraints import CustomerFacts

    if tables is None or customer_id is None:
        return CustomerFacts()
    bought = purchases(tables)
    ids = bought.filter(bought.customer_id == customer_id).select("product_id").distinct().to_polars()
    age = ages(tables, datetime.now(UTC), customer_id).get(customer_id)
    return CustomerFacts(customer_id, age, assortment.position_of(ids["product_id"]))


def _boost(
    shop: Shop, tables: "MatchedTables", assortment: "Assortment", customer_id: str | None
) -> "tuple[NDArray[np.float32] | None, str]":
    """1 for each product, and up to 1 + MOST_BOOST for those recommended to the customer, by their rank."""
    from foresell.services.production import PRODUCTION
    from foresell.services.recommend import best_of_customer
    from foresell.store.model_versions import pointers

    if customer_id is None:
        return None, ""
    if PRODUCTION not in pointers(shop.folder.models, "recommend"):
        return None, "Not personal: no recommender is fitted. Run: foresell fit recommend"
    ids = best_of_customer(shop, tables, customer_id, BOOSTED)
    return boosted(assortment, ids), ""


def boosted(assortment: "Assortment", ids: "Iterable[str]") -> "NDArray[np.float32]":
    """1 for each product of the assortment, and up to 1 + MOST_BOOST for these, by their rank."""
    import numpy as np

    positions = assortment.position_of(list(ids))
    worth = 1 + MOST_BOOST * (1 - np.arange(len(positions), dtype=np.float32) / BOOSTED)
    boost = np.ones(assortment.size, np.float32)
    boost[positions[positions >= 0]] = worth[positions >= 0]
    return boost
