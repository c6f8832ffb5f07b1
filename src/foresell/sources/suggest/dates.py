"""How dates are written in a column: formats that read all of them, and whether day and month are clear."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

SLASHED = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(\D.*)?")
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S", "T%H:%M:%S")
OTHER_DAYS = (
    *(
        "%Y年%m月%d日",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%Y%m%d",
        "%y-%m-%d",
        "%d %b %Y",
        "%b %d, %Y",
        "%d-%b-%Y",
        "%d-%b-%y",
    ),
    *("%b %d %Y", "%B %d, %Y", "%d %B %Y", "%a %b %d %Y", "%Y-%m-%d"),
)
OTHER_CLOCKS = (*CLOCKS, "%H:%M:%S", "%H:%M", " %H时%M分%S秒", " %H时%M分", " %H%M%S", " %H:%M:%S.%f")
EPOCHS = ((10, "epoch_s", 1.0), (13, "epoch_ms", 1e3), (16, "epoch_us", 1e6))
FIRST_EPOCH, LAST_EPOCH = 946_684_800, 2_051_222_400  # 2000 to 2035
# "02.01.0008" is a number of something.
FIRST_YEAR = 1900
GOOD_SHARE = 0.95
# What no format of a date could read needs no try: too few digits, or too long.
FEWEST_DIGITS, LONGEST = 4, 40


@dataclass
class DateStyle:
    """`formats`: to be stated in the mapping; none where the parsers need none. `is_ambiguous`: day and month
    could be told either way; `formats` then has the day first, `others` the month first."""

    formats: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    is_ambiguous: bool = False
    is_epoch: bool = False
    moments: dict[str, float] = field(default_factory=dict)


def date_style(values: Sequence[str], plain: dict[str, float]) -> DateStyle:
    """`plain`: value → seconds since 1970, where the parsers read it without being told a format."""
    texts = [value for value in values if any(sign.isdigit() for sign in value)]
    if not texts:
        return DateStyle()
    if all(value.strip().lstrip("-").isdigit() for value in texts):
        return _numeric(texts)
    if sum(SLASHED.fullmatch(value) is not None for value in texts) >= GOOD_SHARE * len(texts):
        return _slashed(texts)
    if len(plain) >= GOOD_SHARE * len(values):
        return DateStyle(moments=plain)
    looked_at = texts[:50]
    likely = [value for value in looked_at if _may_be_date(value)]
    formats, moments = _covering(likely, OTHER_DAYS, OTHER_CLOCKS)
    if likely and len(moments) >= GOOD_SHARE * len(looked_at):
        return DateStyle(formats=formats, moments=_read(texts, formats))
    return DateStyle(moments=plain if len(plain) > len(values) / 2 else {})


def _may_be_date(text: str) -> bool:
    return len(text) <= LONGEST and sum(map(str.isdigit, text)) >= FEWEST_DIGITS


def _numeric(texts: Sequence[str]) -> DateStyle:
    for digits, name, divisor in EPOCHS:
        if all(len(value.strip()) == digits for value in texts):
            seconds = {value: int(value) / divisor for value in texts}
            if all(FIRST_EPOCH < moment < LAST_EPOCH for moment in seconds.values()):
                return DateStyle(formats=(name,), is_epoch=True, moments=seconds)
    for size, fmt in ((8, "%Y%m%d"), (14, "%Y%m%d%H%M%S")):
        if all(len(value.strip()) == size and value[:2] in ("19", "20") for value in texts):
            moments = _read(texts, (fmt,))
            if len(moments) == len(texts):
                return DateStyle(formats=(), moments=moments)
    return DateStyle()


def _slashed(texts: Sequence[str]) -> DateStyle:
    """12/05/2024 or 5.12.24 09:30: which comes first, as far as the values tell."""
    found = [match for value in texts if (match := SLASHED.fullmatch(value))]
    sign, year = found[0].group(2), "%Y" if len(found[0].group(4)) == 4 else "%y"
    day_first = any(int(match.group(1)) > 12 for match in found) or sign == "."
    month_first = any(int(match.group(3)) > 12 for match in found) and sign != "."
    clocks = CLOCKS
    days, day_moments = _covering(texts, (f"%d{sign}%m{sign}{year}",), clocks)
    months, month_moments = _covering(texts, (f"%m{sign}%d{sign}{year}",), clocks)
    if month_first and not day_first:
        return DateStyle(formats=months, moments=month_moments)
    is_ambiguous = not day_first and not month_first
    return DateStyle(days, months if is_ambiguous else (), is_ambiguous, moments=day_moments)


def _covering(
    texts: Sequence[str], days: Sequence[str], clocks: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, float]]:
    """The formats, most useful first, until all texts are read; and what they read."""
    rest, chosen = list(texts), []
    moments: dict[str, float] = {}
    for day in days:
        for clock in clocks:
            if not rest:
                break
            read = _read(rest, (day + clock,))
            if read:
                chosen.append(day + clock)
                moments |= read
                rest = [value for value in rest if value not in read]
    return tuple(chosen), moments


def _read(texts: Sequence[str], formats: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for value in texts:
        for fmt in formats:
            try:
                moment = datetime.strptime(value.strip(), fmt).replace(tzinfo=UTC)
                if moment.year >= FIRST_YEAR:
                    found[value] = moment.timestamp()
                    break
            except (ValueError, OverflowError):
                continue
    return found
