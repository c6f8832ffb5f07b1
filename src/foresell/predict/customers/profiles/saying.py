"""A profile in sentences."""

from collections.abc import Iterator
from dataclasses import asdict

from foresell.predict.customers.profiles import TAGS
from foresell.predict.customers.profiles.profile import Change, Nearest, Profile, Rhythm, Score, Use
from foresell.predict.customers.profiles.words import CHANGES, KINDS, SENTENCES, Language, value_text


def sentences(profile: Profile, language: Language) -> list[str]:
    """What the page says, in its order."""
    return [*_facts(profile, language), *_surroundings(profile, language)]


def _facts(profile: Profile, language: Language) -> Iterator[str]:
    words = SENTENCES[language]
    if profile.rhythm is None:
        yield words["no_orders"]
    else:
        yield words["since"].format(**asdict(profile.who))
        yield from _rhythm(profile.rhythm, language)
    for taste in profile.tastes:
        kind = KINDS[taste.kind][language == "zh"]
        yield words["taste"].format(**{**asdict(taste), "kind": kind})
    if level := profile.price_level:
        text = value_text("price_level", level.level, language)
        yield words["price_level"].format(**{**asdict(level), "level": text})
    if sensitivity := profile.sensitivity:
        text = value_text("discounts", sensitivity.leaning, language)
        yield words["sensitivity"].format(**{**asdict(sensitivity), "leaning": text})
    if value := profile.value:
        text = value_text("value", value.value, language)
        yield words["value"].format(**{**asdict(value), "value": text})


def _surroundings(profile: Profile, language: Language) -> Iterator[str]:
    words = SENTENCES[language]
    for name, uses in (("channel", profile.channels), ("device", profile.devices)):
        if uses:
            yield words[name].format(uses=words["joint"].join(_use(one, language) for one in uses))
    for score in profile.risks:
        yield _score(score, language)
    for change in profile.changes:
        yield change_text(change, language)
    if profile.nearest:
        yield from _in_common(profile.nearest, language)


def change_text(change: Change, language: Language) -> str:
    return CHANGES[change.kind][language].format(**asdict(change))


def _rhythm(rhythm: Rhythm, language: Language) -> Iterator[str]:
    words, facts = SENTENCES[language], asdict(rhythm)
    if rhythm.rhythm is None:
        yield words["no_rhythm"].format(**facts)
        yield words["pause_unknown"].format(**facts)
        return
    facts["rhythm"] = value_text("rhythm", rhythm.rhythm, language)
    yield words["rhythm"].format(**facts)
    yield words[f"pause_{rhythm.pause}"].format(**facts)


def _use(one: Use, language: Language) -> str:
    return SENTENCES[language]["use"].format(value=one.value, share=one.share)


def _score(score: Score, language: Language) -> str:
    number = f"{score.score:.0%}" if score.unit == "probability" else f"{score.score:,.2f}"
    return SENTENCES[language]["score"].format(
        task=score.task, score=number, unit=score.unit, model=score.model
    )


def _in_common(nearest: Nearest, language: Language) -> Iterator[str]:
    for one in nearest.in_common:
        yield SENTENCES[language]["in_common"].format(
            num=one.num_nearest,
            all=len(nearest.customer_ids),
            tag=TAGS[one.tag][language == "zh"],
            value=value_text(one.tag, one.value, language),
            usual=one.usual_share,
        )
