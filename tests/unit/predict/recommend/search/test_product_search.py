"""What a shopper types finds what is meant, mistyped or in Chinese; what is forbidden is never found."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.behavior.text import load_encoder
from foresell.contracts.errors import InputError
from foresell.predict.recommend.search.catalog import SAID
from foresell.predict.recommend.search.product_search import MOST_QUERY, ProductSearch
from foresell.predict.recommend.search.tokens import tokens

pytest.importorskip("tantivy", reason="pip install 'foresell[search]'")

# id, title, brand, category, description
CATALOG = [
    ("12", "Headphone stand, oak", "Waldmann", "Audio", None),
    ("a-1", "Wireless headphones black", "Nordsound", "Audio", "Over-ear, 30 hours of music."),
    ("a-2", "Wireless headphones white", "Nordsound", "Audio", "Over-ear, 30 hours of music."),
    ("a-3", "Wired earbuds 12 mm", "Nordsound", "Audio", None),
    ("b-1", "Red running shoes", "Łódka", "Shoes", "Light, for the road."),
    ("b-2", "Red leather shoes", "Łódka", "Shoes", None),
    ("b-3", "Blue running shoes", "Łódka", "Shoes", None),
    ("c-1", "Müsli mit Äpfeln", "Bäckerhof", "Breakfast", "Crème brûlée flavor"),
    ("c-2", "Hafermilch", "Bäckerhof", "Drinks", None),
    ("d-1", "红色运动鞋", "李宁", "鞋", "轻便透气"),
    ("d-2", "蓝牙无线耳机", "华为", "耳机", None),
    ("d-3", "おいしい抹茶ケーキ", None, None, None),
    ("d-4", "กาแฟคั่วบด", None, None, None),
    ("e-1", "Levi's T-Shirt", "Levi's", "Shirts", None),
    ("f-1", None, None, None, None),
]
SIGNS = "+-&|!(){}[]^\"~*?:\\/<>='`@#$%,.;_"


def said(rows):
    return pl.DataFrame(rows, schema=SAID, orient="row")


@pytest.fixture(scope="module")
def shop():
    return ProductSearch.of(said(CATALOG), load_encoder("hashed:256"))


def ids(found):
    return [CATALOG[position][0] for position in found.positions_K]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("red running shoes", "b-1"),
        ("shoes running RED", "b-1"),
        ("wirelss hedphones white", "a-2"),
        ("haedphones blakc", "a-1"),
        ("nordsuond wireles", "a-1"),
        ("muesli", "c-1"),
        ("MUSLI APFELN", "c-1"),
        ("Mu\u0308sli", "c-1"),
        ("hafer", "c-2"),
        ("lodka leather", "b-2"),
        ("红色鞋", "d-1"),
        ("运动鞋", "d-1"),
        ("无线耳机", "d-2"),
        ("ＨＡＦＥＲＭＩＬＣＨ", "c-2"),
        ("抹茶", "d-3"),
        ("กาแฟ", "d-4"),
        ("tshirt levis", "e-1"),
        ("t shirt", "e-1"),
        ("over-ear", "a-1"),
    ],
)
def test_it_finds_what_is_meant_first(shop, query, first):
    assert ids(shop.search(query, 3))[0] == first


def test_an_id_is_found_exactly_and_a_number_in_a_query_is_no_id(shop):
    assert ids(shop.search("12", 3))[0] == "12"
    assert ids(shop.search("b-3 a-2", 3))[:2] == ["a-2", "b-3"]
    assert shop.search(" d-3 ", 1).ways_K[0][0] == "id"
    assert ids(shop.search("earbuds 12", 3))[0] == "a-3"
    assert ids(shop.search("f-1", 1)) == ["f-1"]


@pytest.mark.parametrize("query", ["qzxwvkj", "bxqvz wrtkp", "Ж", "🎧 ٣", "x" * MOST_QUERY])
def test_nonsense_finds_nothing(shop, query):
    assert ids(shop.search(query, 5)) == []


@pytest.mark.parametrize("query", ["", "   ", "+-*", "🎧", "x" * (MOST_QUERY + 1)])
def test_what_is_no_query_is_said(shop, query):
    with pytest.raises(InputError):
        shop.search(query, 5)


def test_k_below_one_is_said(shop):
    with pytest.raises(InputError, match="at least 1"):
        shop.search("shoes", 0)


def test_a_catalog_without_words_is_said():
    for rows in ([], [("x", None, None, None, None)]):
        with pytest.raises(InputError, match="Nothing is said"):
            ProductSearch.of(said(rows), load_encoder("hashed:256"))


@pytest.mark.parametrize(
    "query", ['title:(red) AND NOT "shoes"~2', "red^9 shoes*", "/re.*/ red shoes", "[a TO z] red shoes"]
)
def test_signs_of_a_query_language_are_plain_text(shop, query):
    assert set(ids(shop.search(query, 10))) >= {"b-1", "b-2"}


@given(query=st.text(st.sampled_from(SIGNS + "abc 红é\u0300\ud7ff\U0001f3a7\x00\n"), min_size=1, max_size=40))
def test_any_text_is_answered_or_refused_in_words(shop, query):
    try:
        found = shop.search(query, 5)
    except InputError:
        return
    assert len(found.positions_K) <= 5


@settings(max_examples=60)
@given(
    query=st.sampled_from(["red shoes", "hedphones", "鞋", "12", "nordsound", "b-1", "shirt levis"]),
    k=st.integers(1, 20),
    seed=st.integers(0, 1_000),
    share=st.sampled_from([0.1, 0.5, 0.9]),
)
def test_the_forbidden_never_come_and_k_come_where_k_fit(shop, query, k, seed, share):
    random = np.random.default_rng(seed)
    eligible = random.random(len(CATALOG)) < share
    boost = random.random(len(CATALOG)).astype(np.float32)
    everything = shop.search(query, len(CATALOG))
    found = shop.search(query, k, eligible, boost)
    assert eligible[found.positions_K].all()
    assert len(set(found.positions_K.tolist())) == len(found.positions_K)
    fits = [position for position in everything.positions_K if eligible[position]]
    assert len(found.positions_K) == min(k, len(fits))
    again = shop.search(query, k, eligible, boost)
    np.testing.assert_array_equal(again.positions_K, found.positions_K)


def test_equal_products_come_in_their_order_however_many_there_are():
    same = [(f"p{number:04d}", "Green tea", None, None, None) for number in range(2_000)]
    search = ProductSearch.of(said(same), load_encoder("hashed:256"))
    assert search.search("green tea", 30).positions_K.tolist() == list(range(30))
    eligible = np.arange(2_000) >= 1_990
    assert search.search("gren tea", 30, eligible).positions_K.tolist() == list(range(1_990, 2_000))
    boost = np.ones(2_000, np.float32)
    boost[17] = 1.2
    assert search.search("green tea", 3, None, boost).positions_K.tolist() == [17, 0, 1]


def test_a_boost_brings_nothing_that_does_not_fit(shop):
    boost = np.ones(len(CATALOG), np.float32)
    boost[7] = 1_000
    assert "c-1" not in ids(shop.search("red shoes", 10, None, boost))
    boost[6] = 1.5
    assert ids(shop.search("red shoes", 10, None, boost))[0] == "b-3"


def test_words_are_cut_without_case_accents_and_joints():
    assert tokens("Ærø-Straße, L’Oréal") == ["aero", "strasse", "aerostrasse", "l", "oreal", "loreal"]
    assert tokens("红色鞋") == ["红", "色", "鞋", "红色", "色鞋"]
    assert tokens("红色鞋", is_query=True) == ["红色", "色鞋"]
    assert tokens("鞋", is_query=True) == ["鞋"]
    assert tokens("5G手机 1.5L") == ["5g", "手", "机", "手机", "1", "5l", "15l"]
    assert tokens("हिन्दी कपड़े") == ["हिन्दी", "कपड़े"]
    assert tokens("_-. !") == []
