"""A user's mapping: which columns of a file are what, in TOML, without SQL.

    name = "my_webshop"            # default: the file's name
    time_zone = "Europe/Berlin"    # of times that name none; default: the store's
    currency = "EUR"               # of amounts whose currency is not mapped; default: the store's
    decimal = ","                  # default: "." where nothing else is possible
    null_words = ["n/a"]           # texts that say nothing
    snapshot = true                # each file is a full dump: what it lacks is no longer true

    [read]                         # how to read the file, where that cannot be found out
    delimiter = ";"
    encoding = "cp1252"

    [source]                       # what to read, if it is a database: see `sql.selection`
    table = "public.orders"

    [identifiers]                  # columns with direct identifiers that are not mapped otherwise
    "E-Mail" = "email"             # becomes a token before anything is stored

    [tables.orders]
    valid_from = "Changed"         # versioned tables only: since when it is true
    where = { column = "Type", in = ["order"] }    # or: starts_with = "ORD"; and: not = true

    [tables.orders.columns]
    order_id = "Order No"
    created_at = { from = "Date", formats = ["%d/%m/%Y %H:%M"] }
    currency = { value = "EUR" }
    is_test = { from = "Test", true = ["ja"], false = ["nein"] }
    status = { from = "State", values = { versandt = "shipped" } }

    [tables.order_lines]
    primary = true                 # which table decides the outcome of a row; default: the first
    [tables.order_lines.columns]
    order_line_id = { from = ["Order No", "Line"], separator = "-" }
    line_amount = { calculate = "quantity * unit_price - discount_amount" }    # of mapped columns

Of the tables that are not primary, the first row of each key is taken (`one_per_key = false`: every row).
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Any

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.settings import is_time_zone
from foresell.contracts.tables import TABLES, Table
from foresell.sources.calculated import calculated, check_calculated, year_of
from foresell.sources.mapping import IDENTIFIER_KINDS, Field, Mapping, Target, with_identities
from foresell.sources.parsing_times import EPOCHS
from foresell.sources.staging import read_options
from foresell.sources.words import CURRENCIES
from foresell.store.engine import literal, quoted

TOP_KEYS = (
    *("name", "time_zone", "currency", "decimal", "null_words"),
    *("snapshot", "read", "source", "identifiers", "tables"),
)
TABLE_KEYS = ("columns", "valid_from", "primary", "one_per_key", "stub", "where")
FIELD_KEYS = (
    *("from", "value", "separator", "formats", "decimal", "time_zone"),
    *("true", "false", "values", "identifier", "optional"),
    *("calculate", "year_of"),
)
CONDITION_KEYS = ("column", "in", "starts_with", "not")

Tree = MappingOf[str, Any]


def read_toml(path: Path) -> Mapping:
    """The mapping of a TOML file.

    Raises NotFoundError, or InputError for text that is no TOML, unknown keys, tables and columns (naming the
    closest), values of the wrong type, and columns that a table needs and the mapping lacks.
    """
    return mapping_from_tree(_tree(path), path.stem, where=path.name)


def read_source(path: Path) -> Tree:
    """The `[source]` table of a mapping, empty if it has none; errors as of `read_toml`."""
    return _table(_tree(path).get("source", {}), f"{path.name}: [source]")


def _tree(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no mapping {path}", do="Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} is not TOML: {error}", do="Correct it at that line.") from error


def mapping_from_tree(tree: Tree, name: str, *, where: str) -> Mapping:
    """The mapping of nested tables as TOML gives them; see the module for the keys."""
    _check_keys(tree, TOP_KEYS, where)
    tables = {
        name: _checked_table(name, value, where)
        for name, value in _table(tree.get("tables", {}), f"{where}: [tables]").items()
    }
    if not tables:
        raise InputError(
            f"{where} maps no table",
            do="Add at least one, such as [tables.orders] and [tables.orders.columns].",
        )
    currency = _text(tree.get("currency"), f"{where}: currency", _is_currency)
    identifiers = dict(_table(tree.get("identifiers", {}), f"{where}: [identifiers]"))
    for column, kind in identifiers.items():
        _identifier(kind, f"{where}: [identifiers] '{column}'")
    primaries = [key for key, value in tables.items() if value.get("primary")] or list(tables)[:1]
    targets = [_target(key, value, key in primaries, where) for key, value in tables.items()]
    _refuse_idle(targets, where)
    for key, value in tables.items():
        identifiers |= _unmapped_identifiers(key, value, where)
    mapping = Mapping(
        name=_text(tree.get("name"), f"{where}: name") or name,
        targets=tuple(targets),
        time_zone=_text(tree.get("time_zone"), f"{where}: time_zone", _is_time_zone),
        currency=currency,
        decimal=_text(tree.get("decimal"), f"{where}: decimal", _is_decimal),
        null_words=_texts(tree.get("null_words", []), f"{where}: null_words"),
        identifiers=identifiers,
        is_snapshot=_flag(tree.get("snapshot", False), f"{where}: snapshot"),
        read=read_options(_table(tree.get("read", {}), f"{where}: [read]"), where=f"{where}: [read]"),
    )
    return with_identities(mapping)


def _checked_table(name: str, tree: object, where: str) -> Tree:
    if name not in TABLES:
        raise InputError(f"{where}: there is no table '{name}'", do=did_you_mean(name, TABLES))
    place = f"{where}: [tables.{name}]"
    table = _table(tree, place)
    _check_keys(table, TABLE_KEYS, place)
    for key in ("primary", "one_per_key", "stub"):
        _flag(table.get(key, False), f"{place} {key}")
    if not _table(table.get("columns", {}), f"{place} columns"):
        raise InputError(f"{place} maps no column", do=f"Add [tables.{name}.columns].")
    return table


def _target(name: str, tree: Tree, is_primary: bool, where: str) -> Target:
    place = f"{where}: [tables.{name}]"
    contract = TABLES[name]
    valid = [column.name for column in contract.own_columns]
    columns: dict[str, Field] = {}
    for column, value in tree["columns"].items():
        source = _field(value, f"{place} {column}", contract)
        if column in valid:
            columns[column] = source
        elif source.identifier is None:
            raise InputError(f"{place}: there is no column '{column}'", do=did_you_mean(column, valid))
    _check_required(contract, columns, place)
    check_calculated(tree["columns"], columns, place)
    is_bare = not is_primary and set(columns) == set(contract.key)
    return Target(
        table=name,
        fields=columns,
        is_primary=is_primary,
        when=_condition(tree["where"], f"{place} where") if "where" in tree else None,
        is_one_per_key=tree.get("one_per_key", not is_primary),
        is_stub=tree.get("stub", is_bare and name in ("customers", "products", "locations")),
        valid_from=_valid_from(contract, tree, place),
    )


def _unmapped_identifiers(name: str, tree: Tree, where: str) -> dict[str, str]:
    """Identifiers written among a table's columns under a name that is no column of it."""
    valid = {column.name for column in TABLES[name].own_columns}
    contract = TABLES[name]
    sources = [
        _field(value, where, contract) for column, value in tree["columns"].items() if column not in valid
    ]
    return {column: str(source.identifier) for source in sources for column in source.columns}


