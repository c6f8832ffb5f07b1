"""A shop into which a person was put whose every identifier can be searched for, and all that can
happen to their rows: quarantine, fixes, replays, updates, a device shared, an order brought back by
another, an order whose head is unusable, ids joined from two columns.

`write_files(folder, with_person=False)` is the same shop that never knew them.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

PERSON = "CUSTOMER-QX7731-PLANTED"
SHORT = "c5"
EMAIL = "quentin.planted@example-mail.org"
PHONE = "+491705550198771"
NAME = "Quentin Xavier Planted"
ADDRESS = "Planted Lane 7731, Nowhere"
SHOP_NO = "ORDER-ZK558301"
ORDERS = tuple(f"{SHOP_NO}-{letter}" for letter in "ABQ")
SESSION = "SESSION-PLANTED-0042"
OWN_DEVICE = "DEVICE-PLANTED-OWN-1"
SHARED_DEVICE = "device-shared-by-the-family"
GONE = (PERSON, EMAIL, PHONE, NAME, ADDRESS, *ORDERS, SESSION, OWN_DEVICE, SHOP_NO)

NUM_WEEKS = 26
NUM_CUSTOMERS = 12
NUM_PRODUCTS = 6
START = datetime(2024, 1, 1, 9, tzinfo=UTC)

# In the order of import: file → what it is imported as.
IMPORTS = {
    "products.csv": "products",
    "customers.csv": "customers",
    "orders.parquet": "orders",
    "lines.csv": "order_lines",
    "events.parquet": "events",
    "refunds.csv": "refunds",
    "reviews.csv": "reviews",
    "risk_labels.csv": "risk_labels",
    "tickets.csv": "tickets.toml",
    "orders_corrected.csv": "orders",
}

TICKETS = """
[tables.tickets.columns]
ticket_id = "Ticket"
order_id = { from = ["Shop", "No"], separator = "-" }
created_at = "Date"
body = "Text"
"""

Row = dict[str, object]


def write_files(folder: Path, *, with_person: bool) -> None:
    folder.mkdir()
    write_csv(folder / "products.csv", [_product(n) for n in range(NUM_PRODUCTS)])
    write_csv(folder / "customers.csv", _customers(with_person))
    orders, lines = _bought(with_person)
    pl.DataFrame(orders, infer_schema_length=None).write_parquet(folder / "orders.parquet")
    write_csv(folder / "lines.csv", lines)
    if with_person:
        # A line that cannot be split, and one whose amount will be mended.
        with (folder / "lines.csv").open("a") as file:
            file.write(f"ragged,{ORDERS[0]},p1\n")
    pl.DataFrame(_events(with_person), infer_schema_length=None).write_parquet(folder / "events.parquet")
    write_csv(folder / "refunds.csv", _refunds(with_person))
    write_csv(folder / "reviews.csv", _reviews(with_person))
    write_csv(folder / "risk_labels.csv", _labels(with_person))
    write_csv(folder / "tickets.csv", _tickets(with_person))
    (folder / "tickets.toml").write_text(TICKETS)
    corrected = [order for order in orders if str(order["order_id"]) in ("o3-3", ORDERS[0])]
    write_csv(folder / "orders_corrected.csv", [{**order, "status": "refunded"} for order in corrected])


def write_csv(path: Path, rows: list[Row]) -> None:
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path)


def _product(number: int) -> Row:
    return {"product_id": f"p{number}", "title": f"Product {number}", "category": "ab"[number % 2]}


def _customers(with_person: bool) -> list[Row]:
    rows: list[Row] = [
        {
            "customer_id": f"c{n}",
            "country": "DE",
            "email": f"c{n}@example.org",
            "phone": f"+49 30 {1000 + n}",
            "full_name": f"Customer {n}",
            "address": f"Street {n}",
        }
        for n in range(NUM_CUSTOMERS)
        if with_person or f"c{n}" != SHORT
    ]
    # Spelled as people spell: the same address and number in another form give the same token.
    spelled = {"email": EMAIL.upper(), "phone": "+49 170 555-0198771", "full_name": NAME, "address": ADDRESS}
    planted: list[Row] = [{"customer_id": PERSON, "country": "FR", **spelled}]
    return rows + planted if with_person else rows


def _bought(with_person: bool) -> tuple[list[Row], list[Row]]:
    orders: list[Row] = []
    lines: list[Row] = []
    for week in range(NUM_WEEKS):
        for number in range(NUM_CUSTOMERS):
            if (week + number) % 3 == 0 and (with_person or f"c{number}" != SHORT):
                at = START + timedelta(weeks=week, days=number % 7, minutes=number)
                order_id = f"o{week}-{number}"
                orders.append(_order(order_id, f"c{number}", at.isoformat()))
                for step in (0, 1):
                    amount = "oops" if (week, number, step) in ((3, 3, 0), (4, 5, 0)) else "4.50"
                    lines.append(_line(order_id, step, f"p{(number + week + step) % NUM_PRODUCTS}", amount))
    if with_person:
        orders += [
            _order(ORDERS[0], PERSON, "2024-02-03T10:00:00Z"),
            _order(ORDERS[1], PERSON, "2024-05-03T10:00:00Z"),
        ]
        orders.append(_order(ORDERS[2], PERSON, "never"))
        lines += [_line(order, step, f"p{step}", "3.25") for order in ORDERS for step in (0, 1)]
        lines += [_line(ORDERS[0], step, f"p{step}", "a lot") for step in (7, 8, 9)]
    return orders, lines


def _order(order_id: str, customer_id: str, created_at: str) -> Row:
    return {"order_id": order_id, "customer_id": customer_id, "created_at": created_at, "status": "completed"}


def _line(order_id: str, step: int, product_id: str, amount: str) -> Row:
    return {
        "order_line_id": f"{order_id}/{step}",
        "order_id": order_id,
        "product_id": product_id,
        "quantity": 1,
        "line_amount": amount,
    }


def _event(event_id: str, **named: str) -> Row:
    given = {"event_name": "view_item", "occurred_at": "2024-03-01T12:00:00Z", **named}
    columns = ("customer_id", "anonymous_id", "session_id", "product_id", "order_id")
    return {"event_id": event_id, **dict.fromkeys(columns), **given}


def _events(with_person: bool) -> list[Row]:
    rows = [_event(f"e{n}", customer_id=f"c{n}", session_id=f"s{n}", product_id="p1") for n in range(4)]
    rows.append(_event("e-family-1", customer_id="c2", anonymous_id=SHARED_DEVICE, session_id="s-family-1"))
    rows.append(_event("e-family-2", anonymous_id=SHARED_DEVICE, session_id="s-family-2"))
    if with_person:
        rows += [
            _event("e-own-1", customer_id=PERSON, anonymous_id=OWN_DEVICE, session_id=SESSION),
            _event("e-own-2", anonymous_id=OWN_DEVICE, product_id="p2"),
            _event("e-own-3", session_id=SESSION, product_id="p3"),
            _event("e-own-4", customer_id=PERSON, anonymous_id=SHARED_DEVICE, order_id="o3-3"),
            _event("e-own-5", order_id=ORDERS[1], event_name="purchase"),
        ]
    return rows


def _refund(refund_id: str, **named: str) -> Row:
    columns = ("order_id", "order_line_id", "customer_id")
    rest = {"created_at": "2024-06-01T10:00:00Z", "amount": "1.00", "currency": "USD"}
    return {"refund_id": refund_id, **dict.fromkeys(columns), **named, **rest}


def _refunds(with_person: bool) -> list[Row]:
    rows = [_refund("r1", order_id="o3-3", customer_id="c3"), _refund("r2", order_line_id="o6-0/1")]
    if with_person:
        # By order alone, by line alone, and of somebody else's order: a gift brought back.
        rows += [_refund("r-own-1", order_id=ORDERS[0]), _refund("r-own-2", order_line_id=f"{ORDERS[1]}/1")]
        rows.append(_refund("r-own-3", order_id="o3-3", customer_id=PERSON))
    return rows


def _reviews(with_person: bool) -> list[Row]:
    names = ("c1", PERSON) if with_person else ("c1",)
    rest = {"product_id": "p1", "rating": "4", "created_at": "2024-06-02T10:00:00Z"}
    return [{"review_id": f"v{n}", "customer_id": name, **rest} for n, name in enumerate(names)]


def _labels(with_person: bool) -> list[Row]:
    entities = [("customer", "c1"), ("order", "o3-3")]
    if with_person:
        # Another kind of entity may bear the same id as the customer of the short one.
        entities += [("customer", PERSON), ("order", ORDERS[0]), ("customer", SHORT)]
    entities.append(("product", SHORT))
    return [{"entity_type": kind, "entity_id": name, "label": "clean"} for kind, name in entities]


def _tickets(with_person: bool) -> list[Row]:
    rows = [("t1", "o3", "3")] + ([("t2", SHOP_NO, "A")] if with_person else [])
    return [
        {
            "Ticket": ticket,
            "Shop": shop,
            "No": number,
            "Date": "2024-06-03T10:00:00Z",
            "Text": json.dumps("hello"),
        }
        for ticket, shop, number in rows
    ]
