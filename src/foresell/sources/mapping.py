"""How the columns of a source become the columns of the canonical tables.

A mapping is data: it is stored with every run as JSON, so that a rebuild needs nothing else. Mappings of
presets may hold SQL, since they are code; a user's TOML never becomes SQL other than as literals.
"""

import json
from collections.abc import Mapping as MappingOf
from dataclasses import MISSING, dataclass, field, fields, replace
from dataclasses import Field as DataclassField
from pathlib import Path
from typing import Any

from foresell.contracts.errors import InputError
from foresell.contracts.tables import TABLES, Table
from foresell.privacy.nested import ANYWHERE
from foresell.sources.staging import ReadOptions

# What a direct identifier can be. Each kind has its own tokens: an e-mail address and a name never meet.
IDENTIFIER_KINDS = (
    "email",
    "phone",
    "name",
    "address",
    "ip",
    "device",
    "card",
    "account",
    "document",
    "other",
)
# Kinds that lead to one customer; a name, an address or an IP address is shared by many.
LINKING_KINDS = ("email", "phone", "device", "card", "account", "document")
# Kinds that many share, kept of customers so that accounts of one person can be compared.
COMPARED_KINDS = ("name", "address")
# The kinds of identifier by which the raw rows of a customer are found again.
CUSTOMER_KINDS = ("customer_id", "order_id", "order_line_id", "anonymous_id", "session_id", "cart_id")


@dataclass(frozen=True, slots=True)
class Field:
    """Where one target column comes from: source columns, a constant, or (presets) SQL.

    `columns`: one source column, or several joined by `separator` (null if any is empty); with `sql`, the
    source columns that the expression reads. In `sql`, `{name}` is the typed target column `name` of the
    same target, which must itself have no `sql`.
    `formats`: strptime formats, or epoch_s, epoch_ms, epoch_us. `decimal`: "." or ",". `time_zone`: of times
    that name none. `values`: source word → target word. `identifier`: the kind of direct identifier the
    source column holds; it reaches the store as a token only. `is_optional`: null if the file has no such
    column.
    """

    columns: tuple[str, ...] = ()
    value: str | None = None
    sql: str | None = None
    separator: str = "-"
    formats: tuple[str, ...] = ()
    decimal: str | None = None
    time_zone: str | None = None
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    values: MappingOf[str, str] = field(default_factory=dict)
    identifier: str | None = None
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A row for which `condition` holds is quarantined with `error_code`.

    The condition is SQL over the raw columns by name and the typed target columns as `{name}`; `column` is
    the one at fault, in the source's words.
    """

    error_code: str
    column: str
    condition: str
    message: str


@dataclass(frozen=True, slots=True)
class Target:
    """One table that the rows of a source feed.

    `is_primary`: the row's outcome is that of its row in this table. `when`: SQL over the raw columns; rows
    for which it is not true do not feed the target. `is_one_per_key`: the first good row of each key in row
    order is taken (if none is good, the first). `is_stub`: it only makes keys that do not exist yet.
    `unnest`: SQL over the raw columns that gives a list of JSON; the target has a row for each of its items,
    with the item as `_item` and its place from 1 as `_place` (raw columns are there too). Such a target is
    not primary and stands after those that are: an item is good or bad as its source row is.
    `is_retired`: its rows end their keys (see `store.merge`); only keys, and `valid_from`, need be mapped.
    Rows of a target that is not primary are left out where a key column is null.
    """

    table: str
    fields: MappingOf[str, Field]
    is_primary: bool = False
    when: str | None = None
    unnest: str | None = None
    is_one_per_key: bool = False
    is_stub: bool = False
    is_retired: bool = False
    valid_from: Field | None = None
    rules: tuple[Rule, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def contract(self) -> Table:
        return TABLES[self.table]

    @property
    def all_fields(self) -> dict[str, Field]:
        """The fields, `valid_from` included."""
        extra = {} if self.valid_from is None else {"valid_from": self.valid_from}
        return {**self.fields, **extra}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A source's name, its targets, and what holds for all of its columns.

    The primary targets partition the rows: a row belongs to the first whose `when` is true.
    `prepare`: SQL, a SELECT over `{raw}` (which has `_row_number`) that keeps its columns and adds some.
    `is_prepared_by_row`: it looks at each row by itself, so that a corrected row is prepared anew.
    `identifiers`: source columns that hold direct identifiers without being mapped → kind; `privacy.nested`
    says what else can be named, for sources of JSON.
    `time_zone`, `currency`: default to the store's. `decimal`: "." or ","; None: "." where unambiguous.
    `is_snapshot`: each file is a full dump. `snapshot_at`: of the dump of one run, the moment (ISO 8601, with
    its offset) from which its rows are true.
    """

    name: str
    targets: tuple[Target, ...]
    time_zone: str | None = None
    currency: str | None = None
    decimal: str | None = None
    null_words: tuple[str, ...] = ()
    identifiers: MappingOf[str, str] = field(default_factory=dict)
    prepare: str | None = None
    is_prepared_by_row: bool = False
    read: ReadOptions = field(default_factory=ReadOptions)
    is_snapshot: bool = False
    snapshot_at: str | None = None

    @property
    def primaries(self) -> tuple[Target, ...]:
        return tuple(target for target in self.targets if target.is_primary)


