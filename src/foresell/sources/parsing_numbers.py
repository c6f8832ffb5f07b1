"""Numbers as shops write them: with thousands separators, currency signs, parentheses for negatives."""

from foresell.contracts.columns import Column
from foresell.sources.parsing import FIRST, IN_A_MAPPING, Fault, Parsed, Reading, Value, as_text

# In RE2's syntax. White space includes the no-break and thin spaces of French and Swiss exports.
SPACE = r"[\s\x{00A0}\x{202F}\x{2009}]"
MINUS = r"[-−–]"
SIGN_OF_CURRENCY = r"(?:\p{Sc}|[A-Z]{3}|R\$|kr\.?|zł|Kč|Ft|лв\.?|руб\.?|元|円)"
LEADING = rf"^{SPACE}*({MINUS}|\+|\()?{SPACE}*{SIGN_OF_CURRENCY}?{SPACE}*({MINUS})?"
TRAILING = rf"{SPACE}*{SIGN_OF_CURRENCY}?{SPACE}*(?:{MINUS}|\))?{SPACE}*$"
NEGATIVE = (
    rf"^{SPACE}*[-−–(]|^{SPACE}*{SIGN_OF_CURRENCY}{SPACE}*{MINUS}"
    rf"|[0-9]{SPACE}*{SIGN_OF_CURRENCY}?{MINUS}{SPACE}*$"
)

FRACTION = r"(?:\.\d*)?"
GROUPED = "|".join(
    (
        rf"^\d{{1,3}}(?:,\d{{3}})+{FRACTION}$",
        rf"^\d{{1,2}}(?:,\d{{2}})+,\d{{3}}{FRACTION}$",
        rf"^\d{{1,3}}(?:{SPACE}\d{{3}})+{FRACTION}$",
        rf"^\d{{1,3}}(?:['’]\d{{3}})+{FRACTION}$",
        rf"^\d+{FRACTION}$",
        r"^\.\d+$",
    )
)
# "1,234" alone: thousands here, one and a bit there.
EITHER_WAY = r"^\d{1,3},\d{3}$"
HAS_COMMA = r"\d,\d"


def parse_number(value: Value, column: Column, reading: Reading) -> Parsed:
    """A decimal (rounded to 4 places), float (finite) or whole number.

    Without a stated decimal sign, a comma is a thousands separator only where nothing else is possible
    ("1,234.50", "1,234,567"); "1,234" and "1,5" are refused rather than guessed.
    """
    if value.kind in ("integer", "float", "decimal", "boolean"):
        return Parsed(_plain(value.sql, column), (_not_a_number(column, reading),))
    source = value.sql if value.kind == "text" else as_text(value)
    plain = source
    if reading.decimal == ",":
        # A point could be a thousands separator: let the patterns decide.
        plain = f"CASE WHEN contains({source}, '.') THEN NULL ELSE replace({source}, ',', '.') END"
    first, fast = _fast(plain, column)
    typed = f"CASE WHEN {fast} IS NOT NULL THEN {fast} ELSE {_by_pattern(source, column, reading)} END"
    comma = Fault(
        "invalid_number",
        f"The comma in '{column.name}' could be a decimal sign or separate thousands: "
        f'say decimal = "," or decimal = "." {IN_A_MAPPING}',
        f"regexp_matches({source}, '{HAS_COMMA}')",
    )
    faults = (_not_a_number(column, reading),)
    return Parsed(typed, (comma, *faults) if reading.decimal is None else faults, first)


def _fast(sql: str, column: Column) -> tuple[str, str]:
    """What is computed first, and the typed value by it."""
    if column.type == "float":
        return f"TRY_CAST({sql} AS DOUBLE)", f"CASE WHEN isfinite({FIRST}) THEN {FIRST} END"
    return _plain(sql, column), FIRST


def _not_a_number(column: Column, reading: Reading) -> Fault:
    expected = "a whole number" if column.type == "integer" else "a number"
    example = "1234" if column.type == "integer" else "1234,5" if reading.decimal == "," else "1234.5"
    limit = " (at most 14 digits before the decimal sign)" if column.type == "decimal" else ""
    return Fault("invalid_number", f"'{column.name}' must be {expected}{limit}, such as {example}")


def _plain(sql: str, column: Column) -> str:
    if column.type == "decimal":
        return f"TRY_CAST({sql} AS {column.sql_type})"
    number = f"TRY_CAST({sql} AS DOUBLE)"
    if column.type == "float":
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    whole = f"TRY_CAST({sql} AS BIGINT)"
    return f"CASE WHEN {number} = {whole} THEN {whole} END"


def _by_pattern(source: str, column: Column, reading: Reading) -> str:
    def escaped(pattern: str) -> str:
        return "'" + pattern.replace("'", "''") + "'"

    bare = f"regexp_replace(regexp_replace({source}, {escaped(LEADING)}, ''), {escaped(TRAILING)}, '')"
    if reading.decimal == ",":
        bare = f"translate({bare}, '.,', ',.')"
    fits = f"regexp_matches({bare}, {escaped(GROUPED)})"
    if reading.decimal is None:
        fits += f" AND NOT regexp_matches({bare}, {escaped(EITHER_WAY)})"
    separators = escaped(rf"[,'’]|{SPACE}")
    digits = f"regexp_replace({bare}, {separators}, '', 'g')"
    sign = f"CASE WHEN regexp_matches({source}, {escaped(NEGATIVE)}) THEN '-' ELSE '' END"
    number = _plain(f"concat({sign}, {digits})", column)
    return f"CASE WHEN {fits} THEN {number} END"
