"""Stitching: which customer ids, visitors and sessions are one person.

First what is certain: customers who share an identifier of `matching.linking_kinds`. Then what is likely
(`likeness`). Persons are connected components, within limits (`clusters`); the person's id is that of its
oldest customer. Last the visitors (`visitors`). The order of rows changes nothing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import MatchingSettings
from foresell.matching.clusters import Limits, Member, Tie, join_certain, join_likely, members_of
from foresell.matching.identifiers import SharedKind, shared_identifiers
from foresell.matching.likeness import Likely, likely_ties
from foresell.matching.visitors import link_visitors

if TYPE_CHECKING:
    import polars

TEXTS = (
    *("customer_id", "anonymous_id", "session_id", "person_id"),
    *("method", "through_id", "id_type", "id_token", "evidence"),
)
TIMES = ("begins_at", "ends_at", "known_at")


@dataclass(frozen=True)
class Stitched:
    """`links`: the rows of `customer_links` that should be believed (without `link_id`), sorted.

    `too_shared`: identifiers that link nobody, by kind. `refused`: reason → persons or ties that the limits
    refused. `num_crowded_visitors`: devices of more persons than the limit.
    """

    links: "polars.DataFrame"
    too_shared: tuple[SharedKind, ...]
    refused: dict[str, int]
    num_crowded_visitors: int
    likeness: dict[str, Any] = field(default_factory=dict)

    def as_record(self) -> dict[str, object]:
        counts = self.links.group_by("method").len().sort("method")
        members = self.links.drop_nulls("customer_id")
        return {
            "customers_linked": members.height,
            "persons_of_several_ids": members["person_id"].n_unique(),
            "links_by_method": dict(counts.iter_rows()),
            "shared_by_too_many": [asdict(kind) for kind in self.too_shared],
            "visitors_of_too_many": self.num_crowded_visitors,
            "refused": self.refused,
            "likeness": self.likeness,
        }


def stitch(tables: Tables, settings: MatchingSettings) -> Stitched:
    """Stitch everybody in the tables; they are read as the sources have them, without earlier links."""
    shared, too_shared = shared_identifiers(tables, settings.max_customers_per_token)
    limits = Limits(settings.max_accounts_per_person, _birth_years(tables))
    persons, ties, refused = join_certain(list(_certain_ties(shared, settings.linking_kinds)), limits)
    likely = likely_ties(tables, settings, ties, persons) if settings.is_probabilistic else Likely()
    held, refused_likely = join_likely(persons, likely.ties, limits)
    ties += held
    refused |= {f"likely, but {reason}": number for reason, number in refused_likely.items()}
    first_seen = _first_seen(tables) if ties else {}
    members = members_of(ties, first_seen)
    visitors = link_visitors(tables, _persons(members), settings.max_customers_per_token)
    links = _sorted([_member_links(members, first_seen), visitors.links])
    return Stitched(links, too_shared, refused, visitors.num_crowded, likely.told)


def _certain_ties(shared: "polars.DataFrame", kinds: Sequence[str]) -> Iterator[Tie]:
    """Ties of customers who share an identifier: each with the smallest id that has it."""
    import polars as pl

    usable = shared.filter(pl.col("id_type").is_in(list(kinds)))
    first = pl.col("customer_id").min().over("id_type", "id_token").alias("first_id")
    pairs = usable.with_columns(first).filter(pl.col("customer_id") != pl.col("first_id"))
    for id_type, id_token, customer_id, first_id in pairs.iter_rows():
        evidence = json.dumps({"same": [id_type]})
        yield Tie(first_id, customer_id, 1.0, "identifier", evidence, id_type, id_token)


def _birth_years(tables: Tables) -> dict[str, int]:
    customers = tables.current("customers")
    known = customers.filter(customers.birth_year.notnull()).select("customer_id", "birth_year")
    return dict(known.to_polars().iter_rows())


def _first_seen(tables: Tables) -> dict[str, datetime]:
    """Each customer's first activity: registered, ordered or did something."""
    customers, orders, events = (tables.current(name) for name in ("customers", "orders", "events"))
    seen = customers.select("customer_id", at="created_at")
    seen = seen.union(orders.select("customer_id", at="created_at"))
    seen = seen.union(events.select("customer_id", at="occurred_at"))
    seen = seen.filter(seen.customer_id.notnull(), seen["at"].notnull())
    return dict(seen.group_by("customer_id").agg(first_at=seen["at"].min()).to_polars().iter_rows())


def _persons(members: Sequence[Member]) -> "polars.DataFrame":
    import polars as pl

    schema = {"customer_id": pl.String, "person_id": pl.String}
    return pl.DataFrame([(m.customer_id, m.person_id) for m in members], schema, orient="row")


def _member_links(members: Sequence[Member], first_seen: dict[str, datetime]) -> "polars.DataFrame":
    import polars as pl

    rows = [
        {
            "customer_id": member.customer_id,
            "person_id": member.person_id,
            "confidence": member.confidence,
            "method": member.tie.method,
            "through_id": member.through,
            "id_type": member.tie.id_type,
            "id_token": member.tie.id_token,
            "evidence": member.tie.evidence,
            "known_at": _last_seen_first(member, first_seen),
        }
        for member in members
    ]
    schema: dict[str, Any] = dict.fromkeys(("customer_id", "person_id", *TEXTS[4:]), pl.String)
    return pl.DataFrame(
        rows, {**schema, "confidence": pl.Float64, "known_at": pl.Datetime("us", "UTC")}, orient="row"
    )


def _last_seen_first(member: Member, first_seen: dict[str, datetime]) -> datetime | None:
    """When all whom the link names had been seen."""
    times = [first_seen.get(one) for one in (member.customer_id, member.through, member.person_id)]
    known = [time for time in times if time is not None]
    return max(known) if known else None


def _sorted(parts: "Sequence[polars.DataFrame]") -> "polars.DataFrame":
    import polars as pl

    rows = pl.concat(parts, how="diagonal")
    missing = [pl.lit(None, pl.String).alias(name) for name in TEXTS if name not in rows.columns]
    rows = rows.with_columns(missing)
    missing = [
        pl.lit(None, pl.Datetime("us", "UTC")).alias(name) for name in TIMES if name not in rows.columns
    ]
    rows = rows.with_columns(missing).with_columns(
        pl.col(name).cast(pl.Datetime("us", "UTC")) for name in TIMES
    )
    columns = (*TEXTS[:4], "begins_at", "ends_at", "confidence", *TEXTS[4:], "known_at")
    return rows.select(columns).sort(
        "customer_id", "anonymous_id", "begins_at", "session_id", nulls_last=True
    )
