"""Small changes of the rules in force that need no file: hide a product, check a text."""

import json
from typing import TYPE_CHECKING

from foresell.contracts.errors import ConflictError
from foresell.services.rules import RuleVersion, put_rules
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.rules.examining import RuleTouch

NAME_OF_TEXT = "rules"


def text_in_force(shop: Shop) -> str:
    """The rules in force as they were written; empty where there are none."""
    sets = shop.folder.state.rule_sets()
    return sets[-1].text if sets else ""


def hide_product(shop: Shop, product_id: str, title: str, by: str) -> RuleVersion:
    """A rule more: this product is recommended nowhere. ConflictError where such a rule is in force."""
    name = f"hide {product_id}"
    text = text_in_force(shop)
    if f"name = {_quoted(name)}" in text:
        raise ConflictError(f"The product '{product_id}' is hidden by a rule already")
    rule = f'[[rules]]\nname = {_quoted(name)}\nkind = "exclude"\nproduct_ids = [{_quoted(product_id)}]\n'
    both = f"{text.rstrip()}\n\n{rule}" if text.strip() else rule
    return put_rules(shop, both, NAME_OF_TEXT, by, f"hide {title}")


def examine_text(shop: Shop, text: str) -> "tuple[RuleTouch, ...]":
    """What each rule of a text would touch now, with warnings; nothing is changed. InputError for a text that
    cannot be read."""
    from datetime import UTC, datetime

    from foresell.predict.recommend.assortment import read_assortment
    from foresell.predict.recommend.rules.examining import examine
    from foresell.predict.recommend.rules.reading import rules_from_text

    rules = rules_from_text(text, NAME_OF_TEXT, shop.settings.store.time_zone)
    now = datetime.now(UTC)
    with shop.reading() as tables:
        return examine(rules, read_assortment(tables, now), now)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, control characters and quotes included."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
