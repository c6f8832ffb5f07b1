"""Lists of JSON objects, element by element."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.sources.json_lists import element_lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, min_size=1), max_size=5)


@given(objects=OBJECTS, indent=st.sampled_from([None, 2]), cuts=st.lists(st.integers(1, 40), min_size=1))
def test_every_element_is_a_line_however_it_was_written_and_cut(
    objects: Any, indent: Any, cuts: list[int]
) -> None:
    text = json.dumps(objects, indent=indent, ensure_ascii=False).encode()
    pieces, start = [], 0
    while start < len(text):
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(text[start : start + size])
        start += size
    lines = b"".join(element_lines(pieces)).split(b"\n")
    assert [json.loads(line) for line in lines if line.strip()] == objects


def test_objects_by_themselves_keep_their_lines() -> None:
    text = b'{"a": [1,\n2]}\r\n{"a": "[\\"x"}\n[{"a": 3},\n {"a": 4}]\n'
    lines = b"".join(element_lines([text])).split(b"\n")
    assert [json.loads(line) for line in lines if line.strip()] == [
        {"a": [1, 2]},
        {"a": '["x'},
        {"a": 3},
        {"a": 4},
    ]


def test_a_list_is_told_by_its_first_sign(stage: Callable[..., Any]) -> None:
    staged = stage(b'[\n {"id": 1, "user": {"name": "a"}},\n {"id": 2}\n]\n', "answer.json")
    assert (staged.file.format, staged.file.columns) == ("json", ("id", "user.name"))
    assert staged.rows == [("1", "a"), ("2", None)]


def test_what_is_cut_short_or_no_object_is_rejected(stage: Callable[..., Any]) -> None:
    staged = stage(b'[{"id": 1}, 7, {"id": 2, "na', "answer.json")
    assert staged.rows == [("1",)]
    assert [(row["error_code"], row["row_number"]) for row in staged.rejects] == [
        ("invalid_json", 2),
        ("invalid_json", 3),
    ]
    with pytest.raises(InputError, match="no line holds a JSON object"):
        stage(b"[1, 2]", "answer.json")
