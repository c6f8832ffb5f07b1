"""A product hidden from one button, whatever it is called."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foresell.contracts.errors import ConflictError, InputError
from foresell.services.rule_edits import _quoted, examine_text, hide_product, text_in_force
from foresell.services.rules import clear_rules, current_rules
from foresell.services.shop import Shop


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=30))
def test_any_id_is_a_text_of_toml(product_id: str) -> None:
    assert tomllib.loads(f"id = {_quoted(product_id)}") == {"id": product_id}


def test_hidden_products_are_rules_beside_those_there_were(shop: Shop) -> None:
    assert text_in_force(shop) == ""
    hide_product(shop, 'p"1\\', "Tea", "ann")
    made = hide_product(shop, "p2", "Cup", "ann")
    assert (made.version, made.made_by, made.note, made.num_rules) == (2, "ann", "hide Cup", 2)
    assert [rule.name for rule in current_rules(shop)[1]] == ['hide p"1\\', "hide p2"]
    with pytest.raises(ConflictError):
        hide_product(shop, "p2", "Cup", "ann")
    clear_rules(shop, "ann")
    assert text_in_force(shop) == ""
    with pytest.raises(InputError):
        examine_text(shop, "[[rules]]\nkind = 'no such kind'")
