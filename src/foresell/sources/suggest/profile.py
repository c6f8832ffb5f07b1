"""What the values of each column are: types by the house's own parsers, shapes by detectors."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from foresell.contracts.columns import Column
from foresell.sources.parsing import FIRST, SECOND, Parsed, Reading, Value, kind_of
from foresell.sources.parsing_numbers import parse_number
from foresell.sources.parsing_times import parse_time
from foresell.sources.suggest.dates import DateStyle, date_style
from foresell.sources.suggest.detectors import DETECTORS
from foresell.sources.suggest.sample import Sample
from foresell.sources.words import CURRENCIES, NOTHING_WORDS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_VALUES = 400
MOST_SHOWN = 5
SECONDS_A_DAY = 86_400
GROUPED = re.compile(r"\D*\d{1,3}(?:,\d{3})+(?:\.\d*)?\D*")


@dataclass
class Profile:
    """One column. `values`: up to MOST_VALUES different ones with what they count in the sample; `numbers`:
    value → number, where it is one; `moments`: value → seconds since 1970 (UTC), where it is a time."""

    name: str
    kind: str
    num_rows: int
    counts: Counter[str]
    values: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    moments: dict[str, float] = field(default_factory=dict)
    decimal: str | None = None
    dates: DateStyle = field(default_factory=DateStyle)

    @cached_property
    def num_given(self) -> int:
        return sum(self.counts.values())

    @property
    def is_empty(self) -> bool:
        return not self.num_given

    @cached_property
    def fill(self) -> float:
        return self.num_given / self.num_rows if self.num_rows else 0.0

    @cached_property
    def uniqueness(self) -> float:
        """Different values per value that is given."""
        return len(self.counts) / self.num_given if self.num_given else 0.0

    @cached_property
    def number_share(self) -> float:
        return self._share(self.numbers)

    @cached_property
    def time_share(self) -> float:
        return self._share(self.moments)

    @cached_property
    def has_clock(self) -> bool:
        """Whether times are more than days."""
        return any(moment % SECONDS_A_DAY for moment in self.moments.values())

    def _share(self, parsed: Mapping[str, float]) -> float:
        return sum(value in parsed for value in self.values) / len(self.values) if self.values else 0.0

    @cached_property
    def shares(self) -> dict[str, float]:
        """Detector → the share of different values that are such things."""
        if not self.values:
            return dict.fromkeys(DETECTORS, 0.0)
        looked_at = self.values[:200]
        return {name: sum(map(detect, looked_at)) / len(looked_at) for name, detect in DETECTORS.items()}

    @cached_property
    def sorted_numbers(self) -> list[float]:
        return sorted(self.numbers[value] for value in self.values if value in self.numbers)

    @property
    def median(self) -> float:
        return self.sorted_numbers[len(self.sorted_numbers) // 2] if self.sorted_numbers else 0.0

    @cached_property
    def is_whole(self) -> bool:
        return bool(self.numbers) and all(number == int(number) for number in self.sorted_numbers)

    @cached_property
    def has_cents(self) -> bool:
        """Numbers written with two places, or that have a fraction of such."""
        fractions = [n for n in self.sorted_numbers if n != int(n)]
        written = sum(value[-3:-2] in (".", ",") for value in self.values if value in self.numbers)
        is_few = all(abs(n * 100 - round(n * 100)) < 1e-6 for n in fractions)
        return bool(fractions or written > len(self.values) / 2) and is_few

    @cached_property
    def mean_length(self) -> float:
        return sum(map(len, self.values)) / len(self.values) if self.values else 0.0

    @cached_property
    def mean_words(self) -> float:
        return sum(len(value.split()) for value in self.values) / len(self.values) if self.values else 0.0

    @cached_property
    def is_constant(self) -> bool:
        return len(self.counts) == 1

    @property
    def shown(self) -> list[str]:
        return self.values[:MOST_SHOWN]


def profile_columns(connection: "DuckDBPyConnection", sample: Sample) -> dict[str, Profile]:
    """Column → its profile."""
    profiles = {name: _counted(name, values, sample) for name, values in sample.texts.items()}
    _parse(connection, list(profiles.values()))
    return profiles


def _counted(name: str, values: list[str | None], sample: Sample) -> Profile:
    given = [v for v in values if v is not None and v.strip() and v.strip().lower() not in NOTHING_WORDS]
    counts = Counter(given)
    profile = Profile(name, kind_of(sample.types[name]), len(values), counts)
    distinct = list(counts)
    step = max(1, len(distinct) // (MOST_VALUES // 2))
    chosen = distinct[: MOST_VALUES // 2] + distinct[MOST_VALUES // 2 :: step]
    profile.values = list(dict.fromkeys(chosen))[:MOST_VALUES]
    return profile


def _parse(connection: "DuckDBPyConnection", profiles: list[Profile]) -> None:
    """Numbers and times by the parsers of `sources`, all columns at once."""
    import pyarrow as pa

    words = sorted({value for profile in profiles for value in profile.values})
    connection.register("suggest_words", pa.table({"word": pa.array(words, pa.string())}))
    point, comma = (_number_sql(sign) for sign in (".", ","))
    plain = _sql(parse_number(Value("word"), Column("word", "float"), Reading("UTC")))
    time = _sql(parse_time(Value("word"), Column("word", "timestamp"), Reading("UTC")))
    rows = connection.execute(
        f"SELECT word, {plain}, {point}, {comma}, epoch({time}) FROM suggest_words"
    ).fetchall()
    connection.unregister("suggest_words")
    found: dict[str, tuple[Any, ...]] = {row[0]: row[1:] for row in rows}
    for profile in profiles:
        _take(profile, found)


def _number_sql(decimal: str) -> str:
    return _sql(parse_number(Value("word"), Column("word", "float"), Reading("UTC", decimal=decimal)))


def _sql(parsed: Parsed) -> str:
    """The typed expression with what it is computed from put in its place."""
    second = (parsed.second or "").replace(FIRST, parsed.first or "")
    return parsed.sql.replace(SECOND, second).replace(FIRST, parsed.first or "")


def _take(profile: Profile, found: Mapping[str, tuple[Any, ...]]) -> None:
    plain, point, comma = (
        {
            value: float(found[value][place])
            for value in profile.values
            if found[value][place] is not None and not _has_foreign_letters(value)
        }
        for place in (0, 1, 2)
    )
    profile.numbers, profile.decimal = plain, None
    if len(plain) < len(profile.values):
        if len(comma) > len(plain) and len(comma) >= len(point) and not _is_grouped(profile.values):
            profile.numbers, profile.decimal = comma, ","
        elif len(point) > len(plain):
            profile.numbers, profile.decimal = point, "."
    profile.moments = {
        value: float(found[value][3]) for value in profile.values if found[value][3] is not None
    }
    if profile.kind in ("text", "integer", "float"):
        profile.dates = date_style(profile.values, profile.moments)
        profile.moments = profile.dates.moments


def _has_foreign_letters(value: str) -> bool:
    """Three capitals before a number are a currency only if there is one: TEA-22 is no amount."""
    letters = re.findall(r"[A-Z]{3}", value)
    return any(word not in CURRENCIES for word in letters)


def _is_grouped(values: list[str]) -> bool:
    """Commas always three digits before the end or a point: they separate thousands."""
    with_comma = [value for value in values if "," in value]
    return bool(with_comma) and all(GROUPED.fullmatch(value) for value in with_comma)
