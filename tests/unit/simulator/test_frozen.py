"""The frozen worlds stay what they are, to the byte, and say everything themselves."""

import tomllib
from hashlib import sha256

import pytest

from foresell.contracts.errors import NotFoundError
from foresell.simulator.frozen import FOLDER, WORLDS, frozen_world
from foresell.simulator.settings import WorldSettings

# Never change these, nor the files: add another world.
FROZEN = {
    "even_ground": "e04c349a57b72def2b8db50fb0c5c849aa8f8b8bb73316fc4760d1e83a9ed4ed",
    "many_tastes": "38197de8f8f9884fe20cd879159a310e0d8f89fd3af687de82e140e658d5ce09",
    "tight_supply": "f46e7c56a6a3de8725ced65292e61f6c495bb06965d552725213f489c654a0e9",
}
# Keys that came later; a world that says nothing of them means the defaults.
LATER: dict[str, set[str]] = {}


def test_every_frozen_world_is_known_by_its_hash() -> None:
    assert set(WORLDS) == set(FROZEN) == {path.stem for path in FOLDER.glob("*.toml")}


@pytest.mark.parametrize("name", WORLDS)
def test_the_bytes_never_change(name: str) -> None:
    assert sha256((FOLDER / f"{name}.toml").read_bytes()).hexdigest() == FROZEN[name]


@pytest.mark.parametrize("name", WORLDS)
def test_every_key_is_written_out(name: str) -> None:
    tree = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for section, values in frozen_world(name).model_dump().items():
        assert set(tree[section]) | LATER.get(section, set()) == set(values)


def test_on_even_ground_nothing_can_be_gained() -> None:
    """What makes every policy's gain truly zero: see the file."""
    world = frozen_world("even_ground")
    assert (world.people.price_elasticity, world.people.elasticity_spread) == (1.0, 0.0)
    assert (world.catalog.margin_rate, world.catalog.margin_spread) == (1.0, 0.0)
    assert not any((world.catalog.price_spread, world.catalog.popularity_spread, world.people.taste_strength))
    assert not any((world.costs.parcel_cost, world.costs.payment_fee_rate, world.demand.return_rate))
    assert not world.stock.is_limited


def test_an_unknown_world_is_told_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="many_tastes"):
        frozen_world("many_taste")
    assert WorldSettings() not in [frozen_world(name) for name in WORLDS]