def _check_required(contract: Table, columns: Iterable[str], place: str) -> None:
    # The currency falls back on the mapping's, then on the store's.
    needed = {*contract.key, *(c.name for c in contract.own_columns if c.required)} - {"currency"}
    missing = sorted(needed - set(columns))
    if missing:
        raise InputError(
            f"{place} lacks {', '.join(missing)}", do=f"Map what {contract.name} cannot do without."
        )


def _valid_from(contract: Table, tree: Tree, place: str) -> Field | None:
    if "valid_from" not in tree:
        return None
    if not contract.is_versioned:
        raise InputError(
            f"{place}: {contract.name} keeps no versions, so it has no valid_from", do="Remove the line."
        )
    return _field(tree["valid_from"], f"{place} valid_from", contract)


def _field(tree: object, place: str, contract: Table) -> Field:
    if isinstance(tree, str):
        return Field(columns=(tree,))
    options = _table(tree, place)
    _check_keys(options, FIELD_KEYS, place)
    if len({"from", "value", "calculate", "year_of"} & set(options)) != 1:
        raise InputError(
            f"{place} needs either 'from' or 'value', or 'calculate' or 'year_of'", received=dict(options)
        )
    if formula := _text(options.get("calculate"), f"{place} calculate"):
        return calculated(formula, contract, place)
    if column := _text(options.get("year_of"), f"{place} year_of"):
        return year_of(column)
    origin = options.get("from", "")
    if "from" in options and not origin:
        raise InputError(f"{place} names no column", do='Such as from = "Order No".')
    values = _table(options.get("values", {}), f"{place} values")
    return Field(
        columns=_texts([origin] if origin and isinstance(origin, str) else origin or [], f"{place} from"),
        value=_text(options.get("value"), f"{place} value"),
        separator=_text(options.get("separator"), f"{place} separator") or "-",
        formats=_formats(options.get("formats", []), f"{place} formats"),
        decimal=_text(options.get("decimal"), f"{place} decimal", _is_decimal),
        time_zone=_text(options.get("time_zone"), f"{place} time_zone", _is_time_zone),
        true_words=_texts(options.get("true", []), f"{place} true"),
        false_words=_texts(options.get("false", []), f"{place} false"),
        values={key: str(value) for key, value in values.items()},
        identifier=_identifier(options.get("identifier"), f"{place} identifier"),
        is_optional=_flag(options.get("optional", False), f"{place} optional"),
    )


