"""Ranking scores: by hand, and against an oracle written with plain loops."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foresell.evaluation.ranking import ranking_scores, relevant_products, return_rates

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


def test_money_is_what_was_spent_on_what_the_list_named() -> None:
    """Ann buys b twice and d once; b's second margin is unknown; only b is among the first two."""
    window = pairs([("ann", "b"), ("ann", "b"), ("ann", "d"), ("bob", "d")]).with_columns(
        revenue=pl.Series([10.0, 8.0, 99.0, 5.0]), margin=pl.Series([4.0, None, 50.0, 1.0])
    )
    relevant = relevant_products(window)
    assert relevant.rows()[0] == ("ann", "b", 18.0, 4.0)
    found = ranking_scores(ranked({"ann": ["a", "b", "d"]}), relevant, 2, pairs([("ann", "a")]))
    assert found.per_customer.select("customer_id", "revenue", "margin").rows() == [
        ("ann", 18.0, 4.0),
        ("bob", 0.0, 0.0),
    ]
    without = ranking_scores(ranked({"ann": ["b"]}), relevant.drop("margin"), 2, pairs([("ann", "a")]))
    assert "margin" not in without.per_customer.columns
    assert without.per_customer["revenue"].to_list() == [18.0, 0.0]


def test_a_hit_that_few_took_counts_more_in_stratified_recall() -> None:
    """a was taken by all four customers of the past, b by one, z by none, which counts as one."""
    past = pairs([(customer, "a") for customer in "uvwx"] + [("u", "b")])
    relevant = pairs([("ann", "a"), ("ann", "b"), ("ann", "z")])
    lists = ranked({"ann": ["a", "b"]})
    for debias, expected in ((0.0, 2 / 3), (0.5, 3 / 5), (1.0, 5 / 9)):
        found = ranking_scores(lists, relevant, 2, past, debias=debias).per_customer
        assert found["stratified_recall"].to_list() == [pytest.approx(expected)]


def test_the_return_rate_is_of_pieces_and_tells_the_recommended_from_the_rest() -> None:
    """Ann keeps 3 of 4 recommended pieces, and sends all else back; Tom was recommended nothing."""
    bought = pairs([("ann", "a"), ("ann", "b"), ("ann", "z"), ("tom", "a"), ("bob", "a")]).with_columns(
        quantity=pl.Series([3, 1, 2, 5, 4]), refunded_quantity=pl.Series([1, None, 3, 5, 0])
    )
    found = return_rates(ranked({"ann": ["a", "b", "z"], "bob": ["a"]}), bought, 2)
    assert found.recommended.value == pytest.approx(1 / 8)
    assert found.others.value == pytest.approx(1)
    assert found.recommended.lower < 1 / 8 < found.recommended.upper <= 1


def test_no_return_yet_is_not_proof_of_none() -> None:
    """Ten customers with one kept piece each: Poisson's upper limit of a count of 0, 3.69, by ten."""
    names = [f"c{number}" for number in range(10)]
    bought = pairs([(name, "a") for name in names]).with_columns(quantity=1, refunded_quantity=0)
    found = return_rates(ranked({name: ["a"] for name in names}), bought, 1)
    assert (found.recommended.value, found.recommended.upper) == (0, pytest.approx(0.3689, abs=1e-4))
    assert math.isnan(found.others.value)


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
