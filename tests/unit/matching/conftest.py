"""A town in which it is known who is who: persons with several accounts and devices, and their families."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

START = datetime(2024, 1, 1, tzinfo=UTC)
NUM_CITIES = 25
NUM_FIRST_NAMES = 60
NUM_LAST_NAMES = 120
NUM_PRODUCTS = 200
Row = dict[str, object]
Pair = tuple[str, str]


@dataclass
class Town:
    """`rows`: the tables. `person_of`: customer id → person. `visits`: event id, of an event without a
    customer on a device that one person alone uses, → person."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    person_of: dict[str, str] = field(default_factory=dict)
    visits: dict[str, str] = field(default_factory=dict)

    def true_pairs(self) -> set[Pair]:
        return pairs_of(self.person_of.items())


def pairs_of(person_of: Iterable[tuple[str, str]]) -> set[Pair]:
    """Every two ids of one person."""
    groups: dict[str, list[str]] = {}
    for one, person in person_of:
        groups.setdefault(person, []).append(one)
    return {pair for ids in groups.values() for pair in combinations(sorted(ids), 2)}


class _Builder:
    """Fills a town family by family; every choice comes from one seeded source of chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.town = Town({n: [] for n in ("customers", "identities", "orders", "order_lines", "events")})
        self.num_persons = 0

    def family(self) -> None:
        number = self.num_persons
        home = {
            "last": f"last{self.chance.randrange(NUM_LAST_NAMES)}",
            "address": f"address{number}",
            "ip": f"ip{number}",
            "device": f"device-home{number}",
            "card": f"card-home{number}",
            "city": f"City {self.chance.randrange(NUM_CITIES)}",
            "born": self.chance.randrange(1945, 1985),
        }
        # No family gives two of its members the same name.
        names = self.chance.sample(range(NUM_FIRST_NAMES), self.chance.choice([1, 1, 2, 3, 4]))
        for place, name in enumerate(names):
            self.person({**home, "first": f"first{name}"}, place)

    def person(self, home: Mapping[str, object], place: int) -> None:
        chance, key = self.chance, f"person{self.num_persons}"
        self.num_persons += 1
        person = {
            **home,
            "key": key,
            "birth_year": int(str(home["born"])) + (chance.randrange(-4, 5) if place < 2 else 25 + place),
            "gender": "fm"[place] if place < 2 else chance.choice("fm"),
            "favorites": chance.sample(range(NUM_PRODUCTS), 12),
            "emails": [f"{key}-mail{n}" for n in range(chance.choice([1, 2, 3]))],
        }
        for number in range(chance.choices([1, 2, 3], [70, 22, 8])[0]):
            self.account(person, f"{chance.randrange(10**6):06}-{key}-{number}")

    def account(self, person: Mapping[str, object], customer: str) -> None:
        chance = self.chance
        self.town.person_of[customer] = str(person["key"])
        self.town.rows["customers"].append(
            {
                "customer_id": customer,
                "country": "DE",
                "city": person["city"] if chance.random() < 0.9 else None,
                "birth_year": person["birth_year"] if chance.random() < 0.6 else None,
                "gender": person["gender"] if chance.random() < 0.7 else None,
            }
        )
        self.identify(customer, "email", chance.choice(list(person["emails"])))  # type: ignore[call-overload]
        if chance.random() < 0.4:
            self.identify(customer, "phone", f"{person['key']}-phone")
        for part in ("first", "last"):
            typo = "" if chance.random() < 0.95 else f"-typo{chance.randrange(10**9)}"
            self.identify(customer, "name", f"{person[part]}{typo}")
        if chance.random() < 0.8:
            spelled = "" if chance.random() < 0.85 else f"-else{chance.randrange(10**9)}"
            self.identify(customer, "address", f"{person['address']}{spelled}")
        for _ in range(chance.randrange(1, 5)):
            self.order(person, customer)
        self.visit(person, customer)

    def identify(self, customer: str, kind: str, token: str) -> None:
        self.town.rows["identities"].append({"id_type": kind, "id_token": token, "customer_id": customer})

    def order(self, person: Mapping[str, object], customer: str) -> None:
        chance, key = self.chance, f"order{len(self.town.rows['orders'])}"
        own = {kind: f"{kind}-{person['key']}" for kind in ("device", "card")}
        at_home = chance.random() < 0.3
        self.town.rows["orders"].append(
            {
                "order_id": key,
                "customer_id": customer,
                "created_at": START + timedelta(minutes=chance.randrange(500_000)),
                "currency": "EUR",
                "ip_token": person["ip"] if chance.random() < 0.6 else f"ip-any{chance.randrange(10**9)}",
                "device_token": person["device"] if at_home else own["device"],
                "card_token": person["card"] if at_home else own["card"],
            }
        )
        for product in chance.sample(list(person["favorites"]), 3):  # type: ignore[call-overload]
            line = {"order_line_id": f"{key}/{product}", "order_id": key, "product_id": f"p{product}"}
            self.town.rows["order_lines"].append({**line, "quantity": 1, "line_amount": 5})

    def visit(self, person: Mapping[str, object], customer: str) -> None:
        """Browsing without logging in, on a device of one's own, and a login on it."""
        start = START + timedelta(minutes=self.chance.randrange(500_000))
        for step, who in enumerate((None, customer, None)):
            key, at = f"event{len(self.town.rows['events'])}", start + timedelta(minutes=step)
            if who is None:
                self.town.visits[key] = str(person["key"])
            self.town.rows["events"].append(
                {
                    "event_id": key,
                    "event_name": "view_item",
                    "occurred_at": at,
                    "local_date": at.date(),
                    "customer_id": who,
                    "anonymous_id": f"visitor-{person['key']}",
                }
            )

    def strangers(self) -> None:
        """A no-reply address and an office computer that many use."""
        for customer in sorted(self.town.person_of)[:30]:
            self.identify(customer, "email", "no-reply")
            self.town.rows["orders"].append(
                {
                    "order_id": f"office-{customer}",
                    "customer_id": customer,
                    "created_at": START,
                    "currency": "EUR",
                    "device_token": "device-office",
                    "ip_token": "ip-office",
                }
            )


@pytest.fixture(scope="session")
def make_town() -> Callable[[int, int], Town]:
    """`make_town(seed, num_persons)`: a town of at least so many persons."""

    def make(seed: int, num_persons: int) -> Town:
        builder = _Builder(seed)
        while builder.num_persons < num_persons:
            builder.family()
        builder.strangers()
        return builder.town

    return make


@pytest.fixture(scope="session")
def pairs() -> Callable[[Iterable[tuple[str, str]]], set[Pair]]:
    return pairs_of
