"""Policies by name and parameters, as a TOML's section [policies] gives them."""

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from foresell.contracts.errors import InputError, did_you_mean
from foresell.simulator.policies import Policies
from foresell.simulator.rules import POLICIES

# What a kind falls back to: the rules of thumb.
DEFAULTS = {
    "recommend": "best_sellers",
    "price": "list_price",
    "promote": "as_planned",
    "replenish": "weeks_of_cover",
}


def make_policies(given: Mapping[str, object], *, where: str) -> Policies:
    """New policies, from keys such as `replenish = "weeks_of_cover"` and `replenish_weeks = 3`.

    A kind that is not named is its rule of thumb. InputError says `where` a key, name or value is wrong.
    """
    for key in given:
        if key.split("_")[0] not in POLICIES:
            raise InputError(
                f"{where}: there is no key '{key}' in [policies]", do=did_you_mean(key, POLICIES)
            )
    return Policies(**{kind: _policy(kind, given, where) for kind in POLICIES})


def _policy(kind: str, given: Mapping[str, object], where: str) -> Any:
    name = given.get(kind, DEFAULTS[kind])
    known = POLICIES[kind]
    if not isinstance(name, str) or name not in known:
        raise InputError(f"{where}: there is no policy '{name}' to {kind}", do=did_you_mean(str(name), known))
    module, _, attribute = known[name].partition(":")
    policy = getattr(import_module(module), attribute)
    settable = {f"{kind}_{field.name}": field.name for field in fields(policy) if field.init}
    chosen = {}
    for key, value in given.items():
        if key == kind or key.split("_")[0] != kind:
            continue
        if key not in settable:
            raise InputError(
                f"{where}: '{name}' has no parameter '{key}' in [policies]", do=did_you_mean(key, settable)
            )
        chosen[settable[key]] = _number(value, key, where)
    return policy(**chosen)


def _number(value: object, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise InputError(f"{where}: {key} must be a number from 0", received=repr(value), do="Correct it.")
    return value
