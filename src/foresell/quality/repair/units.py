"""unit: measures written in many ways become numbers of one unit."""

import re
from decimal import ROUND_HALF_UP, Decimal

from foresell.contracts.errors import did_you_mean
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.quality.repair.json_members import replaced_member, text_of
from foresell.quality.repair.patch import Patch, believed, changes
from foresell.quality.repair.rule import Rule

# Unit → its dimension and how many of the dimension's first unit it is. Exact by definition: the avoirdupois
# pound is 453.59237 g, the inch 2.54 cm, the US fluid ounce 29.5735295625 ml (NIST Handbook 44, appendix C).
UNITS: dict[str, tuple[str, Decimal]] = {
    "g": ("weight", Decimal(1)),
    "mg": ("weight", Decimal("0.001")),
    "kg": ("weight", Decimal(1000)),
    "t": ("weight", Decimal(1000000)),
    "oz": ("weight", Decimal("28.349523125")),
    "lb": ("weight", Decimal("453.59237")),
    "ml": ("volume", Decimal(1)),
    "cl": ("volume", Decimal(10)),
    "dl": ("volume", Decimal(100)),
    "l": ("volume", Decimal(1000)),
    "fl oz": ("volume", Decimal("29.5735295625")),
    "gal": ("volume", Decimal("3785.411784")),
    "mm": ("length", Decimal(1)),
    "cm": ("length", Decimal(10)),
    "m": ("length", Decimal(1000)),
    "in": ("length", Decimal("25.4")),
    "ft": ("length", Decimal("304.8")),
}
OTHER_WORDS = {
    "gram": "g", "grams": "g", "gramm": "g", "gr": "g", "克": "g",
    "milligram": "mg", "milligrams": "mg", "毫克": "mg",
    "kilo": "kg", "kilos": "kg", "kilogram": "kg", "kilograms": "kg", "kgs": "kg", "公斤": "kg", "千克": "kg",
    "tonne": "t", "tonnes": "t", "吨": "t",
    "ounce": "oz", "ounces": "oz", "盎司": "oz",
    "pound": "lb", "pounds": "lb", "lbs": "lb", "磅": "lb",
    "milliliter": "ml", "milliliters": "ml", "millilitre": "ml", "millilitres": "ml", "毫升": "ml",
    "liter": "l", "liters": "l", "litre": "l", "litres": "l", "ltr": "l", "升": "l",
    "fl. oz": "fl oz", "fl.oz": "fl oz", "floz": "fl oz", "fluid ounce": "fl oz", "fluid ounces": "fl oz",
    "gallon": "gal", "gallons": "gal",
    "millimeter": "mm", "millimeters": "mm", "millimetre": "mm", "毫米": "mm",
    "centimeter": "cm", "centimeters": "cm", "centimetre": "cm", "厘米": "cm",
    "meter": "m", "meters": "m", "metre": "m", "metres": "m", "米": "m",
    "inch": "in", "inches": "in", '"': "in", "英寸": "in",
    "foot": "ft", "feet": "ft", "英尺": "ft",
}  # fmt: skip
# A number, perhaps with groups of thousands, and a unit: nothing else.
MEASURE = re.compile(r"^\s*(\d+(?:[.,]\d+)*)\s*([^\d\s].*?)\.?\s*$")
DIGITS = Decimal("0.000001")


def check(rule: Rule) -> None:
    """The argument is the unit to bring all to."""
    if rule.the_column.type not in ("string", "json") or (rule.the_column.type == "json") != bool(
        rule.member
    ):
        raise rule.error("needs text, or a member of JSON", do="Write: products.attributes.weight: unit kg.")
    if rule.the_column.name in rule.contract.key or rule.the_column.identifies:
        raise rule.error("would change a key or an identifier", do="Name another column.")
    if rule.argument not in UNITS:
        raise rule.error(
            f"has no unit '{rule.argument}'", do=did_you_mean(str(rule.argument).lower(), list(UNITS))
        )


def find(tables: Tables, settings: Settings, rule: Rule) -> list[Patch]:
    """Texts that are a number and a unit of the same dimension; what is anything else is left.

    The answer is written '0.5 kg', to 6 decimals, halves away from zero. A number alone has no unit and is
    left; so is one whose comma may be a decimal or a thousands sign (1,234 g).
    """
    import ibis

    unit = str(rule.argument)
    rows = believed(tables, rule.table)
    rows = rows.mutate(_text=text_of(rows, rule))
    rows = rows.filter(rows._text.notnull())
    texts = rows.select("_text").distinct().to_pyarrow()["_text"].to_pylist()
    pairs = [(text, new) for text in texts if (new := convert(text, unit)) is not None and new != text]
    if not pairs:
        return []
    known = ibis.memtable(
        {"_old": [old for old, _ in pairs], "_new": [new for _, new in pairs]},
        schema={"_old": "string", "_new": "string"},
    )
    joined = rows.inner_join(known, rows._text == known._old)
    evidence = "'" + joined._old + f"' in {unit}: '" + joined._new + "'"
    return [
        changes(joined, rule, {rule.the_column.name: replaced_member(joined, rule, joined._new)}, evidence)
    ]


def convert(text: str, unit: str) -> str | None:
    """A measure in another unit of its dimension; None where it is none, or says not surely how much."""
    match = MEASURE.match(text)
    if match is None:
        return None
    word = " ".join(match.group(2).lower().split())
    given = UNITS.get(OTHER_WORDS.get(word, word))
    dimension, size = UNITS[unit]
    number = _number(match.group(1))
    if given is None or given[0] != dimension or number is None:
        return None
    amount = (number * given[1] / size).quantize(DIGITS, rounding=ROUND_HALF_UP).normalize()
    return f"{amount:f} {unit}"


def _number(text: str) -> Decimal | None:
    """1,5 and 1.5 and 1,234.5 and 1.234,5; None for 1,234, which may be either, and for 1,23,4."""
    signs = [char for char in text if char in ".,"]
    if len(signs) <= 1:
        whole, _, part = text.replace(",", ".").partition(".")
        is_unsure = "," in text and len(part) == 3 and whole != "0"
        return None if is_unsure else Decimal(text.replace(",", "."))
    decimal = signs[-1]
    groups = "," if decimal == "." else "."
    if signs.count(decimal) > 1 or not re.fullmatch(rf"\d{{1,3}}(\{groups}\d{{3}})+\{decimal}\d+", text):
        return None
    return Decimal(text.replace(groups, "").replace(decimal, "."))
