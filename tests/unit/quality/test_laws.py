"""Laws that the checks keep for any data."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from foresell.contracts.settings import QualitySettings
from foresell.quality.checks.encoding import MOJIBAKE
from foresell.quality.checks.outliers import robust_bounds
from foresell.quality.rules import read_rows

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Letters of European languages beyond ASCII, as they stand in product titles. Those that Windows-1252 has
# beyond Latin-1 (œ š ž) are looked for in damage only: no word puts two of them after à-ï.
ACCENTED = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝ"
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
ASCII = LETTERS + "0123456789 -.,&'()"
# Words, not single characters: one in a few has bytes that look like quotes and dashes only.
CHINESE = ["咖啡", "牛奶", "面包", "有机", "蔬菜", "水果"]


@pytest.fixture(scope="module")
def backend() -> Iterator[Any]:
    import ibis

    connection = ibis.duckdb.connect()
    yield connection
    connection.disconnect()


def matches(backend: Any, texts: list[str]) -> list[bool]:
    import ibis

    rows = ibis.memtable({"position": list(range(len(texts))), "text": texts})
    found = rows.select("position", found=rows.text.re_search(MOJIBAKE)).order_by("position")
    return [row["found"] for row in backend.to_pyarrow(found).to_pylist()]


@FEW
@given(
    texts=st.lists(
        st.text(ASCII + ACCENTED + "".join(CHINESE), min_size=1, max_size=20), min_size=1, max_size=30
    )
)
def test_text_in_the_right_encoding_is_no_mojibake(backend: Any, texts: list[str]) -> None:
    assert not any(matches(backend, texts))


@FEW
@given(
    texts=st.lists(
        st.tuples(
            st.text(ASCII, max_size=5),
            st.sampled_from([*ACCENTED, *"œšž", *CHINESE]),
            st.text(LETTERS, min_size=1, max_size=5),
        ),
        min_size=1,
        max_size=30,
    ),
    wrong=st.sampled_from(["latin-1", "cp1252"]),
)
def test_text_in_the_wrong_encoding_is_mojibake(
    backend: Any, texts: list[tuple[str, str, str]], wrong: str
) -> None:
    damaged = []
    for before, letter, after in texts:
        try:
            damaged.append((before + letter + after).encode("utf-8").decode(wrong))
        except UnicodeDecodeError:  # cp1252 leaves five bytes undefined
            continue
    assume(damaged)
    assert all(matches(backend, damaged)), damaged


@pytest.mark.parametrize(
    "text",
    ["voilà\u00a0»", "là\u00a0«", "SÃO JOÃO", "2 ×\u00a03", "Ø\u00a010 mm", "café”", "Pâté–", "crème brûlée"],
)
def test_sound_typography_is_no_mojibake(backend: Any, text: str) -> None:
    assert matches(backend, [text]) == [False]


def bounds(backend: Any, sizes: list[float]) -> tuple[float, float] | None:
    backend.con.execute("CREATE OR REPLACE TABLE sizes AS SELECT unnest($1::DOUBLE[]) AS size", [sizes])
    found = robust_bounds(backend.table("sizes"), QualitySettings())
    return None if found is None else (found.lower, found.upper)


@FEW
@given(
    sizes=st.lists(st.floats(0.01, 1e6), min_size=30, max_size=60),
    unit=st.sampled_from([0.01, 100.0, 1000.0]),
)
def test_outliers_do_not_depend_on_the_unit(backend: Any, sizes: list[float], unit: float) -> None:
    here, there = bounds(backend, sizes), bounds(backend, [size * unit for size in sizes])
    assume(here is not None and there is not None)
    assert here is not None
    assert there == pytest.approx([bound * unit for bound in here], rel=1e-6)


@FEW
@given(sizes=st.lists(st.floats(0.01, 1e6), min_size=30, max_size=60))
def test_at_least_half_of_the_values_are_never_outliers(backend: Any, sizes: list[float]) -> None:
    found = bounds(backend, sizes)
    assume(found is not None)
    assert found is not None
    lower, upper = found
    inside = sum(lower * (1 - 1e-9) <= size <= upper * (1 + 1e-9) for size in sizes)
    assert inside * 2 >= len(sizes)
    assert 0 < lower < upper


def test_read_rows_gives_plain_values(backend: Any) -> None:
    backend.con.execute("CREATE OR REPLACE TABLE one AS SELECT 1 AS n, 'x' AS t")
    assert read_rows(backend.table("one")) == [{"n": 1, "t": "x"}]
