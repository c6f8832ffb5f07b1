"""Files whose columns are named as those of the canonical tables: one preset a table."""

from foresell.contracts.tables import TABLES, Table
from foresell.sources.mapping import Field, Mapping, Target, with_identities
from foresell.sources.presets.preset import Preset

# Columns by these names hold direct identifiers, whatever table they come with; they are no columns of it.
IDENTIFIER_NAMES = {
    "email": "email",
    "e_mail": "email",
    "email_address": "email",
    "phone": "phone",
    "phone_number": "phone",
    "mobile": "phone",
    "first_name": "name",
    "last_name": "name",
    "full_name": "name",
    "customer_name": "name",
    "address": "address",
    "address1": "address",
    "address2": "address",
    "street": "address",
    "ip": "ip",
    "ip_address": "ip",
}
# Canonical columns that hold tokens: what a file has there is made one, as it may be the identifier itself.
TOKEN_COLUMNS = {
    ("orders", "ip_token"): "ip",
    ("orders", "device_token"): "device",
    ("orders", "card_token"): "card",
    ("identities", "id_token"): "other",
}


def canonical_preset(table: Table) -> Preset:
    """Every column of the table maps to itself; those it can do without may be missing from the file."""
    needed = {*table.key, *(column.name for column in table.own_columns if column.required)} - {"currency"}
    fields = {
        column.name: Field(
            columns=(column.name,),
            is_optional=column.name not in needed,
            identifier=TOKEN_COLUMNS.get((table.name, column.name)),
        )
        for column in table.own_columns
    }
    valid_from = Field(columns=("valid_from",), is_optional=True) if table.is_versioned else None
    target = Target(table.name, fields, is_primary=True, valid_from=valid_from)
    mapping = Mapping(table.name, (target,), identifiers=IDENTIFIER_NAMES)
    return Preset(table.name, table.doc, {table.name: with_identities(mapping)})


CANONICAL_PRESETS = {name: canonical_preset(table) for name, table in TABLES.items()}
