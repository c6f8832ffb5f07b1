"""What is said of products that a model does not know."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from foresell.predict.recommend.opinions import Allowed, Sparse
from foresell.predict.recommend.serving.on_sale import Places, SparseOnSale, on_sale


@given(seed=st.integers(0, 10_000), num_rows=st.integers(1, 4))
def test_the_unknown_are_as_those_like_them(seed: int, num_rows: int) -> None:
    random = np.random.default_rng(seed)
    num_known, num_sold = 7, 12
    in_model = np.full(num_sold, -1)
    sold = random.choice(num_sold, 5, replace=False)
    in_model[sold] = random.choice(num_known, 5, replace=False)
    likeness = random.random((num_sold, num_sold)) * (random.random((num_sold, num_sold)) < 0.4)
    likeness[in_model >= 0] = 0
    likeness[:, in_model < 0] = 0
    places = Places.of(in_model, num_known, sparse.csr_array(likeness))
    said = random.random((num_rows, num_known)) * (random.random((num_rows, num_known)) < 0.6)
    known = np.where(in_model >= 0, said[:, in_model], 0.0)
    expected = known + known @ likeness.T
    found = on_sale(Sparse(sparse.csr_array(said)), places)
    whole = found.whole if isinstance(found, SparseOnSale) else found
    assert isinstance(whole, Sparse)
    np.testing.assert_allclose(whole.matrix.toarray(), expected, atol=1e-12)
    assert (np.diff(whole.matrix.indptr) == (expected > 0).sum(axis=1)).all()


@given(seed=st.integers(0, 10_000), number=st.integers(1, 8), is_weighed=st.booleans())
def test_those_worked_out_are_the_best_of_all(seed: int, number: int, is_weighed: bool) -> None:
    random = np.random.default_rng(seed)
    num_known, num_sold = 12, 30
    in_model = np.full(num_sold, -1)
    in_model[np.sort(random.choice(num_sold, num_known, replace=False))] = np.arange(num_known)
    likeness = random.random((num_sold, num_sold)) * (random.random((num_sold, num_sold)) < 0.3)
    likeness[in_model >= 0] = 0
    likeness[:, in_model < 0] = 0
    places = Places.of(in_model, num_known, sparse.csr_array(likeness.astype(np.float32)))
    said = (random.random((1, num_known)) * (random.random((1, num_known)) < 0.8)).astype(np.float32)
    opinions = Sparse(sparse.csr_array(said))
    found = on_sale(opinions, places)
    whole = found.whole if isinstance(found, SparseOnSale) else found
    may = random.random(num_sold) < 0.8
    allowed = Allowed(may, random.normal(0, 1, num_sold) * may if is_weighed else None)
    barred = [np.flatnonzero(random.random(num_sold) < 0.1)]
    everything = np.arange(num_sold)
    logs = whole.logs_at(0, everything)
    np.testing.assert_allclose(found.logs_at(0, everything), logs)
    [best], [expected] = (one.best([0], number, allowed, barred) for one in (found, whole))
    assert len(set(best.tolist())) == len(best)
    assert set(expected.tolist()) <= set(best.tolist())
    assert (logs[best] > -np.inf).all()
    assert may[best].all()
    assert not set(best.tolist()) & set(barred[0].tolist())
