"""How a source column has to be read: formats, decimal signs, words, as a mapping TOML says it."""

from dataclasses import dataclass, replace

from foresell.contracts.columns import Column
from foresell.contracts.tables import TABLES
from foresell.sources.suggest.detectors import plain_word
from foresell.sources.suggest.profile import Profile
from foresell.sources.suggest.proposal import Question
from foresell.sources.suggest.value_words import (
    EVENT_MEANINGS,
    FLAG_FALSE,
    FLAG_TRUE,
    FLAG_WORDS,
    STATUS_MEANINGS,
)
from foresell.sources.words import FALSE_WORDS, TRUE_WORDS, VOCABULARIES

MOST_STRANGE = 0.05
READABLE = 0.7


@dataclass(frozen=True)
class Source:
    """Where one target column comes from, as a mapping TOML says it; see `mapping_toml`."""

    columns: tuple[str, ...] = ()
    value: str | None = None
    calculate: str | None = None
    year_of: str | None = None
    separator: str | None = None
    formats: tuple[str, ...] = ()
    decimal: str | None = None
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    identifier: str | None = None
    note: str = ""


def how_read(profile: Profile, table: str, name: str) -> tuple[Source | None, Question | None]:
    """How a column is read as a target; None where its values are not understood, and what to ask of it."""
    column = TABLES[table].column[name]
    source = Source((profile.name,))
    if unreadable := _unreadable(profile, column):
        return None, unreadable
    if column.type in ("timestamp", "date"):
        return _dated(source, profile)
    if (table, name) == ("customers", "birth_year") and profile.shares["year"] < 0.9:
        return Source(year_of=profile.name), None
    if column.type == "boolean":
        return _flagged(source, profile)
    if (table, name) in VOCABULARIES:
        return _worded(source, profile, table, name)
    if column.type in ("decimal", "float", "integer"):
        return replace(source, decimal=profile.decimal), None
    if name == "currency":
        return replace(source, values=tuple(_currency_words(profile))), None
    return source, None


def _unreadable(profile: Profile, column: Column) -> Question | None:
    """The question how a column is written that its type's parser does not read."""
    shares = {"timestamp": profile.time_share, "date": profile.time_share}
    if column.type in ("decimal", "float", "integer"):
        shares[column.type] = max(
            profile.number_share, profile.time_share if column.name == "birth_year" else 0.0
        )
    if profile.is_empty or profile.kind != "text" or shares.get(column.type, 1.0) >= READABLE:
        return None
    text = f"'{profile.name}' is left out: its values cannot be read as {column.type} as they are written."
    return Question("values", text, profile.name, (), tuple(profile.shown[:3]))


def _dated(source: Source, profile: Profile) -> tuple[Source, Question | None]:
    style = profile.dates
    if not style.is_ambiguous:
        return replace(source, formats=style.formats), None
    choices = (", ".join(style.formats), ", ".join(style.others))
    text = f"In '{profile.name}', does the day or the month come first? Both fit; the day is assumed."
    return replace(source, formats=style.formats), Question(
        "dates", text, profile.name, choices, tuple(profile.shown[:3])
    )


def _flagged(source: Source, profile: Profile) -> tuple[Source | None, Question | None]:
    words = {value.strip().lower() for value in profile.counts}
    if words - FLAG_WORDS:
        text = f'What means yes in \'{profile.name}\', what no? It is left out: write true = ["…"], false = ["…"].'
        return None, Question("values", text, profile.name, (), tuple(sorted(words - FLAG_WORDS))[:3])
    true = tuple(sorted(words & FLAG_TRUE - set(TRUE_WORDS)))
    false = tuple(sorted(words & FLAG_FALSE - set(FALSE_WORDS)))
    return replace(source, true_words=true, false_words=false), None


def _currency_words(profile: Profile) -> list[tuple[str, str]]:
    known = {"人民币": "CNY", "美元": "USD", "欧元": "EUR"}
    return [(value, known[value]) for value in profile.counts if value in known]


def _worded(source: Source, profile: Profile, table: str, name: str) -> tuple[Source | None, Question | None]:
    known, aliases, _ = VOCABULARIES[table, name]
    meanings = STATUS_MEANINGS if name == "status" else EVENT_MEANINGS
    values, strange = [], []
    for value, count in profile.counts.items():
        word = plain_word(value)
        if word in known or word in aliases:
            continue
        if word in meanings:
            values.append((value, meanings[word]))
        else:
            strange.append((value, count))
    question = None
    if strange:
        listed = ", ".join(f"'{value}'" for value, _ in strange[:8])
        question = Question(
            "values",
            f"What do {listed} in '{profile.name}' mean? Add them to its values: {', '.join(known)}.",
            profile.name,
            tuple(known),
            tuple(value for value, _ in strange[:8]),
        )
    is_too_strange = sum(count for _, count in strange) > MOST_STRANGE * max(1, profile.num_given)
    if is_too_strange and not TABLES[table].column[name].required:
        return None, question
    return replace(source, values=tuple(values)), question
