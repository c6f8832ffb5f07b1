"""The rules once more, a product and a rule at a time, from TOML-like records: nothing of ours is used."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Record = Mapping[str, Any]


def holds(rule: Record, surface: str, at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    if surface not in rule.get("surfaces", [surface]):
        return False
    if "from" in rule and at < _moment(rule["from"], zone):
        return False
    if "until" in rule:
        until = rule["until"]
        if isinstance(until, datetime):
            if at >= _moment(until, zone):
                return False
        elif local.date() > until:
            return False
    return local.date() in rule.get("dates", [local.date()])


def _moment(day: date, zone: ZoneInfo) -> datetime:
    moment = day if isinstance(day, datetime) else datetime.combine(day, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _texts(value: Any) -> list[str]:
    return [text.strip().lower() for text in ([value] if isinstance(value, str) else value)]


def selects(rule: Record, product: Record, at: datetime) -> bool:
    tests = {
        "product_ids": lambda want: product["product_id"] in want,
        "parent_product_ids": lambda want: product["parent_product_id"] in want,
        "category": lambda want: any((level or "").lower() in _texts(want) for level in product["levels"]),
        "brand": lambda want: (product["brand"] or "").lower() in _texts(want),
        "department": lambda want: (product["department"] or "").lower() in _texts(want),
        "status": lambda want: (product["status"] or "").lower() in _texts(want),
        "price_below": lambda want: product["price"] is not None and product["price"] < want,
        "price_above": lambda want: product["price"] is not None and product["price"] > want,
        "is_on_offer": lambda want: product["is_on_offer"] == want,
        "newer_than_days": lambda want: (
            product["first_seen_at"] is not None and product["first_seen_at"] > at - timedelta(days=want)
        ),
    }
    return all(test(rule[key]) for key, test in tests.items() if key in rule)


def forbids(rule: Record, product: Record, customer: Record, at: datetime) -> bool:
    """Whether a rule that holds forbids a product to a customer (age, bought ids, shown: id → times)."""
    kind, about = rule["kind"], selects(rule, product, at)
    if kind in ("exclude", "blackout"):
        return about
    if kind == "only":
        return not about
    return about and _fails(rule, product, customer)


def _fails(rule: Record, product: Record, customer: Record) -> bool:
    kind, passes_unknown = rule["kind"], rule.get("allow_unknown", False)
    if kind == "in_stock":
        stock = product["on_hand"]
        return not passes_unknown if stock is None else stock < rule.get("least", 1)
    if kind == "status":
        status = product["status"]
        return not passes_unknown if status is None else status not in _texts(rule["allowed"])
    if kind == "price_range":
        price = product["price"]
        if price is None:
            return not passes_unknown
        return price < rule.get("least", 0) or price > rule.get("most", 1e300)
    if kind == "min_age":
        limit = rule.get("age", product["min_age"]) or 0
        return limit > 0 and (customer["age"] is None or customer["age"] < limit)
    if kind == "already_bought":
        return product["product_id"] in customer["bought"]
    if kind == "frequency_cap":
        return customer["shown"].get(product["product_id"], 0) >= rule["most"]
    return False


def is_hidden(product: Record) -> bool:
    return product["status"] in ("hidden", "discontinued")


def factor(rules: Sequence[Record], product: Record, products: Sequence[Record], at: datetime) -> float:
    result = 1.0
    for rule in rules:
        if rule["kind"] == "margin_weight":
            known = sorted(rate for other in products if (rate := _rate(other)) is not None)
            rate = _rate(product)
            if rate is None:
                middle = len(known) // 2
                rate = (known[middle] + known[~middle]) / 2 if known else 1.0
            result *= 1 - rule["strength"] + rule["strength"] * rate
    touching = [r for r in rules if r["kind"] in ("boost", "bury") and selects(r, product, at)]
    highest = max((rule.get("priority", 0) for rule in touching), default=0)
    for rule in touching:
        if rule.get("priority", 0) == highest:
            result *= rule["factor"]
    return result


def _rate(product: Record) -> float | None:
    if product["margin"] is None or not product["price"]:
        return None
    return float(min(max(product["margin"] / product["price"], 0), 1))


def groups(rule: Record, products: Sequence[Record], at: datetime) -> dict[str, Any]:
    """Product id → the group that a cap counts it in."""
    found = {}
    for product in products:
        if not selects(rule, product, at):
            continue
        if rule["kind"] == "collapse_variants":
            found[product["product_id"]] = product["parent_product_id"] or product["product_id"]
        else:
            value = product[rule["by"]] if "by" in rule else "all"
            if value is not None:
                found[product["product_id"]] = value.lower() if isinstance(value, str) else value
    return found
