"""Search over a store: its rules hold, its customer is thought of, and what it lacks is said."""

from dataclasses import asdict

import pytest

from foresell.contracts.errors import InputError
from foresell.predict.recommend.interactions import interactions
from foresell.predict.recommend.models.popularity import MODEL, PopularityConfig
from foresell.services import rules, search
from foresell.store.model_versions import set_pointer
from foresell.store.models import Origin, save_artifact

pytest.importorskip("tantivy", reason="pip install 'foresell[search]'")

HEADER = "product_id,title,brand,category,status,price"
EVENTS = "event_id,event_name,occurred_at,customer_id,search_query"
ORDERS = "order_id,customer_id,created_at,currency"
RULES = """
[[rules]]
name = "no adult shoes"
kind = "exclude"
product_ids = ["s3"]

[[rules]]
name = "two of a brand"
kind = "cap"
by = "brand"
most = 2
"""


@pytest.fixture
def catalog(shop, import_rows):
    rows = [f"s{number},Red shoes {number},Acme,Shoes,active,{number}" for number in range(1, 6)]
    rows += ["s6,Red shoes 6,Other,Shoes,active,6", "s7,Red shoes 7,Other,Shoes,discontinued,7"]
    import_rows(*rows, header=HEADER, preset="products")
    return shop


def serve_popular(shop):
    """A model in production, without comparing all of them."""
    config = PopularityConfig()
    with shop.reading_matched() as tables:
        fitted = MODEL.fit(interactions(tables), config)
    origin = Origin({}, None, None)
    version = save_artifact(
        shop.folder.models, "recommend", "popularity", asdict(config), fitted.to_tables(), {}, origin
    )
    set_pointer(shop.folder.models, "recommend", "production", version)


def found(answer):
    return [item["product_id"] for item in answer["items"]]


def test_what_the_shop_forbids_is_not_found_and_caps_hold(catalog, tmp_path):
    assert sorted(found(search.search(catalog, "red shoes", 10))) == ["s1", "s2", "s3", "s4", "s5", "s6"]
    path = tmp_path / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    rules.load_rules(catalog, path, by="test")
    capped = found(search.search(catalog, "red shoos", 10))
    assert "s6" in capped
    assert len(set(capped) & {"s1", "s2", "s4", "s5"}) == len(capped) - 1 == 2
    assert found(search.search(catalog, "s3", 10)) == []


def test_a_customers_favorite_goes_up_once_a_model_knows_it(catalog, import_rows):
    import_rows(
        "o1,ann,2026-01-01T10:00Z,EUR", "o2,bob,2026-01-02T10:00Z,EUR", header=ORDERS, preset="orders"
    )
    import_rows("l1,o1,s5,1,5", "l2,o2,s4,1,5")
    before = search.search(catalog, "red shoes", 3, "ann")
    assert "foresell fit recommend" in str(before["note"])
    serve_popular(catalog)
    after = search.search(catalog, "red shoes", 3, "ann")
    assert after["note"] == ""
    assert not {"s4", "s5"} <= set(found(before))
    assert {"s4", "s5"} <= set(found(after))
    assert sorted(found(search.search(catalog, "red shoes", 9, "ann"))) == [
        "s1",
        "s2",
        "s3",
        "s4",
        "s5",
        "s6",
    ]


def test_searches_without_an_answer_are_told(catalog, import_rows):
    import_rows(
        "e1,search,2026-01-01T10:00Z,ann,gartenzwerg",
        "e2,search,2026-01-01T11:00Z,bob,Gartenzwerg",
        "e3,search,2026-01-01T11:00Z,bob,red shoes",
        "e4,search,2026-01-01T12:00Z,bob,???",
        header=EVENTS,
        preset="events",
    )
    import_rows("o1,ann,2026-01-01T12:00Z,EUR", header=ORDERS, preset="orders")
    import_rows("l1,o1,s5,1,5")
    told = search.zero_results(catalog)["searches"]
    assert [(row["query"], row["searches"], row["found"], row["products"]) for row in told] == [
        ("gartenzwerg", 2, 0, "Red shoes 5"),
        ("???", 1, 0, ""),
    ]


@pytest.mark.parametrize(("query", "k"), [("", 5), ("shoes", 0), ("shoes", 1_001)])
def test_what_cannot_be_asked_is_said(catalog, query, k):
    with pytest.raises(InputError):
        search.search(catalog, query, k)


def test_a_shop_without_a_catalog_is_told_to_import_one(shop, import_rows):
    import_rows("l1,o1,s5,1,5")
    with pytest.raises(InputError, match="Import the catalog"):
        search.search(shop, "shoes")
