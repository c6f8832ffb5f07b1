"""Worlds that never change, so that what policies earn in them compares over the years.

Each TOML says at its top what should be gained in it, written before anything was measured.
"""

from pathlib import Path

from foresell.contracts.errors import NotFoundError, did_you_mean
from foresell.simulator.settings import WorldSettings, read_world

FOLDER = Path(__file__).with_name("worlds")
WORLDS = ("even_ground", "many_tastes", "tight_supply")


def frozen_world(name: str) -> WorldSettings:
    """One of WORLDS; NotFoundError names them."""
    if name not in WORLDS:
        raise NotFoundError(f"There is no world '{name}'", do=did_you_mean(name, WORLDS))
    return read_world(FOLDER / f"{name}.toml")
