"""Quantities of 0, and units that are not goods."""

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, read_rows, rows_of

SERVICE_SHARE_WORTH_SAYING = 0.01


def check(tables: Tables, settings: Settings) -> list[Finding]:
    """Lines of quantity 0 are kept: their amount counts, their units are none."""
    lines = rows_of(tables, "order_lines")
    if lines is None:
        return []
    zero = lines.quantity == 0
    paid = zero & (lines.line_amount != 0)
    rules = [
        Rule("quantity", "note", zero, _zero()),
        Rule("quantity", "warning", paid, _zero_but_paid()),
    ]
    return find_rows("quantities", "order_lines", lines, "order_line_id", rules) + _services(tables)


def _services(tables: Tables) -> list[Finding]:
    """Fuel, postage and fees, where they are more than 1% of all units."""
    lines, products = rows_of(tables, "order_lines"), rows_of(tables, "products")
    if lines is None or products is None:
        return []
    services = products.filter(products.is_service.fill_null(False)).select("product_id", "is_service")
    paired = lines.select("order_line_id", "product_id", "quantity").left_join(services, "product_id")
    is_service = paired.is_service.fill_null(False)
    units = read_rows(
        paired.aggregate(all=paired.quantity.sum(), services=paired.quantity.sum(where=is_service))
    )[0]
    share = (units["services"] or 0) / units["all"] if units["all"] else 0.0
    if share < SERVICE_SHARE_WORTH_SAYING:
        return []
    words = Words(
        f"{units['services']:,.0f} of {units['all']:,.0f} units are not goods: fuel, postage, fees",
        "Figures in units are shown with and without them; compare products without.",
        f"{units['all']:,.0f} 个单位中有 {units['services']:,.0f} 个不是商品（燃油、邮费、服务费）",
        "以数量计的指标会分别给出含与不含它们的结果；比较商品时请看不含的。",
    )
    return find_rows(
        "quantities", "order_lines", paired, "order_line_id", [Rule("quantity", "note", is_service, words)]
    )


def _zero() -> Words:
    return Words(
        "Lines have quantity 0",
        "They are kept: their amounts count, they add no units, and they have no unit price.",
        "订单行的数量为 0",
        "这些行予以保留：金额计入，数量不计，也没有单价。",
    )


def _zero_but_paid() -> Words:
    return Words(
        "Lines have quantity 0 and yet an amount",
        "Units sold are too low by these lines. Ask the source: deposits, corrections, lost quantities?",
        "订单行数量为 0 却有金额",
        "销量因此偏低。请向数据源核实：押金、更正，还是丢失了数量？",
    )
