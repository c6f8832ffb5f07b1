"""What is said of products that a model does not know."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from foresell.predict.recommend.opinions import Sparse
from foresell.predict.recommend.serving.on_sale import Places, on_sale


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
    assert isinstance(found, Sparse)
    np.testing.assert_allclose(found.matrix.toarray(), expected, atol=1e-12)
    assert (np.diff(found.matrix.indptr) == (expected > 0).sum(axis=1)).all()
