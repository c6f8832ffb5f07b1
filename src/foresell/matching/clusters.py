"""From ties between customers to persons: connected components, with limits, and who stands for each."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Tie:
    """Evidence that two customer ids are one person. `evidence`: JSON, without identifiers."""

    left: str
    right: str
    confidence: float
    method: str
    evidence: str
    id_type: str | None = None
    id_token: str | None = None

    def other(self, customer_id: str) -> str:
        return self.right if customer_id == self.left else self.left


@dataclass(frozen=True)
class Limits:
    """What no person can be: of more ids than `most_ids`, or born in two years."""

    most_ids: int
    birth_years: Mapping[str, int]

    def refusal(self, ids: Iterable[str]) -> str | None:
        """Why these ids are not one person; None if they may be."""
        members = list(ids)
        if len(members) > self.most_ids:
            return "too many ids"
        years = {self.birth_years[one] for one in members if one in self.birth_years}
        return "several birth years" if len(years) > 1 else None


@dataclass(frozen=True, slots=True)
class Member:
    """A customer id and the person it belongs to. `tie` binds it to `through`, a step nearer to the person;
    `confidence` is that of the weakest tie on the way."""

    customer_id: str
    person_id: str
    through: str
    tie: Tie
    confidence: float


class Persons:
    """Customer ids joined into persons (union-find), each with its members."""

    def __init__(self) -> None:
        self._root: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}

    def of(self, customer_id: str) -> list[str]:
        return self._members.get(self._find(customer_id), [customer_id])

    def are_one(self, left: str, right: str) -> bool:
        return self._find(left) == self._find(right)

    def join(self, left: str, right: str) -> None:
        a, b = self._find(left), self._find(right)
        if a == b:
            return
        ours, theirs = self._members.pop(a, [a]), self._members.pop(b, [b])
        if len(ours) < len(theirs):
            a, b, ours, theirs = b, a, theirs, ours
        self._root[b] = a
        self._members[a] = ours + theirs

    def _find(self, customer_id: str) -> str:
        root = customer_id
        while (above := self._root.get(root, root)) != root:
            root = above
        while self._root.get(customer_id, customer_id) != root:
            self._root[customer_id], customer_id = root, self._root[customer_id]
        return root


def join_certain(ties: Sequence[Tie], limits: Limits) -> tuple[Persons, list[Tie], dict[str, int]]:
    """Persons by ties that are certain each; a person beyond the limits is refused as a whole.

    Gives the persons, the ties that hold, and how many persons were refused for which reason.
    """
    persons = _join(ties)
    refusals: dict[str, int] = {}
    refused: set[str] = set()
    looked_at: set[str] = set()
    for tie in ties:
        if tie.left in looked_at:
            continue
        members = persons.of(tie.left)
        looked_at.update(members)
        if reason := limits.refusal(members):
            refusals[reason] = refusals.get(reason, 0) + 1
            refused.update(members)
    kept = [tie for tie in ties if tie.left not in refused]
    return _join(kept), kept, refusals


def join_likely(persons: Persons, ties: Iterable[Tie], limits: Limits) -> tuple[list[Tie], dict[str, int]]:
    """Join persons by ties that are likely, the likeliest first, each only if what comes of it is within
    the limits. Gives the ties that hold and how many were refused for which reason."""
    held = []
    refusals: dict[str, int] = {}
    for tie in sorted(ties, key=lambda tie: (-tie.confidence, tie.left, tie.right)):
        if persons.are_one(tie.left, tie.right):
            continue
        if reason := limits.refusal([*persons.of(tie.left), *persons.of(tie.right)]):
            refusals[reason] = refusals.get(reason, 0) + 1
            continue
        persons.join(tie.left, tie.right)
        held.append(tie)
    return held, refusals


def members_of(ties: Sequence[Tie], first_seen: Mapping[str, datetime]) -> list[Member]:
    """Every id that is not its person's own, by person and id.

    The person's id is that of its oldest customer by first activity, those without any last, ties by id.
    """
    neighbors: dict[str, list[Tie]] = {}
    for tie in sorted(ties, key=_rank):
        neighbors.setdefault(tie.left, []).append(tie)
        neighbors.setdefault(tie.right, []).append(tie)

    reached: set[str] = set()
    found: list[Member] = []
    dated = [one for one in neighbors if one in first_seen]
    with_time = sorted(dated, key=lambda one: (first_seen[one], one))
    without = sorted(one for one in neighbors if one not in first_seen)
    for oldest in (*with_time, *without):
        if oldest not in reached:
            reached.add(oldest)
            found += _walk(oldest, neighbors, reached)
    return sorted(found, key=lambda member: (member.person_id, member.customer_id))


def _rank(tie: Tie) -> tuple[float, str, str, str, str]:
    return -tie.confidence, tie.left, tie.right, tie.id_type or "", tie.id_token or ""


def _walk(person: str, neighbors: Mapping[str, Sequence[Tie]], reached: set[str]) -> Iterator[Member]:
    ahead = deque([(person, 1.0)])
    while ahead:
        here, confidence = ahead.popleft()
        for tie in neighbors[here]:
            other = tie.other(here)
            if other not in reached:
                reached.add(other)
                weakest = min(confidence, tie.confidence)
                yield Member(other, person, here, tie, weakest)
                ahead.append((other, weakest))


def _join(ties: Iterable[Tie]) -> Persons:
    persons = Persons()
    for tie in ties:
        persons.join(tie.left, tie.right)
    return persons
