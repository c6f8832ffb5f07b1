"""A scenario: a world and the policies that run the shop in it, from a TOML.

world = "many_tastes"            # a frozen world; or none: the default world
[people]                         # what differs in it; any section of a world's settings
price_elasticity = 1.5
[policies]                       # each kind: recommend, price, promote, replenish
price = "cost_plus"
price_markup = 0.6               # parameters by the kind's name
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresell.contracts.errors import InputError
from foresell.contracts.settings import make_tree, read_toml
from foresell.simulator.settings import WorldSettings


@dataclass(frozen=True)
class Scenario:
    """`policies`: the keys of [policies], checked."""

    name: str
    settings: WorldSettings
    policies: Mapping[str, object]


def read_scenario(path: Path, *, days: int | None = None) -> Scenario:
    """A scenario from a file; InputError or NotFoundError names the key and what would be right."""
    from foresell.simulator.settings import change_world

    made = make_scenario(path.stem, read_toml(path), where=str(path))
    return Scenario(made.name, change_world(made.settings, days=days), made.policies)


def make_scenario(name: str, tree: Mapping[str, Any], *, where: str) -> Scenario:
    """A scenario from nested mappings; errors as in `read_scenario`."""
    from foresell.simulator.frozen import frozen_world
    from foresell.simulator.rules.choosing import make_policies

    world = tree.get("world")
    base = WorldSettings() if world is None else frozen_world(str(world))
    changes = {key: value for key, value in tree.items() if key not in ("world", "policies")}
    changed = make_tree(WorldSettings, changes, where=where)
    merged = base.model_dump()
    for section in changes:
        given = getattr(changed, section)
        merged[section] |= {key: getattr(given, key) for key in given.model_fields_set}
    policies = tree.get("policies", {})
    if not isinstance(policies, Mapping):
        raise InputError(f"{where}: [policies] must be a section", received=repr(policies))
    make_policies(policies, where=where)
    return Scenario(name, make_tree(WorldSettings, merged, where=where), dict(policies))
