"""Persons are connected components within limits, whatever the order of the ties."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from foresell.matching.clusters import Limits, Tie, join_certain, join_likely, members_of

IDS = "abcdefgh"
SOME_TIES = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda pair: pair[0] < pair[1]), max_size=10
)
NO_LIMITS = Limits(100, {})


def tie(left: str, right: str, confidence: float = 1.0) -> Tie:
    return Tie(left, right, confidence, "identifier", "{}")


def components(pairs: list[tuple[str, str]]) -> set[frozenset[str]]:
    """By spreading the smallest label until nothing changes."""
    label = {one: one for pair in pairs for one in pair}
    for _ in label:
        for left, right in pairs:
            label[left] = label[right] = min(label[left], label[right])
    return {frozenset(one for one in label if label[one] == name) for name in label.values()}


@given(SOME_TIES, st.randoms(), st.dictionaries(st.sampled_from(IDS), st.integers(0, 3)))
def test_every_component_is_one_person_known_by_its_oldest(pairs, chance, days) -> None:  # type: ignore[no-untyped-def]
    first_seen = {one: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day) for one, day in days.items()}
    ties = [tie(*pair) for pair in pairs]
    members = members_of(ties, first_seen)
    found: dict[str, set[str]] = {}
    for member in members:
        found.setdefault(member.person_id, {member.person_id}).add(member.customer_id)
    assert {frozenset(ids) for ids in found.values()} == components(pairs)
    never = datetime.max.replace(tzinfo=UTC)
    for person, ids in found.items():
        assert person == min(ids, key=lambda one: (first_seen.get(one, never), one))
    shuffled = chance.sample(ties, len(ties))
    again = members_of(shuffled, first_seen)
    assert [(m.customer_id, m.person_id) for m in again] == [(m.customer_id, m.person_id) for m in members]


@given(SOME_TIES, st.randoms(), st.dictionaries(st.sampled_from(IDS), st.integers(1980, 1982)))
def test_no_person_ever_breaks_the_limits(pairs, chance, years) -> None:  # type: ignore[no-untyped-def]
    limits = Limits(3, years)
    certain = [tie(*pair) for pair in pairs[:5]]
    likely = [tie(*pair, chance.choice([0.96, 0.97])) for pair in pairs[5:]]
    persons, kept, _ = join_certain(certain, limits)
    held, _ = join_likely(persons, likely, limits)
    for member in members_of([*kept, *held], {}):
        assert limits.refusal(persons.of(member.customer_id)) is None
        assert persons.are_one(member.customer_id, member.person_id)


def test_confidence_is_that_of_the_weakest_tie_on_the_way() -> None:
    members = members_of([tie("a", "b", 0.99), tie("b", "c", 0.96), tie("c", "d", 1.0)], {})
    assert [(m.customer_id, m.through, m.confidence) for m in members] == [
        ("b", "a", 0.99),
        ("c", "b", 0.96),
        ("d", "c", 0.96),
    ]


def test_a_likely_tie_that_is_refused_leaves_the_persons_as_they_were() -> None:
    limits = Limits(100, {"a": 1980, "c": 1990})
    persons, kept, refusals = join_certain([tie("a", "b"), tie("c", "d")], limits)
    assert refusals == {}
    held, refused = join_likely(persons, [tie("b", "c", 0.99), tie("d", "e", 0.96)], limits)
    assert [(t.left, t.right) for t in held] == [("d", "e")]
    assert refused == {"several birth years": 1}
    assert {m.customer_id: m.person_id for m in members_of([*kept, *held], {})} == {
        "b": "a",
        "d": "c",
        "e": "c",
    }
