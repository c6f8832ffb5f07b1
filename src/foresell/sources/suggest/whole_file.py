"""What holds for the whole file and no column says: the currency, the time zone, the table itself."""

import re

from foresell.contracts.tables import TABLES
from foresell.sources.suggest.evidence import Evidence
from foresell.sources.suggest.plan import Plan
from foresell.sources.suggest.proposal import Proposals, Question
from foresell.sources.words import CURRENCIES

SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "zł": "PLN",
    "元": "CNY",
    "人民币": "CNY",
    "R$": "BRL",
    "₩": "KRW",
    "$": "USD",
}
ZONE = re.compile(r"(?:[zZ]|[+-]\d\d:?\d\d|\b(?:UTC|GMT|[A-Z]{3,4}))\s*$")
CLOCK = re.compile(r"\d:\d\d")
UNSURE_TABLE = 0.6
LONGEST_SAMPLE = 3


def whole_file_questions(evidence: Evidence, proposals: Proposals, plan: Plan) -> list[Question]:
    """The questions, and the currency put into the plan where signs tell it."""
    return [*_table(proposals), *_currency(evidence, proposals, plan), *_time_zone(evidence, plan)]


def _table(proposals: Proposals) -> list[Question]:
    if proposals.confidence >= UNSURE_TABLE:
        return []
    return [
        Question(
            "table",
            f"Is this {proposals.table}? Another table fits almost as well; --table says which.",
            None,
            (proposals.table,),
        )
    ]


def _currency(evidence: Evidence, proposals: Proposals, plan: Plan) -> list[Question]:
    money = [
        source.columns[0]
        for table, columns in plan.tables.items()
        for name, source in columns.items()
        if TABLES[table].column[name].type == "decimal" and source.columns
    ]
    has_currency = any("currency" in columns for columns in plan.tables.values())
    if not money or has_currency:
        return []
    texts = [*money, *(value for column in money for value in evidence.profiles[column].shown)]
    codes = {
        code
        for text in money
        for code in re.findall(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text)
        if code in CURRENCIES
    }
    signs = codes or {code for sign, code in SIGNS.items() for text in texts if sign in text}
    if len(signs) == 1:
        plan.currency = signs.pop()
        return []
    is_chinese = any(
        "\u4e00" <= character <= "\u9fff" for column in evidence.profiles for character in column
    )
    guess = ("CNY",) if is_chinese or any("¥" in text for text in texts) else ()
    text = "In which currency are the amounts? Without `currency` in the mapping it is the store's."
    return [Question("currency", text, None, guess)]


def _time_zone(evidence: Evidence, plan: Plan) -> list[Question]:
    for table, columns in plan.tables.items():
        for name, source in columns.items():
            if TABLES[table].column[name].type != "timestamp" or not source.columns:
                continue
            profile = evidence.profiles[source.columns[0]]
            values = [value for value in profile.values[:50] if CLOCK.search(value)]
            is_local = values and not any(ZONE.search(value) for value in values)
            if is_local and not profile.dates.is_epoch and profile.kind != "zoned":
                text = f"In which time zone is '{profile.name}'? Without `time_zone` it is the store's."
                return [Question("time_zone", text, profile.name, (), tuple(values[:LONGEST_SAMPLE]))]
    return []
