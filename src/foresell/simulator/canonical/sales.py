"""Orders, their lines, refunds and redeemed coupons of a day."""

from dataclasses import fields

import numpy as np
import pyarrow as pa

from foresell.simulator.canonical.behavior import coupon_code
from foresell.simulator.canonical.columns import (
    constant,
    ids,
    local_midnight,
    moments,
    only_where,
    table,
    words,
)
from foresell.simulator.catalog import Catalog
from foresell.simulator.checkout import SOLD_OUT
from foresell.simulator.draws import Draws, Floats, Ints
from foresell.simulator.settings import WorldSettings
from foresell.simulator.shard import Lines, ShardDay

PAYMENT_METHODS = ("card", "paypal", "invoice", "wallet")
SECONDS_TO_PAY = 60
SECONDS_TO_CANCEL = 4000
RETURN_REASONS = ("does not fit", "not as described", "damaged", "changed mind")
SECONDS_TO_ORDER = 1200


def order_table(settings: WorldSettings, draws: Draws, done: ShardDay) -> pa.Table | None:
    """The orders that were paid, and those that were cancelled since nothing of them was left in stock."""
    session = _ordering(done)
    if not len(session):
        return None
    subtotal, discount = (_by_session(done, values)[session] for values in _line_amounts(done))
    is_cancelled = done.reason[session] == SOLD_OUT
    goods = subtotal - discount
    shipping = np.where(goods < settings.journeys.free_shipping_from, settings.journeys.shipping_fee, 0.0)
    total = np.round(goods + shipping, 2)
    person = done.person[session]
    day = np.full(len(session), done.day)
    midnight = local_midnight(settings.shop.start_date, done.day, settings.shop.time_zone)
    created = done.start[session] + SECONDS_TO_ORDER
    paid_at = moments(midnight, created + SECONDS_TO_PAY)
    return table(
        {
            "order_id": ids("o", day, person),
            "customer_id": ids("c", person),
            "location_id": constant("web", len(session)),
            "channel": constant("web", len(session)),
            "created_at": moments(midnight, created),
            "paid_at": paid_at,
            "cancelled_at": only_where(moments(midnight, created + SECONDS_TO_CANCEL), is_cancelled),
            "status": words(("completed", "cancelled"), is_cancelled.astype(np.int64)),
            "currency": constant(settings.shop.currency, len(session)),
            "subtotal_amount": np.round(subtotal, 2),
            "discount_amount": np.round(discount, 2),
            "shipping_amount": shipping,
            "tax_amount": np.zeros(len(session)),
            "total_amount": total,
            "payment_fee_amount": np.where(
                is_cancelled, 0.0, np.round(total * settings.costs.payment_fee_rate, 2)
            ),
            "coupon_codes": words([coupon_code(done.day)], np.where(done.used_coupon[session], 0, -1)),
            "payment_method": words(
                PAYMENT_METHODS, draws.choice((0.55, 0.25, 0.08, 0.12), "payment", person)
            ),
            "billing_country": constant(settings.shop.country, len(session)),
            "shipping_country": constant(settings.shop.country, len(session)),
        }
    )


def line_table(catalog: Catalog, done: ShardDay, is_promoted: np.ndarray) -> pa.Table | None:
    """The lines of all orders, cancelled ones too. `is_promoted`: (P,) on promotion that week."""
    lines = _ordered_lines(done)
    if not len(lines.session):
        return None
    person = done.person[lines.session]
    day = np.full(len(person), done.day)
    week = np.full(len(person), done.day // 7)
    return table(
        {
            "order_line_id": ids("o", day, person, lines.product),
            "order_id": ids("o", day, person),
            "product_id": ids("p", lines.product),
            "quantity": lines.quantity.astype(np.float64),
            "unit_price": lines.price,
            "unit_cost": catalog.cost[lines.product],
            "discount_amount": lines.discount,
            "line_amount": np.round(lines.quantity * lines.price - lines.discount, 2),
            "promotion_id": only_where(ids("promo", week, lines.product), is_promoted[lines.product]),
        }
    )


def refund_table(settings: WorldSettings, draws: Draws, done: ShardDay) -> pa.Table | None:
    back = done.returns
    if not len(back.person):
        return None
    midnight = local_midnight(settings.shop.start_date, done.day, settings.shop.time_zone)
    seconds = 9 * 3600 + draws.below(8 * 3600, "refund_second", back.person, back.product, done.day)
    reason = draws.choice((0.35, 0.2, 0.15, 0.3), "refund_reason", back.person, back.product, done.day)
    return table(
        {
            "refund_id": ids("r", back.ordered_on, back.person, back.product),
            "order_id": ids("o", back.ordered_on, back.person),
            "order_line_id": ids("o", back.ordered_on, back.person, back.product),
            "customer_id": ids("c", back.person),
            "product_id": ids("p", back.product),
            "location_id": constant("web", len(back.person)),
            "created_at": moments(midnight, seconds),
            "quantity": back.quantity.astype(np.float64),
            "amount": back.amount,
            "currency": constant(settings.shop.currency, len(back.person)),
            "reason": words(RETURN_REASONS, reason),
        }
    )


def redemption_table(settings: WorldSettings, done: ShardDay) -> pa.Table | None:
    session = np.unique(done.lines.session)
    session = session[done.used_coupon[session]]
    if not len(session):
        return None
    person = done.person[session]
    day = np.full(len(session), done.day)
    midnight = local_midnight(settings.shop.start_date, done.day, settings.shop.time_zone)
    return table(
        {
            "redemption_id": ids("d", day, person),
            "coupon_code": constant(coupon_code(done.day), len(session)),
            "campaign_id": ids("coupons-", day // 7),
            "customer_id": ids("c", person),
            "order_id": ids("o", day, person),
            "redeemed_at": moments(midnight, done.start[session] + SECONDS_TO_ORDER),
        }
    )


def _ordering(done: ShardDay) -> Ints:
    """Sessions with an order, delivered or cancelled."""
    return np.unique(_ordered_lines(done).session)


def _ordered_lines(done: ShardDay) -> Lines:
    """Delivered and cancelled; an order is one or the other."""
    both = ((getattr(done.lines, f.name), getattr(done.cancelled, f.name)) for f in fields(Lines))
    return Lines(*map(np.concatenate, both))


def _line_amounts(done: ShardDay) -> tuple[Floats, Floats]:
    lines = _ordered_lines(done)
    return lines.quantity * lines.price, lines.discount


def _by_session(done: ShardDay, values: Floats) -> Floats:
    session = _ordered_lines(done).session
    return np.bincount(session, weights=values, minlength=len(done.person)).astype(np.float64)
