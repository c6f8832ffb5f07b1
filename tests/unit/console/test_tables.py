"""Rows as CSV: what was in them, and nothing that a spreadsheet would calculate."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from foresell.console.tables import FORMULA_SIGNS, Column, as_csv

COLUMNS = (Column("name", "Name"), Column("value", "Value", is_number=True))
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r"), max_size=20)


@given(st.lists(st.tuples(TEXTS, st.none() | st.integers(-1000, 1000)), max_size=8))
def test_what_is_taken_away_is_what_was_shown(rows: list[tuple[str, int | None]]) -> None:
    written = as_csv(COLUMNS, [{"name": name, "value": value} for name, value in rows])
    header, *read = csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""))
    assert header == ["Name", "Value"]
    assert [row[0].removeprefix("'") for row in read] == [name.removeprefix("'") for name, _ in rows]
    assert [row[1] for row in read] == ["" if value is None else str(value) for _, value in rows]


@given(st.sampled_from(FORMULA_SIGNS), TEXTS)
def test_no_text_is_a_formula(sign: str, rest: str) -> None:
    written = as_csv(COLUMNS, [{"name": sign + rest, "value": -1}]).decode("utf-8-sig")
    [_, row] = csv.reader(io.StringIO(written, newline=""))
    assert not row[0].startswith(FORMULA_SIGNS)
    assert row[1] == "-1"
