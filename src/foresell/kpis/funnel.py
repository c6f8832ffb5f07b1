"""The funnel: visits, and how far they get."""

from foresell.kpis.catalog import Kpi, Measures, Number, Words, count, ratio


def visits(m: Measures) -> Number:
    return m["visits"]


def visit_to_view_rate(m: Measures) -> float | None:
    return ratio(m["view_visits"], m["visits"])


def view_to_cart_rate(m: Measures) -> float | None:
    return ratio(m["view_cart_visits"], m["view_visits"])


def cart_to_checkout_rate(m: Measures) -> float | None:
    return ratio(m["cart_checkout_visits"], m["cart_visits"])


def checkout_to_purchase_rate(m: Measures) -> float | None:
    return ratio(m["checkout_purchase_visits"], m["checkout_visits"])


def conversion_rate(m: Measures) -> float | None:
    return ratio(m["purchase_visits"], m["visits"])


def cart_abandonment_rate(m: Measures) -> float | None:
    return ratio(count(m["cart_visits"]) - count(m["cart_purchase_visits"]), m["cart_visits"])


def bounce_rate(m: Measures) -> float | None:
    return ratio(m["one_event_visits"], m["visits"])


def click_through_rate(m: Measures) -> float | None:
    return ratio(m["list_clicks"], m["lists_shown"])


EVENTS = ("events",)
VISITS = Kpi(
    "visits",
    "count of visits",
    "visits",
    "visit",
    "higher",
    EVENTS,
    Words(
        "Visits",
        "Sessions; where the source has none, a visitor's events of one day. A visit counts on the day "
        "it begins.",
        "How much traffic you have.",
    ),
    Words("访问量", "会话数；来源无会话时，同一访客一天的事件算一次访问。访问计入开始当日。", "有多少客流。"),
    ("visits",),
    visits,
)
VISIT_TO_VIEW_RATE = Kpi(
    "visit_to_view_rate",
    "visits with view_item / visits",
    "rate",
    "visit",
    "higher",
    EVENTS,
    Words(
        "Visits that view a product",
        "Share of visits in which a product was viewed.",
        "Whether visitors find something to look at.",
    ),
    Words("访问→浏览商品", "浏览过商品的访问所占比例。", "访客能否找到想看的商品。"),
    ("view_visits", "visits"),
    visit_to_view_rate,
)
VIEW_TO_CART_RATE = Kpi(
    "view_to_cart_rate",
    "visits with view_item and add_to_cart / visits with view_item",
    "rate",
    "visit",
    "higher",
    EVENTS,
    Words(
        "Viewers who fill a cart",
        "Share of visits with a viewed product in which something went into the cart.",
        "Whether product pages persuade.",
    ),
    Words("浏览→加购", "浏览过商品的访问中加入购物车的比例。", "商品页是否有说服力。"),
    ("view_cart_visits", "view_visits"),
    view_to_cart_rate,
)
CART_TO_CHECKOUT_RATE = Kpi(
    "cart_to_checkout_rate",
    "visits with add_to_cart and begin_checkout / visits with add_to_cart",
    "rate",
    "visit",
    "higher",
    EVENTS,
    Words(
        "Carts that reach the checkout",
        "Share of visits with a filled cart that began the checkout.",
        "Whether the cart holds people back.",
    ),
    Words("加购→结账", "加入购物车的访问中开始结账的比例。", "购物车环节是否留不住人。"),
    ("cart_checkout_visits", "cart_visits"),
    cart_to_checkout_rate,
)
CHECKOUT_TO_PURCHASE_RATE = Kpi(
    "checkout_to_purchase_rate",
    "visits with begin_checkout and purchase / visits with begin_checkout",
    "rate",
    "visit",
    "higher",
    EVENTS,
    Words(
        "Checkouts that end in a purchase",
        "Share of visits that began the checkout and bought.",
        "Whether shipping costs, payment or forms lose you buyers.",
    ),
    Words("结账→购买", "开始结账的访问中完成购买的比例。", "运费、支付或表单是否让您流失买家。"),
    ("checkout_purchase_visits", "checkout_visits"),
    checkout_to_purchase_rate,
)
CONVERSION_RATE = Kpi(
    "conversion_rate",
    "visits with purchase / visits",
    "rate",
    "visit",
    "higher",
    EVENTS,
    Words(
        "Conversion rate",
        "Share of visits that end in a purchase.",
        "How well your shop turns visitors into buyers.",
    ),
    Words("转化率", "产生购买的访问所占比例。", "店铺把访客变成买家的能力。"),
    ("purchase_visits", "visits"),
    conversion_rate,
)
CART_ABANDONMENT_RATE = Kpi(
    "cart_abandonment_rate",
    "visits with add_to_cart without purchase / visits with add_to_cart",
    "rate",
    "visit",
    "lower",
    EVENTS,
    Words(
        "Cart abandonment",
        "Share of visits with a filled cart that did not buy.",
        "How many nearly bought and left.",
    ),
    Words("弃购率", "加入购物车却未购买的访问所占比例。", "有多少人差一点就买了。"),
    ("cart_visits", "cart_purchase_visits"),
    cart_abandonment_rate,
)
BOUNCE_RATE = Kpi(
    "bounce_rate",
    "visits with a single event / visits",
    "rate",
    "visit",
    "lower",
    EVENTS,
    Words("Bounce rate", "Share of visits that consist of a single event.", "How many leave at once."),
    Words("跳出率", "只有一个事件的访问所占比例。", "有多少人一来就走。"),
    ("one_event_visits", "visits"),
    bounce_rate,
)
CLICK_THROUGH_RATE = Kpi(
    "click_through_rate",
    "count of select_item / count of view_item_list",
    "rate",
    "event",
    "higher",
    EVENTS,
    Words(
        "Click-through rate",
        "Products picked from a list per list shown, counted in events.",
        "Whether your lists show what people look for.",
    ),
    Words("点击率", "从商品列表中点选的次数除以列表展示的次数（按事件计）。", "列表里是不是顾客想找的商品。"),
    ("list_clicks", "lists_shown"),
    click_through_rate,
)
