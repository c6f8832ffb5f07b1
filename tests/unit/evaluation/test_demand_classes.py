"""ABC by volume, XYZ by how even it is."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from foresell.evaluation.demand_classes import demand_classes


def history(values: dict[str, list[float | None]]) -> pl.DataFrame:
    start = date(2026, 1, 5)
    rows = [(key, start + timedelta(weeks=i), v) for key, vs in values.items() for i, v in enumerate(vs)]
    return pl.DataFrame(
        rows, schema={"series_id": pl.String, "date": pl.Date, "value": pl.Float64}, orient="row"
    )


def test_by_hand() -> None:
    """81 of 100 are sold of "even"; then 15 of "uneven", which ends beyond 95%; the rest is C."""
    found = demand_classes(
        history(
            {
                "even": [40, None, 41],
                "uneven": [10, 5, 0],
                "rare": [0, 0, 4],
                "never": [0, 0],
                "back": [-1, 0],
            }
        )
    )
    assert found.rows() == [
        ("back", "C", "Z"),
        ("even", "A", "X"),
        ("never", "C", "Z"),
        ("rare", "C", "Z"),
        ("uneven", "B", "Y"),
    ]


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=12))
def test_a_larger_series_never_has_a_later_class(volumes: list[float]) -> None:
    found = demand_classes(history({f"{i:02}": [volume] for i, volume in enumerate(volumes)}))
    classes = [found.row(i)[1] for i in sorted(range(len(volumes)), key=lambda i: -volumes[i])]
    assert classes == sorted(classes)
    assert classes[0] == "A"
