"""A text is encoded once, whoever asks; what is stored wrongly is encoded again."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from foresell.behavior.text.cache import CachedEncoder
from foresell.behavior.text.hashed import HashedEncoder


class Counting:
    """Encodes as the hashed encoder does, and keeps what it was asked."""

    def __init__(self, name: str = "counting", width: int = 16) -> None:
        self.name = name
        self.width = width
        self.asked: list[str] = []

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        self.asked += texts
        return HashedEncoder(self.width).encode(texts)


TEXTS = ["tea", "milk", "", "tea", "lone \ud800", "茶"]


def test_a_text_is_encoded_once_and_comes_back_the_same(tmp_path: Path) -> None:
    encoder = Counting()
    first = CachedEncoder(encoder, tmp_path).encode(TEXTS)
    assert encoder.asked == ["tea", "milk", "", "lone \ud800", "茶"]
    again = CachedEncoder(encoder, tmp_path).encode(["new", *reversed(TEXTS)])
    assert encoder.asked[5:] == ["new"]
    np.testing.assert_array_equal(again[1:][::-1], first)
    np.testing.assert_array_equal(first, HashedEncoder(16).encode(TEXTS))


def test_no_texts_touch_nothing(tmp_path: Path) -> None:
    assert CachedEncoder(Counting(), tmp_path / "none").encode([]).shape == (0, 16)
    assert not (tmp_path / "none").exists()


def test_another_encoder_does_not_get_its_vectors(tmp_path: Path) -> None:
    CachedEncoder(Counting(), tmp_path).encode(["tea"])
    other = Counting("other", 8)
    np.testing.assert_array_equal(
        CachedEncoder(other, tmp_path).encode(["tea"]), HashedEncoder(8).encode(["tea"])
    )
    assert other.asked == ["tea"]


def test_texts_are_not_kept(tmp_path: Path) -> None:
    CachedEncoder(Counting(), tmp_path).encode(["a very secret product"])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert b"secret" not in files[0].read_bytes()


@pytest.mark.parametrize("damage", [b"", b"PAR1 no parquet at all", None])
def test_a_damaged_file_counts_as_absent(tmp_path: Path, damage: bytes | None) -> None:
    encoder = Counting()
    vectors = CachedEncoder(encoder, tmp_path).encode(["tea", "milk"])
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-20] if damage is None else damage)
    np.testing.assert_array_equal(CachedEncoder(encoder, tmp_path).encode(["tea", "milk"]), vectors)
    assert encoder.asked == ["tea", "milk"] * 2
    assert CachedEncoder(encoder, tmp_path).encode(["milk"]).shape == (1, 16)
    assert len(encoder.asked) == 4


def test_what_was_stored_before_an_interruption_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foresell.behavior.text.cache.TEXTS_PER_FILE", 2)

    class Dying(Counting):
        def encode(self, texts: list[str]) -> NDArray[np.float32]:
            if "c" in texts:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        CachedEncoder(Dying(), tmp_path).encode(["a", "b", "c", "d"])
    encoder = Counting()
    CachedEncoder(encoder, tmp_path).encode(["a", "b", "c", "d"])
    assert encoder.asked == ["c", "d"]
