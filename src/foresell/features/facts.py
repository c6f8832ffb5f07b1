"""What each customer did, as one table of facts a grain: what features are counted over.

Every table has `customer_id` (never null) and `at`, whole seconds since 1970 (floor); numbers are Float64.
They say nothing of the cutoff but that all of it was before, so that one reading serves later cutoffs too.

    orders        a row an order that counts: day, channel, amount, gross, discount, units, lines, …
    lines         a row a line: category, department, amount, gross, discount, units, usual_amount, …
    order_days    a row a local day with orders: gap, days since the one before
    focus_days    the same of orders that hold what the spec's focus names
    products, categories, brands   a row a customer and thing bought; `at` of the last time, times
    refunds, redemptions   a row each
    events        a row an event: event_name, category, device_type, source
    sessions      a row a session; `at` of its last event; events, views, carts, purchases, minutes
    event_days    as order_days

Money is without tax, in the store's currency. Orders count as in `features.counted`: neither cancelled nor
test nor nobody's, nor made of lines without a quantity above 0 alone. An event is its customer's only;
anonymous ones are no customer's.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.features.spec import CustomerSpec
from foresell.kpis.order_facts import counted_orders, paid_back, sold_lines
from foresell.kpis.scope import Scope, attach, make_scope
from foresell.store.kept import kept

if TYPE_CHECKING:
    import ibis.expr.types as ir

KINDS = ("category", "department", "brand")
# Costs are in no fact.
UNUSED = {"products.cost": False}
# Other facts are made of these.
KEPT = ("lines", "orders")
VIEWS, CARTS, PURCHASES = "view_item", "add_to_cart", "purchase"


class Facts:
    """The fact tables of a shop as of a cutoff, made when asked for.

    `tables` must be those of `features.asof`; `spec` says which are there. `shop`: `shop_of` of the tables
    that they were made of, so that what a shop never has is not looked for at each cutoff.
    """

    def __init__(
        self, tables: Tables, settings: Settings, spec: CustomerSpec, shop: Mapping[str, bool] | None = None
    ) -> None:
        self.tables = tables
        self.spec = spec
        self.scope: Scope = replace(make_scope(tables, settings), known={**(shop or {}), **UNUSED})
        self._made: dict[str, ir.Table] = {}

    def table(self, name: str) -> "ir.Table":
        if name not in self._made:
            made = FACTS[name](self)
            self._made[name] = kept(made) if name in KEPT else made
        return self._made[name]


def shop_of(tables: Tables, settings: Settings) -> dict[str, bool]:
    """What the facts ask of a shop before they are made, answered from all that it has. Where a shop has
    something only after a cutoff, it is joined in vain and changes nothing."""
    scope = make_scope(tables, settings)
    for column in ("subtotal_amount", "total_amount", "discount_amount", "payment_fee_amount"):
        scope.has_values("orders", column)
    for name in ("orders", "refunds"):
        scope.has_foreign_money(name)
    return dict(scope.known)


def second_of(moment: Any) -> Any:
    """Whole seconds since 1970, rounded down alike on both engines."""
    return moment.epoch_seconds().cast("float64").floor().cast("int64")


def lines(facts: Facts) -> "ir.Table":
    import ibis

    sold = sold_lines(facts.scope)
    sold = sold.filter(sold.customer_id.notnull())
    if facts.spec.has_products:
        sold = attach(sold, facts.tables, "products", {**{k: k for k in KINDS}, "is_service": "is_service"})
    else:
        unknown = {kind: ibis.null("string") for kind in KINDS}
        sold = sold.mutate(**unknown, is_service=ibis.literal(False))
    is_goods = (sold.quantity > 0).fill_null(False) & ~sold.is_service.fill_null(False)
    amount = sold.line_amount.cast("float64") - sold.spread
    discount = sold.line_discount.cast("float64") + sold.spread
    rows = sold.select(
        "customer_id",
        "order_id",
        "product_id",
        "date",
        *KINDS,
        at=second_of(sold.created_at),
        amount=amount,
        discount=discount,
        gross=amount + discount,
        units=ibis.ifelse(is_goods, sold.quantity, 0.0),
        is_goods=is_goods,
        is_sold=(sold.quantity > 0) | sold.quantity.isnull(),
        is_discounted=discount > 0,
    )
    return _with_focus(_with_usual_amount(rows, facts.spec), facts.spec)


def _with_usual_amount(rows: "ir.Table", spec: CustomerSpec) -> "ir.Table":
    """`usual_amount` and `compared_gross`: what the units usually cost in their category, and what they cost
    here before discount; null for what has no usual price."""
    import ibis

    if not spec.usual_prices:
        unknown = ibis.null("float64")
        return rows.mutate(usual_amount=unknown, compared_gross=unknown)
    prices = ibis.memtable(
        {
            "priced": [name for name, _ in spec.usual_prices],
            "usual": [price for _, price in spec.usual_prices],
        },
        schema={"priced": "string", "usual": "float64"},
    )
    joined = rows.left_join(prices, rows.category == prices.priced)
    is_known = joined.usual.notnull() & joined.is_goods
    return joined.mutate(
        usual_amount=ibis.ifelse(is_known, joined.usual * joined.units, ibis.null("float64")),
        compared_gross=ibis.ifelse(is_known, joined.gross, ibis.null("float64")),
    ).drop("priced", "usual")


def _with_focus(rows: "ir.Table", spec: CustomerSpec) -> "ir.Table":
    import ibis

    if spec.focus is None:
        return rows.mutate(is_focus=ibis.literal(False))
    column = "product_id" if spec.focus.on == "product" else spec.focus.on
    return rows.mutate(is_focus=(rows[column] == spec.focus.value).fill_null(False) & rows.is_sold)


def orders(facts: Facts) -> "ir.Table":
    heads = counted_orders(facts.scope)
    heads = heads.filter(heads.customer_id.notnull())
    sold = facts.table("lines")
    sums = sold.group_by(summed_id="order_id").agg(
        amount=sold.amount.sum(),
        gross=sold.gross.sum(),
        discount=sold.discount.sum(),
        units=sold.units.sum(),
        lines=sold.count(where=sold.is_goods),
        is_sold=sold.is_sold.any(),
        focus_amount=sold.amount.sum(where=sold.is_focus),
        focus_units=sold.units.sum(where=sold.is_focus),
        has_focus=sold.is_focus.any(),
    )
    joined = heads.left_join(sums, heads.order_id == sums.summed_id)
    joined = joined.filter(joined.is_sold.fill_null(True))
    money = {name: joined[name].fill_null(0.0) for name in ("amount", "gross", "discount", "units")}
    focus = {name: joined[name].fill_null(0.0) for name in ("focus_amount", "focus_units")}
    return joined.select(
        "customer_id",
        "order_id",
        "channel",
        "location_id",
        day=joined.date.epoch_days(),
        at=second_of(joined.created_at),
        is_weekend=joined.date.day_of_week.index() >= 5,
        is_discounted=(joined.discount > 0).fill_null(False),
        has_focus=joined.has_focus.fill_null(False),
        lines=joined.lines.cast("float64").fill_null(0.0),
        **money,
        **focus,
    )


def order_days(facts: Facts) -> "ir.Table":
    return _gaps(facts.table("orders"))


def focus_days(facts: Facts) -> "ir.Table":
    rows = facts.table("orders")
    return _gaps(rows.filter(rows.has_focus))


def _gaps(rows: "ir.Table") -> "ir.Table":
    """A row a customer and local day, with the days since the one before (null for the first)."""
    import ibis

    days = rows.group_by("customer_id", "day").agg(at=rows["at"].max())
    before = days.day.lag().over(ibis.window(group_by=days.customer_id, order_by=days.day))
    return days.mutate(gap=(days.day - before).cast("float64"))


def _bought(facts: Facts, column: str) -> "ir.Table":
    """A row a customer and thing among goods: `at` of the last time, `times` (lines), `surprise` −p·ln(p) of
    its share p of the customer's lines."""
    import ibis

    rows = facts.table("lines")
    rows = rows.filter(rows.is_goods, rows[column].notnull())
    things = rows.group_by("customer_id", column).agg(at=rows["at"].max(), times=rows.count().cast("float64"))
    share = things.times / things.times.sum().over(ibis.window(group_by=things.customer_id))
    return things.mutate(surprise=-share * share.ln())


