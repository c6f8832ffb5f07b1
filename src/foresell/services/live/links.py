"""Who a live event is about, by the links that matching has made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foresell.matching.resolve import MatchedTables

EventRow = Mapping[str, str]


@dataclass(frozen=True)
class Links:
    """Ids of customers, visitors and sessions that are somebody's → that person. Links of a visitor that hold
    for a time only are left out: now may be another time."""

    customers: Mapping[str, str] = field(default_factory=dict)
    visitors: Mapping[str, str] = field(default_factory=dict)
    sessions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tables: "MatchedTables") -> "Links":
        if not tables.unmatched.has_rows("customer_links"):
            return cls()
        rows = tables.unmatched.current("customer_links").to_pyarrow().to_pylist()
        lasting = [row for row in rows if row["begins_at"] is None and row["ends_at"] is None]
        found = (
            {str(row[name]): str(row["person_id"]) for row in lasting if row[name] is not None}
            for name in ("customer_id", "anonymous_id", "session_id")
        )
        return cls(*found)

    def person(self, row: EventRow) -> str | None:
        """As rooms read events: the customer, else who the session or the visitor belongs to, else the
        visitor, else the session."""
        customer = row.get("customer_id")
        if customer is not None:
            return self.customers.get(customer, customer)
        visitor, session = row.get("anonymous_id"), row.get("session_id")
        found = self.sessions.get(session or "") or self.visitors.get(visitor or "")
        return found or visitor or session
