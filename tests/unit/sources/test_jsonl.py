import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foresell.contracts.errors import InputError

Stage = Callable[..., Any]


def test_objects_become_rows_nested_ones_dotted_columns(stage: Stage) -> None:
    lines = [
        '{"id": "007", "user": {"name": "é😀", "age": null}, "tags": [1, 2]}',
        "",
        '{"id": 12345678901234567890, "user": {"extra": {"deep": true}}, "late": 1.50}',
    ]
    staged = stage("\r\n".join(lines).encode(), "file.jsonl")
    assert staged.file.columns == ("id", "user.name", "user.age", "user.extra", "tags", "late")
    assert staged.rows == [
        ("007", "é😀", None, None, "[1,2]", None),
        ("12345678901234567890", None, None, '{"deep":true}', None, "1.5"),
    ]


def test_a_field_that_is_not_always_an_object_stays_text(stage: Stage) -> None:
    staged = stage(b'{"a": {"x": 1}}\n{"a": 2}\n', "file.jsonl")
    assert (staged.file.columns, staged.rows) == (("a",), [('{"x":1}',), ("2",)])


def test_bad_lines_are_rejected_with_their_place(stage: Stage) -> None:
    staged = stage(b'{"a": 1}\n\nbroken\n[1]\n{"a": 2}\n', "file.jsonl")
    assert staged.rows == [("1",), ("2",)]
    assert [(r["row_number"], r["line_number"], r["raw"], r["error_code"]) for r in staged.rejects] == [
        (2, 3, "broken", "invalid_json"),
        (3, 4, "[1]", "invalid_json"),
    ]


def test_array_of_objects_says_how_to_make_lines(stage: Stage) -> None:
    with pytest.raises(InputError, match="one object a line"):
        stage(b'[{"a": 1}]', "file.json", format="jsonl")


def test_gzip_and_content_are_recognized(stage: Stage) -> None:
    assert stage(gzip.compress(b'{"a": 1}\n'), "file.jsonl.gz").rows == [("1",)]
    assert stage(b'{"a": 1}\n', "export").file.format == "jsonl"


KEYS = st.sampled_from(["a", "b.c", "d/e", "f~g", "é"])
OBJECTS = st.dictionaries(KEYS, st.one_of(st.integers(-5, 5), st.text(max_size=4), st.none()), min_size=1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=st.lists(OBJECTS, min_size=1, max_size=6))
def test_every_field_of_every_object_is_found_again(stage: Stage, objects: list[dict[str, Any]]) -> None:
    staged = stage("\n".join(map(json.dumps, objects)).encode(), "file.jsonl")
    assert staged.file.columns == tuple(dict.fromkeys(key for item in objects for key in item))
    for row, item in zip(staged.rows, objects, strict=True):
        expected = {key: None if value is None else str(value) for key, value in item.items()}
        assert (
            dict(zip(staged.file.columns, row, strict=True)) == dict.fromkeys(staged.file.columns) | expected
        )
