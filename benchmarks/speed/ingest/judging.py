"""Whether the answers agree, and whether the goals are met."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Measurement = Mapping[str, Any]

RATIO_TOLERANCE = 1e-9
MEMORY_LIMIT = 4e9
LARGE, SMALL = 20_000_000, 2_000_000
MOST_GROWTH, MOST_GROWTH_OF_ROWS = 12.0, 10.0
MOST_TIMES_DUCKDB, AIM_TIMES_DUCKDB = 3.0, 2.0
LEAST_TIMES_FASTER_THAN_PANDAS = 5.0


@dataclass(frozen=True, slots=True)
class Goal:
    """A number that must be at most, or at least, its limit."""

    name: str
    value: float
    limit: float
    is_most: bool = True

    @property
    def is_met(self) -> bool:
        return self.value <= self.limit if self.is_most else self.value >= self.limit

    def as_record(self) -> dict[str, Any]:
        bound = "at most" if self.is_most else "at least"
        return {"goal": self.name, "value": self.value, bound: self.limit, "is_met": self.is_met}


def mismatches(measurements: Sequence[Measurement]) -> list[str]:
    """Every answer that differs from that of the first measurement of the same file."""
    first: dict[int, Measurement] = {}
    found: list[str] = []
    for one in measurements:
        other = first.setdefault(one["num_rows"], one)
        for name, mine, theirs in _answers(one, other):
            if not _agree(mine, theirs):
                found.append(
                    f"{one['num_rows']} rows, {name}: {one['contestant']} {mine!r}, "
                    f"{other['contestant']} {theirs!r}"
                )
    return found


def _answers(one: Measurement, other: Measurement) -> list[tuple[str, Any, Any]]:
    """Each answer that either gives; what one of them lacks is the text 'no answer'."""
    pairs = [("written rows", one["written"], other["written"])]
    for part in ("rows", "kpis"):
        names = dict.fromkeys([*one[part], *other[part]])
        pairs += [(n, one[part].get(n, "no answer"), other[part].get(n, "no answer")) for n in names]
    return pairs


def _agree(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, float) and isinstance(theirs, float):
        return math.isclose(mine, theirs, rel_tol=RATIO_TOLERANCE, abs_tol=0.0)
    return type(mine) is type(theirs) and bool(mine == theirs)


def summary(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """A row a contestant and number of rows: medians, and the spread of the wall times."""
    groups: dict[tuple[int, str], list[Measurement]] = {}
    for one in measurements:
        groups.setdefault((one["num_rows"], one["contestant"]), []).append(one)
    rows = []
    for (num_rows, contestant), group in sorted(groups.items()):
        walls = [one["wall_seconds"] for one in group]
        rows.append(
            {
                "num_rows": num_rows,
                "contestant": contestant,
                "repeats": len(group),
                "wall_seconds": median(walls),
                "wall_least": min(walls),
                "wall_most": max(walls),
                "cpu_seconds": median(one["cpu_seconds"] for one in group),
                "peak_bytes": max(one["peak_bytes"] for one in group),
            }
        )
    return rows


def goals(measurements: Sequence[Measurement]) -> list[Goal]:
    """Those of the issue that these measurements can answer."""
    rows = summary(measurements)
    wall = {(row["contestant"], row["num_rows"]): row["wall_seconds"] for row in rows}
    peaks = [row["peak_bytes"] for row in rows if row["contestant"] == "foresell"]
    found = [Goal("peak memory, bytes", max(peaks), MEMORY_LIMIT)] if peaks else []
    large, small = wall.get(("foresell", LARGE)), wall.get(("foresell", SMALL))
    if large and small:
        assert LARGE / SMALL == MOST_GROWTH_OF_ROWS
        found.append(Goal("time of 20 million rows / of 2 million", large / small, MOST_GROWTH))
    if large and ("duckdb", LARGE) in wall:
        times = large / wall["duckdb", LARGE]
        found.append(Goal("time / hand-written DuckDB's, 20 million rows", times, MOST_TIMES_DUCKDB))
    if small and ("pandas", SMALL) in wall:
        times = wall["pandas", SMALL] / small
        name = "pandas' time / time, 2 million rows"
        found.append(Goal(name, times, LEAST_TIMES_FASTER_THAN_PANDAS, is_most=False))
    return found
