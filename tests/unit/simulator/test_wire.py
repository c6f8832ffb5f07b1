"""Messages between processes arrive as they were sent, and never carry objects."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from foresell.simulator import wire
from foresell.simulator.shard import Lines

NUMBERS = st.one_of(arrays.integer_dtypes(), arrays.floating_dtypes(sizes=(32, 64)), st.just(np.dtype(bool)))


@given(st.lists(arrays.arrays(NUMBERS, arrays.array_shapes(max_dims=3, min_side=0, max_side=4)), max_size=4))
def test_what_is_received_is_what_was_sent(sent: list[np.ndarray]) -> None:
    stream = io.BytesIO()
    wire.send(stream, {"what": "browse"}, {str(at): array for at, array in enumerate(sent)})
    stream.seek(0)
    head, found = wire.receive(stream)
    assert head == {"what": "browse"}
    for at, array in enumerate(sent):
        assert found[str(at)].dtype == array.dtype
        np.testing.assert_array_equal(found[str(at)], array)


def test_a_message_cut_off_is_the_end() -> None:
    stream = io.BytesIO()
    wire.send(stream, {}, {"numbers": np.arange(10)})
    for length in (0, 5, len(stream.getvalue()) - 1):
        with pytest.raises(EOFError):
            wire.receive(io.BytesIO(stream.getvalue()[:length]))


def test_objects_are_refused() -> None:
    with pytest.raises(ValueError, match="objects"):
        wire.send(io.BytesIO(), {}, {"names": np.array(["a", None], dtype=object)})


def test_a_dataclass_comes_back_from_its_parts() -> None:
    line = Lines(np.arange(3), np.arange(3), np.ones(3, dtype=int), np.ones(3), np.zeros(3))
    found = wire.part_of(wire.packed(line, "lines."), "lines.")
    np.testing.assert_array_equal(Lines(**found).product, line.product)
