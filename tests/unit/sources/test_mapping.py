import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import InputError
from foresell.sources import PRESETS
from foresell.sources.mapping import (
    Field,
    Mapping,
    Rule,
    Target,
    identifier_columns,
    mapping_from_json,
    mapping_to_json,
    with_identities,
)
from foresell.sources.staging import ReadOptions

TEXT = st.text(max_size=8)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
FIELDS = st.builds(
    Field,
    columns=TEXTS,
    value=st.none() | TEXT,
    sql=st.none() | TEXT,
    separator=TEXT,
    formats=TEXTS,
    decimal=st.sampled_from([None, ".", ","]),
    true_words=TEXTS,
    values=st.dictionaries(TEXT, TEXT, max_size=2),
    is_optional=st.booleans(),
)
TARGETS = st.builds(
    Target,
    table=st.sampled_from(["orders", "customers"]),
    fields=st.dictionaries(TEXT, FIELDS, max_size=3),
    is_primary=st.booleans(),
    when=st.none() | TEXT,
    valid_from=st.none() | FIELDS,
    rules=st.lists(st.builds(Rule, TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    needs=TEXTS,
)
MAPPINGS = st.builds(
    Mapping,
    name=TEXT,
    targets=st.lists(TARGETS, max_size=3).map(tuple),
    null_words=TEXTS,
    identifiers=st.dictionaries(TEXT, TEXT, max_size=2),
    prepare=st.none() | TEXT,
    read=st.builds(ReadOptions, has_header=st.booleans(), quote=st.sampled_from(['"', ""])),
)


@given(MAPPINGS)
def test_json_gives_the_same_mapping_back(mapping: Mapping) -> None:
    assert mapping_from_json(mapping_to_json(mapping)) == mapping


def test_every_preset_survives_being_stored() -> None:
    for preset in PRESETS.values():
        for mapping in preset.mappings.values():
            assert mapping_from_json(mapping_to_json(mapping)) == mapping


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"targets": [{"table": "orders"}]}', '{"name": 1'])
def test_a_damaged_stored_mapping_is_named(text: str) -> None:
    with pytest.raises(InputError, match="stored mapping"):
        mapping_from_json(text)


def _orders(**fields: Field) -> Mapping:
    target = Target("orders", {"order_id": Field(columns=("No",)), **fields}, is_primary=True)
    return Mapping("shop", (target,), identifiers={"E-Mail": "email", "Name": "name"})


def test_direct_identifiers_are_found_wherever_they_are_mapped() -> None:
    mapping = _orders(ip_token=Field(columns=("IP",), identifier="ip"))
    assert identifier_columns(mapping) == {"E-Mail": "email", "Name": "name", "IP": "ip"}


def test_identities_link_tokens_that_belong_to_one_customer_only() -> None:
    mapping = with_identities(_orders(customer_id=Field(columns=("Customer",))))
    added = [target for target in mapping.targets if target.table == "identities"]
    assert [target.fields["id_type"].value for target in added] == ["email"]
    assert with_identities(mapping) == mapping
    assert with_identities(_orders()) == _orders()


def test_names_and_addresses_of_customers_are_kept_to_be_compared() -> None:
    customers = Target("customers", {"customer_id": Field(columns=("Customer",))}, is_primary=True)
    identifiers = {"Mail": "email", "Name": "name", "Street": "address", "IP": "ip"}
    mapping = with_identities(Mapping("people", (customers,), identifiers=identifiers))
    added = [target for target in mapping.targets if target.table == "identities"]
    assert [target.fields["id_type"].value for target in added] == ["email", "name", "address"]
