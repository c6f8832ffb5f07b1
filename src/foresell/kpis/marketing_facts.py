"""The facts of marketing: what was sold on promotion, coupons used, audiences reached."""

from typing import TYPE_CHECKING

from foresell.kpis.order_facts import known_orders, sold_lines
from foresell.kpis.scope import Scope

if TYPE_CHECKING:
    import ibis.expr.types as ir


def promoted_lines(scope: Scope) -> "ir.Table":
    """The lines sold on promotion: they name one, or one ran for their product, at their place
    (or everywhere), at the time of their order. A row a line, however many promotions ran."""
    lines = sold_lines(scope)
    promoted = lines.filter(lines.promotion_id.notnull())
    if not scope.has_rows("promotions"):
        return promoted
    promotions = scope.tables.current("promotions")
    rest = lines.filter(lines.promotion_id.isnull())
    here = promotions.filter(promotions.location_id.notnull())
    promoted = promoted.union(rest.semi_join(here, _matches(rest, here, is_local=True)))
    everywhere = promotions.filter(promotions.location_id.isnull())
    if int(everywhere.limit(1).count().execute()):
        unmatched = rest.anti_join(here, _matches(rest, here, is_local=True))
        promoted = promoted.union(
            unmatched.semi_join(everywhere, _matches(unmatched, everywhere, is_local=False))
        )
    return promoted


def _matches(lines: "ir.Table", promotions: "ir.Table", *, is_local: bool) -> list["ir.BooleanValue"]:
    on = [
        lines.product_id == promotions.product_id,
        lines.created_at >= promotions.starts_at,
        promotions.ends_at.isnull() | (lines.created_at < promotions.ends_at),
    ]
    if is_local:
        on.append(lines.location_id == promotions.location_id)
    return on


def used_coupons(scope: Scope) -> "ir.Table":
    """Redemptions, a row each, on their local date; none of an order that is cancelled or a test."""
    redemptions = scope.tables.current("redemptions")
    if scope.has_rows("orders"):
        orders = known_orders(scope)
        nowhere = orders.filter(~orders.is_counted).select(nowhere_order="order_id")
        redemptions = redemptions.anti_join(nowhere, redemptions.order_id == nowhere.nowhere_order)
    return redemptions.mutate(date=redemptions.local_date)


def aimed_at(scope: Scope) -> "ir.Table":
    """Audience members with `has_redeemed`: whether they used a coupon of that campaign in the
    asked days. A row a campaign and customer; a member has no date."""
    import ibis

    members = scope.tables.current("audiences").select("campaign_id", "customer_id")
    used = used_coupons(scope)
    if scope.start is not None:
        used = used.filter(used.local_date >= ibis.literal(scope.start))
    if scope.end is not None:
        used = used.filter(used.local_date <= ibis.literal(scope.end))
    used = used.select(used_campaign="campaign_id", used_by="customer_id").distinct()
    joined = members.left_join(
        used, [members.campaign_id == used.used_campaign, members.customer_id == used.used_by]
    )
    return joined.mutate(has_redeemed=joined.used_by.notnull())