def refunds(facts: Facts) -> "ir.Table":
    """Refunds of whoever they name, else of their order's customer."""
    back = paid_back(facts.scope)
    back = back.filter(back.customer_id.notnull()).select("refund_id", "customer_id", "amount")
    moments = facts.tables.current("refunds").select(moment_of="refund_id", moment="created_at")
    joined = back.left_join(moments, back.refund_id == moments.moment_of)
    return joined.select("customer_id", at=second_of(joined.moment), amount=joined.amount.cast("float64"))


def redemptions(facts: Facts) -> "ir.Table":
    rows = facts.tables.current("redemptions")
    rows = rows.filter(rows.customer_id.notnull())
    return rows.select("customer_id", at=second_of(rows.redeemed_at))


def events(facts: Facts) -> "ir.Table":
    import ibis

    rows = _bare_events(facts).drop("session_id", "day")
    if facts.spec.has_products:
        return attach(rows, facts.tables, "products", {"category": "category"})
    return rows.mutate(category=ibis.null("string"))


def _bare_events(facts: Facts) -> "ir.Table":
    rows = facts.tables.current("events")
    rows = rows.filter(rows.customer_id.notnull())
    return rows.select(
        "customer_id",
        "event_name",
        "session_id",
        "product_id",
        "device_type",
        day=rows.local_date.epoch_days(),
        at=second_of(rows.occurred_at),
        source=rows.utm_source,
    )


def sessions(facts: Facts) -> "ir.Table":
    rows = _bare_events(facts)
    rows = rows.filter(rows.session_id.notnull())
    found = rows.group_by("customer_id", "session_id").agg(
        first=rows["at"].min(),
        at=rows["at"].max(),
        events=rows.count().cast("float64"),
        **{
            name: rows.count(where=rows.event_name == event).cast("float64")
            for name, event in (("views", VIEWS), ("carts", CARTS), ("purchases", PURCHASES))
        },
    )
    is_bought = found.purchases > 0
    return found.mutate(
        minutes=(found["at"] - found["first"]).cast("float64") / 60.0,
        is_bought=is_bought,
        is_only_viewed=(found.views > 0) & ~is_bought,
        is_abandoned=(found.carts > 0) & ~is_bought,
    )


def event_days(facts: Facts) -> "ir.Table":
    return _gaps(_bare_events(facts))


FACTS: dict[str, Callable[[Facts], "ir.Table"]] = {
    "lines": lines,
    "orders": orders,
    "order_days": order_days,
    "focus_days": focus_days,
    "products": lambda facts: _bought(facts, "product_id"),
    "categories": lambda facts: _bought(facts, "category"),
    "brands": lambda facts: _bought(facts, "brand"),
    "refunds": refunds,
    "redemptions": redemptions,
    "events": events,
    "sessions": sessions,
    "event_days": event_days,
}
