"""Ranking scores: by hand, and against an oracle written with plain loops."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.evaluation.ranking import ranking_scores, relevant_products

Pairs = list[tuple[str, str]]


def pairs(rows: Pairs) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"customer_id": pl.String, "product_id": pl.String}, orient="row")


def ranked(lists: dict[str, list[str]]) -> pl.DataFrame:
    rows = [(c, p, i + 1) for c, products in lists.items() for i, p in enumerate(products)]
    schema = {"customer_id": pl.String, "product_id": pl.String, "rank": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_by_hand() -> None:
    """Ann is recommended a, b, c and takes b, c, d, e; Bob takes z only; Eve is recommended nothing."""
    past = pairs([("ann", "a"), ("bob", "a"), ("eve", "b"), ("dan", "c")])
    relevant = pairs([("ann", p) for p in "bcde"] + [("bob", "z"), ("eve", "a")])
    found = ranking_scores(ranked({"ann": ["a", "b", "c"], "bob": ["a", "b", "c"]}), relevant, 3, past)
    ann, bob, eve = found.per_customer.to_dicts()
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ann["recall"] == 2 / 4
    assert ann["ndcg"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(4)) / ideal)
    assert ann["mrr"] == 1 / 2
    assert ann["novelty"] == pytest.approx((1 + 2 + 2) / 3)  # a: half of four customers; b and c: a quarter
    assert (bob["recall"], bob["ndcg"], bob["mrr"]) == (0, 0, 0)
    assert (eve["recall"], eve["novelty"]) == (0, None)
    assert found.coverage == 1.0


def test_only_the_first_k_count_and_a_stranger_is_not_judged() -> None:
    relevant = pairs([("ann", "c")])
    found = ranking_scores(
        ranked({"ann": ["a", "b", "c"], "tom": ["x"]}), relevant, 2, pairs([("ann", "a"), ("tom", "x")])
    )
    assert found.per_customer["customer_id"].to_list() == ["ann"]
    assert found.per_customer["recall"].to_list() == [0.0]
    assert found.coverage == 1 / 2  # a of a and x; b is not in the catalog, and x is for nobody judged


def test_repeats_count_only_where_the_rule_says_so() -> None:
    window = pairs([("ann", "a"), ("ann", "a"), ("ann", "b"), ("bob", "a")])
    known = pairs([("ann", "a"), ("bob", "a")])
    assert relevant_products(window).rows() == [("ann", "a"), ("ann", "b"), ("bob", "a")]
    assert relevant_products(window, known).rows() == [("ann", "b")]


customers = st.sampled_from("uvw")
products = st.sampled_from("abcdefg")


@settings(deadline=None, max_examples=60)
@given(
    lists=st.dictionaries(customers, st.lists(products, unique=True, min_size=1), min_size=1),
    taken=st.sets(st.tuples(customers, products), min_size=1),
    past=st.sets(st.tuples(customers, products), min_size=1),
    k=st.integers(1, 8),
)
def test_agrees_with_an_oracle(
    lists: dict[str, list[str]], taken: set[tuple[str, str]], past: set[tuple[str, str]], k: int
) -> None:
    found = ranking_scores(ranked(lists), pairs(sorted(taken)), k, pairs(sorted(past)))
    by_customer = {row["customer_id"]: row for row in found.per_customer.to_dicts()}
    assert set(by_customer) == {customer for customer, _ in taken}
    shown = set()
    for customer, row in by_customer.items():
        wanted = {product for whose, product in taken if whose == customer}
        top = lists.get(customer, [])[:k]
        shown |= set(top)
        gains = [1 / math.log2(place + 2) for place, product in enumerate(top) if product in wanted]
        best = sum(1 / math.log2(place + 2) for place in range(min(k, len(wanted))))
        firsts = [place for place, product in enumerate(top, start=1) if product in wanted]
        assert row["recall"] == pytest.approx(len(gains) / len(wanted))
        assert row["ndcg"] == pytest.approx(sum(gains) / best)
        assert row["mrr"] == pytest.approx(1 / firsts[0] if firsts else 0)
        num_past = len({whose for whose, _ in past})
        bits = [-math.log2(max(sum(p == q for _, q in past), 1) / num_past) for p in top]
        assert row["novelty"] == (pytest.approx(sum(bits) / len(bits)) if bits else None)
    catalog = {product for _, product in past}
    assert found.coverage == pytest.approx(len(shown & catalog) / len(catalog))
