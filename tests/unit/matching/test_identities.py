"""Stitching what is certain: identifiers shared, visitors who log in, devices that several people use."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from foresell.contracts.settings import MatchingSettings
from foresell.matching.identities import Stitched, stitch

CARD = {"card_token": "k"}
CERTAIN = MatchingSettings(is_probabilistic=False)


def identity(customer: str, token: str, kind: str = "email") -> dict[str, object]:
    return {"id_type": kind, "id_token": token, "customer_id": customer}


def order(customer: str, day: int, **cells: object) -> dict[str, object]:
    created = datetime(2024, 1, day, tzinfo=UTC)
    return {
        "order_id": f"o-{customer}-{day}",
        "customer_id": customer,
        "created_at": created,
        **cells,
        "currency": "EUR",
    }


def event(
    number: int, minute: int, customer: str | None, visitor: str | None, session: str | None = None
) -> Any:
    return {
        "event_id": f"e{number}",
        "event_name": "view_item",
        "occurred_at": datetime(2024, 1, 1, 10, minute, tzinfo=UTC),
        "local_date": "2024-01-01",
        "customer_id": customer,
        "anonymous_id": visitor,
        "session_id": session,
    }


def customers_of(stitched: Stitched) -> dict[str, str]:
    rows = stitched.links.drop_nulls("customer_id")
    return dict(rows.select("customer_id", "person_id").iter_rows())


def test_who_shares_an_e_mail_is_one_person_known_by_the_oldest_id(make_tables: Any) -> None:
    tables = make_tables(
        {
            "identities": [
                identity("a", "m1"),
                identity("b", "m1"),
                identity("b", "p1", "phone"),
                identity("c", "p1", "phone"),
                identity("d", "m2"),
            ],
            "orders": [order("a", 9), order("b", 5), order("c", 7), order("d", 1)],
        }
    )
    stitched = stitch(tables, CERTAIN)
    assert customers_of(stitched) == {"a": "b", "c": "b"}
    [row] = stitched.links.filter(pl.col("customer_id") == "c").to_dicts()
    assert (row["through_id"], row["id_type"], row["id_token"]) == ("b", "phone", "p1")
    assert (row["confidence"], row["method"]) == (1.0, "identifier")
    assert row["known_at"] == datetime(2024, 1, 7, tzinfo=UTC)


def test_customers_without_activity_come_last_and_ties_go_by_id(make_tables: Any) -> None:
    identities = [identity(customer, "m1") for customer in ("z", "b", "a")]
    assert customers_of(stitch(make_tables({"identities": identities}), CERTAIN)) == {"b": "a", "z": "a"}
    tables = make_tables({"identities": identities, "orders": [order("z", 1)]})
    assert customers_of(stitch(tables, CERTAIN)) == {"a": "z", "b": "z"}


def test_families_share_cards_and_devices_unless_the_settings_say_otherwise(make_tables: Any) -> None:
    tables = make_tables({"orders": [order("a", 1, **CARD), order("b", 2, **CARD)]})
    assert customers_of(stitch(tables, CERTAIN)) == {}
    trusting = MatchingSettings(is_probabilistic=False, linking_kinds=("card",))
    assert customers_of(stitch(tables, trusting)) == {"b": "a"}


def test_what_too_many_share_links_nobody_and_is_reported(make_tables: Any) -> None:
    rows = [identity(f"c{n}", "no-reply") for n in range(4)] + [identity("c0", "m"), identity("c1", "m")]
    stitched = stitch(
        make_tables({"identities": rows}), MatchingSettings(is_probabilistic=False, max_customers_per_token=3)
    )
    assert customers_of(stitched) == {"c1": "c0"}
    [kind] = stitched.too_shared
    assert (kind.id_type, kind.num_tokens, kind.most_customers) == ("email", 1, 4)
    assert kind.examples == ("no-reply",)


def test_a_person_beyond_the_limits_is_refused_whole(make_tables: Any) -> None:
    chain = [identity(f"c{n + step}", f"m{n}") for n in range(4) for step in (0, 1)]
    few = MatchingSettings(is_probabilistic=False, max_accounts_per_person=4)
    stitched = stitch(make_tables({"identities": chain}), few)
    assert customers_of(stitched) == {}
    assert stitched.refused == {"too many ids": 1}


def test_two_birth_years_are_never_one_person(make_tables: Any) -> None:
    rows = [identity("mother", "home"), identity("daughter", "home")]
    born = [{"customer_id": "mother", "birth_year": 1960}, {"customer_id": "daughter", "birth_year": 1990}]
    stitched = stitch(make_tables({"identities": rows, "customers": born}), CERTAIN)
    assert customers_of(stitched) == {}
    assert stitched.refused == {"several birth years": 1}


def visitors_of(stitched: Stitched) -> list[tuple[Any, ...]]:
    rows = stitched.links.drop_nulls("anonymous_id")
    return [(r["anonymous_id"], r["person_id"], r["begins_at"], r["ends_at"]) for r in rows.to_dicts()]


def test_a_visitor_who_was_one_customer_is_that_person_always(make_tables: Any) -> None:
    events = [event(1, 0, None, "v"), event(2, 1, "b", "v"), event(3, 2, None, "v"), event(4, 3, None, "w")]
    identities = [identity("a", "m"), identity("b", "m")]
    stitched = stitch(
        make_tables({"events": events, "identities": identities, "orders": [order("a", 1)]}), CERTAIN
    )
    assert visitors_of(stitched) == [("v", "a", None, None)]


def test_a_shared_device_is_whoever_logged_in_last(make_tables: Any) -> None:
    events = [
        event(1, 0, None, "v", "s0"),
        event(2, 5, "a", "v", "s1"),
        event(3, 6, None, "v", "s2"),
        event(4, 10, "b", "v", "s3"),
        event(5, 11, "b", "v", "s3"),
        event(6, 12, None, "v", "s3"),
        event(7, 20, "a", "v", "s4"),
    ]
    stitched = stitch(make_tables({"events": events}), CERTAIN)
    at = [datetime(2024, 1, 1, 10, minute, tzinfo=UTC) for minute in (5, 10, 20)]
    assert visitors_of(stitched) == [
        ("v", "a", at[0], at[1]),
        ("v", "b", at[1], at[2]),
        ("v", "a", at[2], None),
    ]
    assert stitched.links.drop_nulls("session_id").select("session_id", "person_id").rows() == [("s3", "b")]


def test_a_device_of_too_many_is_nobodys_but_for_sessions(make_tables: Any) -> None:
    events = [event(n, n, f"c{n}", "kiosk", f"s{n}") for n in range(4)]
    events += [event(9, 9, None, "kiosk", "s1"), event(10, 10, None, "kiosk", "s9")]
    stitched = stitch(
        make_tables({"events": events}), MatchingSettings(is_probabilistic=False, max_customers_per_token=3)
    )
    assert visitors_of(stitched) == []
    assert stitched.num_crowded_visitors == 1
    assert stitched.links.drop_nulls("session_id").select("session_id", "person_id").rows() == [("s1", "c1")]
