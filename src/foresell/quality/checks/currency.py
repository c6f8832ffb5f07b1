"""Currency: codes that do not exist, several currencies, and rates that are missing on their day."""

from typing import Any

from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.contracts.tables import TABLES
from foresell.quality.finding import Finding, Words
from foresell.quality.rules import Rule, find_rows, read_rows, rows_of

# ISO 4217, and those of the last decades that old data still holds.
_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF
GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB
PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR
ZMW ZWG CUC HRK MRO SLL STD VEF ZMK ZWL BYR LTL LVL EEK TRL
"""
ISO_4217 = frozenset(_CODES.split())

# Table → the column of the day whose rate its money converts at; None: it is not converted by day.
MONEY_TABLES: dict[str, str | None] = {
    "orders": "local_date",
    "refunds": "local_date",
    "ad_spend": "date",
    "events": None,
    "products": None,
    "supplies": None,
    "exchange_rates": None,
}


def check(tables: Tables, settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    for name, day in MONEY_TABLES.items():
        rows = rows_of(tables, name)
        if rows is None:
            continue
        findings += find_rows("currency", name, rows, TABLES[name].key[0], _rules(name, rows))
        if day is not None:
            findings += _missing_rates(tables, settings, name, day)
    return findings + _mixed(tables, settings) + _refunds_in_another(tables)


def _rules(name: str, rows: Any) -> list[Rule]:
    unknown = Words(
        "The currency is no ISO 4217 code",
        "Its amounts cannot be converted. Write codes such as USD: a symbol does not say which dollar.",
        "币种不是 ISO 4217 代码",
        "其金额无法换算。请使用 USD、EUR、CNY 等代码；货币符号无法区分是哪种“元”。",
    )
    rules = [Rule("currency", "error", rows.currency.notin(sorted(ISO_4217)), unknown)]
    if name == "events":
        missing = Words(
            "Events have a value and no currency",
            "Their value cannot be compared. Send the currency with the value.",
            "事件有金额却没有币种",
            "金额无法比较。请在发送金额时附上币种。",
        )
        valued = rows.value.notnull()
        rules.append(Rule("currency", "note", valued & rows.currency.isnull(), missing, applies=valued))
    return rules


def _missing_rates(tables: Tables, settings: Settings, name: str, day: str) -> list[Finding]:
    """Rows in a foreign currency without a rate on their day: KPIs of money are refused until it is there."""
    rows = tables.current(name)
    foreign = rows.filter(rows.currency.isin(sorted(ISO_4217 - {settings.store.currency})))
    rates = tables.current("exchange_rates").select("currency", rate_date="date").distinct()
    days = foreign.select(
        example=foreign[TABLES[name].key[0]], currency=foreign.currency, rate_date=foreign[day]
    )
    lacking = days.anti_join(rates, ["currency", "rate_date"])
    words = Words(
        f"There is no exchange rate to {settings.store.currency} on the day of these rows",
        "KPIs of money cannot be computed over them. Import `exchange_rates` for these days.",
        f"这些行当天没有兑 {settings.store.currency} 的汇率",
        "涉及金额的指标无法计算。请导入这些日期的 `exchange_rates`。",
    )
    findings = find_rows(
        "currency", name, lacking, "example", [Rule("currency", "error", lacking.example.notnull(), words)]
    )
    if not findings:
        return []
    total = read_rows(rows.aggregate(total=rows.count()))[0]["total"]
    found = findings[0]
    return [_replace_share(found, found.num_rows / total)]


def _replace_share(finding: Finding, share: float) -> Finding:
    from dataclasses import replace

    return replace(finding, share=share)


def _mixed(tables: Tables, settings: Settings) -> list[Finding]:
    orders = rows_of(tables, "orders")
    if orders is None:
        return []
    words = Words(
        f"Orders are in other currencies than the store's {settings.store.currency}",
        "They are converted at the rate of the order's date. If that is a surprise, check [store] currency.",
        f"订单使用了店铺币种 {settings.store.currency} 以外的币种",
        "按下单当日汇率换算。若与预期不符，请检查 [store] currency 设置。",
    )
    rule = Rule("currency", "note", orders.currency != settings.store.currency, words)
    return find_rows("currency", "orders", orders, "order_id", [rule])


def _refunds_in_another(tables: Tables) -> list[Finding]:
    refunds, orders = rows_of(tables, "refunds"), rows_of(tables, "orders")
    if refunds is None or orders is None:
        return []
    paired = refunds.inner_join(orders.select("order_id", order_currency=orders.currency), "order_id")
    words = Words(
        "Refunds are in another currency than their orders",
        "Check the refund's currency at the source.",
        "退款币种与订单币种不同",
        "请在数据源核对退款币种。",
    )
    rule = Rule("currency", "warning", paired.currency != paired.order_currency, words)
    return find_rows("currency", "refunds", paired, "refund_id", [rule])
