"""The tables with every person once and every order once, by the links that are believed.

Nothing is rewritten: links are joined when a table is read. Without links there is no join at all.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.results import RESULTS
from foresell.contracts.tables import TABLES

if TYPE_CHECKING:
    import ibis.expr.types as ir

LINKS = ("customer_links", "order_links")
# Facts of a copy count only where the order that counts has none of its own.
COUNTED_FACTS = ("refunds", "redemptions")
# Rows of a copy that say how it was made up: they go with it.
PARTS = ("orders", "order_lines")


class MatchedTables:
    """`Tables` in which a linked customer id, visitor or session is its person, and copies of orders
    are left out.

    Of a table with one row a customer (customers, audiences, consents, …) a person keeps one row a key:
    the survivor's own, else that of the smallest id; of consents, a refusal goes before a grant.
    Lines of copies are left out, their refunds and redemptions counted only where the order that counts
    has none; events, reviews and tickets name the order that counts. `history` is as it was recorded.
    `follow`: the links to follow, all by default.
    """

    def __init__(self, unmatched: Tables, follow: tuple[str, ...] = LINKS) -> None:
        self.unmatched = unmatched
        self.follow = follow
        self._known: dict[str, bool] = {}

    def current(self, name: str) -> "ir.Table":
        rows = self.unmatched.current(name)
        contract = {**TABLES, **RESULTS}.get(name)
        if contract is None or name in LINKS:
            return rows
        columns = tuple(column.name for column in contract.columns)
        if "order_id" in columns and self._has("order_links"):
            rows = _one_order(rows, name, self.unmatched.current("order_links"))
        if "customer_id" in columns and self._has("customer_links"):
            links = self.unmatched.current("customer_links")
            rows = _one_person(rows, links)
            if name == "events":
                rows = _known_visitors(rows, links)
            if "customer_id" in contract.key:
                rows = _one_row_a_key(rows, contract.key)
        return rows if rows.columns == columns else rows.select(*columns)

    def history(self, name: str) -> "ir.Table":
        return self.unmatched.history(name)

    def has_rows(self, name: str) -> bool:
        return self.unmatched.has_rows(name)

    def person_of(self, customer_id: str) -> str:
        """The id that stands for a customer's person: their own where they are not linked."""
        if not self._has("customer_links"):
            return customer_id
        links = self.unmatched.current("customer_links")
        found = links.filter(links.customer_id == customer_id).select("person_id").to_pyarrow().to_pylist()
        return str(found[0]["person_id"]) if found else customer_id

    def over(self, see: Callable[[Tables], Tables]) -> "MatchedTables":
        """The same matching over what `see` makes of the unmatched tables: it then sees the links too."""
        return MatchedTables(see(self.unmatched), self.follow)

    def _has(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = name in self.follow and self.unmatched.has_rows(name)
        return self._known[name]


def without_matching(tables: Tables) -> Tables:
    """The tables as the sources have them."""
    return tables.unmatched if isinstance(tables, MatchedTables) else tables


def beneath_matching(tables: Tables, see: Callable[[Tables], Tables]) -> Tables:
    """What `see` makes of the tables, put beneath their matching where they are matched."""
    return tables.over(see) if isinstance(tables, MatchedTables) else see(tables)


def _one_order(rows: "ir.Table", name: str, links: "ir.Table") -> "ir.Table":
    import ibis

    copies = links.select(copy_id="order_id", kept_id="kept_order_id")
    if name in PARTS:
        return rows.anti_join(copies, rows.order_id == copies.copy_id)
    joined = rows.left_join(copies, rows.order_id == copies.copy_id)
    joined = joined.mutate(own_id=joined.order_id, order_id=ibis.coalesce(joined.kept_id, joined.order_id))
    if name not in COUNTED_FACTS:
        return joined
    # Of each order's facts: its own, else those of the copy with the smallest id. Facts of no order are
    # each their own group.
    is_copy = joined.copy_id.notnull()
    rank = ibis.ifelse(is_copy, "1", "0") + joined.own_id
    first = rank.min().over(ibis.window(group_by=joined.order_id))
    joined = joined.mutate(is_first=rank == first)
    return joined.filter(joined.order_id.isnull() | joined.is_first)


def _one_person(rows: "ir.Table", links: "ir.Table") -> "ir.Table":
    import ibis

    members = links.filter(links.customer_id.notnull()).select(linked_id="customer_id", person="person_id")
    joined = rows.left_join(members, rows.customer_id == members.linked_id)
    return joined.mutate(
        customer_id=ibis.coalesce(joined.person, joined.customer_id), linked_id=joined.linked_id
    ).drop("person")


def _known_visitors(events: "ir.Table", links: "ir.Table") -> "ir.Table":
    """An event without a customer belongs to its session's, else to its visitor's at that time."""
    import ibis

    sessions = links.filter(links.session_id.notnull())
    sessions = sessions.select(linked_session="session_id", session_person="person_id")
    visitors = links.filter(links.anonymous_id.notnull()).select(
        "begins_at", "ends_at", linked_visitor="anonymous_id", visitor_person="person_id"
    )
    joined = events.left_join(sessions, events.session_id == sessions.linked_session)
    joined = joined.mutate(session_person=joined.session_person)
    on: list[Any] = [
        joined.anonymous_id == visitors.linked_visitor,
        visitors.begins_at.isnull() | (visitors.begins_at <= joined.occurred_at),
        visitors.ends_at.isnull() | (joined.occurred_at < visitors.ends_at),
    ]
    joined = joined.left_join(visitors, on)
    person = ibis.coalesce(joined.customer_id, joined.session_person, joined.visitor_person)
    return joined.mutate(customer_id=person)


def _one_row_a_key(rows: "ir.Table", key: tuple[str, ...]) -> "ir.Table":
    import ibis

    order = [rows.linked_id.notnull(), rows.linked_id]
    if "is_granted" in rows.columns:
        order = [rows.is_granted, *order]
    place = ibis.row_number().over(ibis.window(group_by=[rows[name] for name in key], order_by=order))
    ranked = rows.mutate(place=place)
    return ranked.filter(ranked.place == 0)
