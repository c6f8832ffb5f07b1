"""Nearest products by vectors: what sorting all of them would give, whatever the filter and the size."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.predict.recommend import exact_search, index
from foresell.predict.recommend.index import VectorIndex

NUM_LARGE, WIDTH = 210_000, 16


def sorted_by_hand(vectors, queries, k, allowed, bias=0.0):
    """Every product scored and sorted, as the documentation of `search` says."""
    scores = (vectors.astype(np.float64)[None] * queries.astype(np.float64)[:, None]).sum(axis=2)
    scores = (scores + bias).astype(np.float32)
    if allowed is not None:
        scores[~np.broadcast_to(allowed, scores.shape)] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    missing = ((0, 0), (0, k - order.shape[1]))
    best = np.pad(best, missing, constant_values=-np.inf)
    return np.where(np.isneginf(best), -1, np.pad(order, missing, constant_values=-1)), best


@st.composite
def searches(draw):
    num, width, num_queries = (draw(st.integers(1, most)) for most in (60, 9, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    # Few distinct numbers make ties; a large common part makes float32 round what tells products apart.
    levels = draw(st.sampled_from([2, 3, 1_000]))
    vectors = random.integers(-levels, levels + 1, (num, width)).astype(np.float32)
    vectors += draw(st.sampled_from([0.0, 1e6]))
    queries = random.integers(-levels, levels + 1, (num_queries, width)).astype(np.float32) / 7
    share = draw(st.sampled_from([0.0, 0.02, 0.5, 1.0]))
    shape = draw(st.sampled_from([None, (num,), (num_queries, num)]))
    allowed = None if shape is None else random.random(shape) < share
    return vectors, queries, draw(st.integers(1, 70)), allowed


@pytest.mark.parametrize("cells_at_once", [1, 30, 262_144])
@given(search=searches())
def test_it_finds_what_sorting_finds_alone_and_in_a_batch(cells_at_once, search):
    vectors, queries, k, allowed = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_search, "CELLS_AT_ONCE", cells_at_once)
        patch.setattr(exact_search, "MOST_FOUND", 8 if cells_at_once == 30 else 16_384)
        made = VectorIndex.of(vectors)
        positions, scores = made.search(queries, k, allowed)
        shape = (len(queries), len(vectors))
        masks = [None] * len(queries) if allowed is None else np.broadcast_to(allowed, shape)
        alone = [made.search(query, k, own) for query, own in zip(queries, masks, strict=True)]
    wanted = sorted_by_hand(vectors, queries, k, allowed)
    np.testing.assert_array_equal(positions, wanted[0])
    np.testing.assert_array_equal(scores, wanted[1])
    np.testing.assert_array_equal(positions, np.concatenate([one for one, _ in alone]))
    assert (positions.dtype, scores.dtype) == (np.int64, np.float32)


@given(search=searches(), seed=st.integers(0, 2**32))
def test_a_bias_counts_beside_the_inner_product(search, seed):
    vectors, queries, k, allowed = search
    bias = np.random.default_rng(seed).choice([0.0, 0.5, -3.0, 1e-7, 40.0], len(vectors))
    found = VectorIndex.of(vectors).search(queries, k, allowed, bias)
    for ours, wanted in zip(found, sorted_by_hand(vectors, queries, k, allowed, bias), strict=True):
        np.testing.assert_array_equal(ours, wanted)


@given(search=searches(), seed=st.integers(0, 2**32))
def test_a_changed_catalog_answers_as_one_built_anew(search, seed):
    vectors, queries, k, _ = search
    random = np.random.default_rng(seed)
    origins = random.permutation(np.concatenate([np.arange(len(vectors)), np.full(3, -1)]))[: len(vectors)]
    new = random.standard_normal((np.count_nonzero(origins < 0), vectors.shape[1]), dtype=np.float32)
    whole = np.where(origins[:, None] < 0, 0, vectors[origins])
    whole[origins < 0] = new
    changed = VectorIndex.of(vectors).updated(origins, new).search(queries, k)
    for ours, theirs in zip(changed, VectorIndex.of(whole).search(queries, k), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_catalog_of_none_and_no_queries():
    made = VectorIndex.of(np.zeros((0, 4), np.float32))
    positions, scores = made.search(np.ones(4), 3)
    assert positions.tolist() == [[-1, -1, -1]]
    assert np.isneginf(scores).all()
    assert VectorIndex.of(np.eye(4)).search(np.zeros((0, 4)), 3)[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (partial(VectorIndex.of, np.array([[np.nan]])), "not finite"),
        (partial(VectorIndex.of, np.array([[1e20]])), "not finite"),
        (partial(VectorIndex.of, np.ones(3)), "matrix"),
        (partial(VectorIndex.of(np.eye(3)).search, np.ones(2), 1), "as wide"),
        (partial(VectorIndex.of(np.eye(3)).search, np.full(3, np.inf), 1), "not finite"),
        (partial(VectorIndex.of(np.eye(3)).search, np.ones(3), 0), "at least 1"),
        (partial(VectorIndex.of(np.eye(3)).search, np.ones(3), 1, np.ones(2, bool)), "one flag a product"),
        (partial(VectorIndex.of(np.eye(3)).updated, np.array([0, 0]), np.zeros((0, 3))), "origin"),
        (partial(VectorIndex.of(np.eye(3)).updated, np.array([5]), np.zeros((0, 3))), "origin"),
        (partial(VectorIndex.of(np.eye(3)).updated, np.array([-1]), np.zeros((2, 3))), "do not fit"),
    ],
)
def test_what_cannot_be_is_said(ask, words):
    with pytest.raises(InputError, match=words):
        ask()


@pytest.fixture(scope="module")
def many():
    random = np.random.default_rng(1)
    centers = random.standard_normal((300, WIDTH), dtype=np.float32)
    vectors = centers[random.integers(300, size=NUM_LARGE)]
    vectors += 0.4 * random.standard_normal(vectors.shape, dtype=np.float32)
    return vectors * random.lognormal(0, 0.4, (NUM_LARGE, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def large(many):
    pytest.importorskip("faiss", reason="pip install 'foresell[faiss]'")
    made = VectorIndex.of(many)
    assert not made.is_exact
    return made


@pytest.fixture(scope="module")
def asked(many):
    return many[np.random.default_rng(2).integers(NUM_LARGE, size=(12, 5))].mean(axis=1)


@pytest.mark.parametrize("share", [None, 0.8, 0.49])
def test_above_200_000_nearly_all_of_the_best_are_found(large, asked, share):
    allowed = None if share is None else np.random.default_rng(3).random(NUM_LARGE) < share
    positions, scores = large.search(asked, 20, allowed)
    assert large.recall(asked, 20, allowed) >= 0.98
    assert all(len(set(row)) == 20 for row in positions.tolist())
    assert (np.diff(scores, axis=1) <= 0).all()
    assert allowed is None or allowed[positions].all()


@pytest.mark.parametrize("num_allowed", [0, 1, 30, 5_000])
def test_where_a_filter_leaves_few_of_many_the_answer_is_exact(large, many, asked, num_allowed):
    allowed = np.zeros((len(asked), NUM_LARGE), bool)
    for row, own in enumerate(allowed):
        own[np.random.default_rng(row).choice(NUM_LARGE, num_allowed, replace=False)] = True
    wanted = sorted_by_hand(many, asked[:2], 20, allowed[:2])
    np.testing.assert_array_equal(large.search(asked, 20, allowed)[0][:2], wanted[0])


def test_a_filter_that_forbids_all_the_best_still_leaves_k(large, many, asked):
    worst_first = np.argsort(many @ asked[0])
    allowed = np.zeros(NUM_LARGE, bool)
    allowed[worst_first[: NUM_LARGE - 60_000]] = True
    positions, _ = large.search(asked[0], 20, allowed)
    assert allowed[positions].all()
    assert large.recall(asked[:1], 20, allowed) >= 0.9


def test_products_come_go_change_and_move_without_learning_again(large, many, asked):
    random = np.random.default_rng(4)
    origins = random.permutation(NUM_LARGE)[: NUM_LARGE - 2_000]
    origins[random.choice(len(origins), 1_000, replace=False)] = -1
    # New products that everybody would be given first.
    new = np.repeat(asked[:1], 1_000, axis=0) * np.float32(9)
    changed = large.updated(origins, new)
    assert changed._inverted.lists.ntotal == NUM_LARGE + 1_000
    positions, _ = changed.search(asked[0], 20)
    assert (origins[positions] == -1).all()
    only_old = origins >= 0
    assert only_old[changed.search(asked, 20, only_old)[0]].all()
    assert changed.recall(asked, 20, only_old) >= 0.98
    assert (large.search(asked[0], 1)[0] >= 0).all()


def test_without_faiss_it_is_exact_and_says_that_it_is_slow(many, asked, monkeypatch):
    monkeypatch.setattr(index, "find_spec", lambda _name: None)
    made = VectorIndex.of(many)
    assert made.is_exact
    assert made.recall(asked, 20) == 1.0
    assert "foresell[faiss]" in made.note
    allowed = np.arange(NUM_LARGE) % 2 == 0
    np.testing.assert_array_equal(
        made.search(asked[:2], 20, allowed)[0], sorted_by_hand(many, asked[:2], 20, allowed)[0]
    )
    assert VectorIndex.of(many[:10]).note == ""
