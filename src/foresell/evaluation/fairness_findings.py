"""Gaps between groups that are wider than a limit, as sentences in English and Chinese."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import polars as pl

from foresell.contracts.errors import InputError
from foresell.quality.finding import Severity

# A gap that surely exceeds as many limits is an error, no warning.
MUCH = 2.0
TOO_SMALL = "size"
# Measure → what is said of a group, and of a gap above and below 0, in English and Chinese.
WORDS: dict[str, tuple[str, str]] = {
    "selection_rate": ("are chosen", "被选中的比例"),
    "true_positive_rate": ("of those to whom it happens are chosen", "真实发生者中被选中的比例"),
    "false_positive_rate": ("of those to whom it does not happen are chosen", "未发生者中被选中的比例"),
    "precision": ("of those chosen are rightly chosen", "被选中者中选对的比例"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The widest gap to the rest that is not a finding, in (0, 1]; None: the measure is not judged.

    Twice: for one whose interval lies beyond the limit there is hardly a doubt; the shop may set others.
    """

    selection_rate: float | None = 0.1
    true_positive_rate: float | None = 0.1
    false_positive_rate: float | None = 0.1
    precision: float | None = 0.1
    calibration: float | None = 0.05

    def __post_init__(self) -> None:
        for name, limit in self.by_measure().items():
            if not 0 < limit <= 1:
                raise InputError(f"The limit of {name} must lie in (0, 1]", received=limit)

    def by_measure(self) -> dict[str, float]:
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: limit for name, limit in named if limit is not None}


@dataclass(frozen=True, slots=True)
class FairnessFinding:
    """A gap beyond its limit, or (measure TOO_SMALL, a note) groups of an attribute that nobody can judge.

    `group` None: people of whom the attribute is not known; of a note: it is of no single group.
    """

    attribute: str
    group: str | None
    measure: str
    severity: Severity
    gap: float | None
    gap_lower: float | None
    gap_upper: float | None
    limit: float | None
    message: str
    message_zh: str

    def in_language(self, language: str) -> str:
        return self.message_zh if language == "zh" else self.message

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


def fairness_findings(
    measured: pl.DataFrame,
    limits: Limits | None = None,
    *,
    texts: Mapping[str, tuple[str, str]] | None = None,
) -> tuple[FairnessFinding, ...]:
    """What is beyond its limit, by attribute, the widest gap first; then a note on groups too small.

    `measured`: of `evaluation.fairness.fairness`. A finding needs the whole interval beyond the limit;
    beyond MUCH times the limit it is an error, else a warning. Of two groups that are each other's rest only
    the one of fewer people is named. `texts`: attribute → its plain name in English and Chinese.
    """
    limit_of = (limits or Limits()).by_measure()
    found: list[FairnessFinding] = []
    for (attribute,), rows in measured.group_by("attribute", maintain_order=True):
        name = (texts or {}).get(str(attribute), (str(attribute), str(attribute)))
        wide = [
            _finding(row, limit_of[row["measure"]], name)
            for row in _once(rows).iter_rows(named=True)
            if row["measure"] in limit_of and _beyond(row, limit_of[row["measure"]]) >= 1
        ]
        found.extend(sorted(wide, key=lambda finding: -abs(finding.gap or 0.0)))
        found.extend(_note(str(attribute), rows, name))
    return tuple(found)


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Without the larger of two groups that are each other's rest: two known ones, or the only known one and
    the unknown."""
    people = rows.drop_nulls("num_people").unique(["group", "num_people"], maintain_order=True)
    known = people.drop_nulls("group")
    pair = known if known.height == 2 else people if people.height == 2 else None
    if pair is None:
        return rows
    larger = pair.sort("num_people", maintain_order=True).row(-1, named=True)["group"]
    return rows.filter(~pl.col("group").eq_missing(pl.lit(larger, pl.String)))


def _beyond(row: Mapping[str, Any], limit: float) -> float:
    """How many limits wide the gap is at least, by its interval; 0 where it may be none."""
    if row["gap_lower"] is None:
        return 0.0
    return float(max(row["gap_lower"], -row["gap_upper"], 0.0)) / limit


def _finding(row: Mapping[str, Any], limit: float, name: tuple[str, str]) -> FairnessFinding:
    message, message_zh = _messages(row, limit, name)
    return FairnessFinding(
        attribute=row["attribute"],
        group=row["group"],
        measure=row["measure"],
        severity="error" if _beyond(row, limit) >= MUCH else "warning",
        gap=row["gap"],
        gap_lower=row["gap_lower"],
        gap_upper=row["gap_upper"],
        limit=limit,
        message=message,
        message_zh=message_zh,
    )


def _messages(row: Mapping[str, Any], limit: float, name: tuple[str, str]) -> tuple[str, str]:
    who = f"{name[0]} {row['group']}" if row["group"] is not None else f"{name[0]} not known"
    who_zh = f"{name[1]}“{row['group']}”" if row["group"] is not None else f"{name[1]}未知"
    ends = sorted((abs(row["gap_lower"]), abs(row["gap_upper"])))
    size, low, high, most = (_points(value) for value in (row["gap"], *ends, limit))
    sure = f"a gap of {size} points ({low} to {high}), above the limit of {most}"
    sure_zh = f"相差 {size} 个百分点（{low}–{high}），超过上限 {most}"
    if row["measure"] == "calibration":
        way, way_zh = ("high", "偏高") if row["gap"] > 0 else ("low", "偏低")
        return (
            f"{who}: chances are given too {way} compared with everyone else's: {sure}.",
            f"{who_zh}：与其他人相比，预测概率{way_zh}，{sure_zh}。",
        )
    own, rest = f"{row['value']:.0%}", f"{row['value'] - row['gap']:.0%}"
    words, words_zh = WORDS[row["measure"]]
    return (
        f"{who}: {own} {words}, among everyone else {rest}: {sure}.",
        f"{who_zh}：{words_zh}为 {own}，其他人为 {rest}，{sure_zh}。",
    )


def _points(value: float) -> str:
    points = abs(value) * 100
    return f"{points:.0f}" if points >= 10 else f"{points:.1f}".removesuffix(".0")


def _note(attribute: str, rows: pl.DataFrame, name: tuple[str, str]) -> Iterator[FairnessFinding]:
    small = rows.filter(pl.col("is_small"))["group"].n_unique() if rows["is_small"].any() else 0
    judged = rows.filter(~pl.col("is_small"))["group"].n_unique()
    if not small and judged > 1:
        return
    message, message_zh = [], []
    if small:
        message.append(f"{small} {'group has' if small == 1 else 'groups have'} too few people to be judged")
        message_zh.append(f"{small} 个群组人数过少，无法评判")
    if judged < 2:
        message.append("there are not two groups to compare")
        message_zh.append("不足两个群组可供比较")
    yield FairnessFinding(
        attribute=attribute,
        group=None,
        measure=TOO_SMALL,
        severity="note",
        gap=None,
        gap_lower=None,
        gap_upper=None,
        limit=None,
        message=f"{name[0]}: {'; '.join(message)}.",
        message_zh=f"{name[1]}：{'；'.join(message_zh)}。",
    )