def _formats(value: object, place: str) -> tuple[str, ...]:
    """Formats that DuckDB's strptime knows, or of EPOCHS."""
    import duckdb

    formats = _texts(value, place)
    for given in formats:
        if given in EPOCHS:
            continue
        try:
            duckdb.execute(f"SELECT try_strptime('', {literal(given)})")
        except duckdb.Error as error:
            raise InputError(
                f"{place}: '{given}' is no format of a date or time",
                received=str(error).splitlines()[0],
                do='Such as "%d/%m/%Y %H:%M", or "epoch_s".',
            ) from error
    return formats


def _refuse_idle(targets: Sequence[Target], where: str) -> None:
    """InputError where a table would never get a row, since one before it takes all."""
    primaries = [target for target in targets if target.is_primary]
    greedy = next((target for target in primaries[:-1] if target.when is None), None)
    if greedy is not None:
        idle = primaries[primaries.index(greedy) + 1].table
        raise InputError(
            f"{where}: {greedy.table} takes every row, so that {idle} would never get one",
            do=f"Say where = … in [tables.{greedy.table}], or remove `primary` from [tables.{idle}].",
        )


def _condition(tree: object, place: str) -> str:
    """A condition on one column, as SQL made of literals only."""
    options = _table(tree, place)
    _check_keys(options, CONDITION_KEYS, place)
    column = _text(options.get("column"), f"{place} column")
    if not column or ("in" in options) == ("starts_with" in options):
        raise InputError(f"{place} needs 'column' and either 'in' or 'starts_with'", received=dict(options))
    text = f"trim(CAST({quoted(column)} AS VARCHAR))"
    if "in" in options:
        choices = ", ".join(literal(word) for word in _texts(options["in"], f"{place} in"))
        test = f"{text} IN ({choices or 'NULL'})"
    else:
        test = f"starts_with({text}, {literal(_text(options['starts_with'], place) or '')})"
    is_negated = _flag(options.get("not", False), f"{place} not")
    return f"coalesce({test}, false) = {'false' if is_negated else 'true'}"


def _check_keys(tree: Tree, known: Iterable[str], place: str) -> None:
    for key in tree:
        if key not in known:
            raise InputError(f"{place}: there is no key '{key}'", do=did_you_mean(key, known))


def _table(value: object, place: str) -> Tree:
    if not isinstance(value, MappingOf):
        raise InputError(f"{place} must be a table", received=repr(value))
    return value


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{place} must be true or false", received=repr(value))
    return value


def _texts(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{place} must be a list of texts", received=repr(value), do='Such as ["%d/%m/%Y"].')
    return tuple(value)


def _text(value: object, place: str, check: Callable[[str], str] = lambda _: "") -> str | None:
    """A text, or None if not given; `check` says what is wrong with it, or nothing."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"{place} must be a text", received=repr(value), do="Put it in quotes.")
    if fault := check(value):
        raise InputError(f"{place} {fault}", received=repr(value))
    return value


def _identifier(kind: object, place: str) -> str | None:
    if kind is not None and kind not in IDENTIFIER_KINDS:
        raise InputError(
            f"{place} must be a kind of identifier",
            received=repr(kind),
            do=did_you_mean(str(kind), IDENTIFIER_KINDS),
        )
    return None if kind is None else str(kind)


def _is_decimal(value: str) -> str:
    return "" if value in (".", ",") else 'must be "." or ","'


def _is_currency(value: str) -> str:
    return "" if value in CURRENCIES else "must be an ISO 4217 code, such as EUR"


def _is_time_zone(value: str) -> str:
    return "" if is_time_zone(value) else "must be an IANA time zone, such as Europe/Berlin"
