"""The entries of a room's literal dict: name → the module that holds one, loaded on use."""

from collections.abc import Mapping
from typing import Any


def load_entry(entries: Mapping[str, str], name: str, what: str, attribute: str = "MODEL") -> Any:
    """What the module of that name calls `attribute`; NotFoundError names the valid ones. `what`: a word for
    what is missing, such as recommender."""
    from importlib import import_module

    from foresell.contracts.errors import NotFoundError, did_you_mean

    if name not in entries:
        raise NotFoundError(f"There is no {what} '{name}'", do=did_you_mean(name, entries))
    return getattr(import_module(entries[name]), attribute)
