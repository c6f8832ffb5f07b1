"""Rules that always hold: what a shop forbids, caps, weighs and pins in its recommendations, as data.

`reading` (TOML → rules) → `compiling` (for a surface and moment, then for a customer) → `constraints`, with
`verify`; `examining` says what a rule touches. docs/rules.md shows every kind.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foresell.predict.recommend.rules.kind import Kind

# Kind → the module whose KIND it is; loaded on use.
RULES: dict[str, str] = {
    "exclude": "foresell.predict.recommend.rules.kinds.exclude",
    "only": "foresell.predict.recommend.rules.kinds.only",
    "in_stock": "foresell.predict.recommend.rules.kinds.in_stock",
    "status": "foresell.predict.recommend.rules.kinds.status",
    "price_range": "foresell.predict.recommend.rules.kinds.price_range",
    "min_age": "foresell.predict.recommend.rules.kinds.min_age",
    "already_bought": "foresell.predict.recommend.rules.kinds.already_bought",
    "frequency_cap": "foresell.predict.recommend.rules.kinds.frequency_cap",
    "blackout": "foresell.predict.recommend.rules.kinds.blackout",
    "cap": "foresell.predict.recommend.rules.kinds.cap",
    "collapse_variants": "foresell.predict.recommend.rules.kinds.collapse_variants",
    "margin_weight": "foresell.predict.recommend.rules.kinds.margin_weight",
    "boost": "foresell.predict.recommend.rules.kinds.boost",
    "bury": "foresell.predict.recommend.rules.kinds.bury",
    "pin": "foresell.predict.recommend.rules.kinds.pin",
}
# Where recommendations are shown; a rule may hold on some of them only.
SURFACES: tuple[str, ...] = (
    *("customer", "session", "basket", "similar", "together", "buy_again", "trending", "new_arrivals"),
    *("on_offer", "rerank", "segment", "email", "search"),
)


def load_kind(name: str) -> "Kind":
    """The kind of rule of that name; NotFoundError names the valid ones."""
    from importlib import import_module

    from foresell.contracts.errors import NotFoundError, did_you_mean

    if name not in RULES:
        raise NotFoundError(f"There is no kind of rule '{name}'", do=did_you_mean(name, RULES))
    kind: Kind = import_module(RULES[name]).KIND
    return kind