def identifier_columns(mapping: Mapping) -> dict[str, str]:
    """The source columns that hold direct identifiers → kind. They must become tokens before storing.

    A column may be named here that the file does not have.
    """
    kinds = dict(mapping.identifiers)
    for target in mapping.targets:
        for source in target.all_fields.values():
            if source.identifier is not None:
                kinds.update(dict.fromkeys(source.columns, source.identifier))
    return kinds


def with_identities(mapping: Mapping) -> Mapping:
    """The mapping with a target for `identities` per identifier of LINKING_KINDS, if a customer_id is mapped.

    What feeds `customers` gives those of COMPARED_KINDS too.
    Each gives (id_type, id_token, customer_id) of every pair seen; the token is what the raw column holds
    by then.
    """
    customer = _customer_field(mapping)
    if customer is None or any(target.table == "identities" for target in mapping.targets):
        return mapping
    of_customers = any(target.table == "customers" for target in mapping.targets)
    kinds = (*LINKING_KINDS, *(COMPARED_KINDS if of_customers else ()))
    added = tuple(
        Target(
            "identities",
            {
                "id_type": Field(value=kind),
                "id_token": Field(columns=(column,), is_optional=True),
                "customer_id": customer,
                "confidence": Field(value="1"),
                "method": Field(value="same row"),
            },
            is_one_per_key=True,
            needs=("customer_id",),
        )
        for column, kind in identifier_columns(mapping).items()
        if kind in kinds and column not in customer.columns and not column.startswith(ANYWHERE)
    )
    return replace(mapping, targets=mapping.targets + added)


def _customer_field(mapping: Mapping) -> Field | None:
    for target in sorted(mapping.targets, key=lambda target: target.table != "customers"):
        if target.table != "identities" and (found := target.fields.get("customer_id")):
            return found
    return None


def mapping_to_json(mapping: Mapping) -> str:
    """All of the mapping as JSON; what has its default value is left out."""
    return json.dumps(_plain(mapping), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping | Target | Field | Rule | ReadOptions):
        pairs = ((item, getattr(value, item.name)) for item in fields(value))
        return {item.name: _plain(given) for item, given in pairs if not _is_default(item, given)}
    if isinstance(value, MappingOf):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _is_default(item: DataclassField[Any], given: object) -> bool:
    default = item.default if item.default_factory is MISSING else item.default_factory()
    return bool(given == default)


def mapping_from_json(text: str) -> Mapping:
    """The mapping that `mapping_to_json` wrote. Raises InputError where the text is no mapping."""
    try:
        tree = json.loads(text)
        targets = tuple(_target(target) for target in tree.pop("targets"))
        read = ReadOptions(**_frozen(tree.pop("read", {})))
        return Mapping(targets=targets, read=read, **_frozen(tree))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            "A stored mapping cannot be read", received=text[:200], do="It was changed or cut short."
        ) from error


def _target(tree: dict[str, Any]) -> Target:
    columns = {name: Field(**_frozen(source)) for name, source in tree.pop("fields").items()}
    valid_from = tree.pop("valid_from", None)
    rules = tuple(Rule(**rule) for rule in tree.pop("rules", ()))
    return Target(
        fields=columns,
        valid_from=None if valid_from is None else Field(**_frozen(valid_from)),
        rules=rules,
        **_frozen(tree),
    )


def _frozen(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in tree.items()}


def read_mapping(path: Path) -> Mapping:
    """A user's mapping TOML; see `mapping_toml`."""
    from foresell.sources.mapping_toml import read_toml

    return read_toml(path)
