"""The names of events, as trackers write them."""

import re
from functools import lru_cache
from typing import Any

from foresell.contracts.tables import EVENT_NAMES
from foresell.sources.words import EVENT_ALIASES

KNOWN = {**{name: name for name in EVENT_NAMES}, **EVENT_ALIASES}


@lru_cache(maxsize=4096)
def known_name(name: str) -> str | None:
    """The canonical name that a name means; None where it means none."""
    return KNOWN.get(re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"))


def canonical_name(name: Any) -> tuple[Any, dict[str, Any]]:
    """The canonical name, and what the properties are to say of one that there is not: it is then `other`."""
    if not isinstance(name, str) or not name.strip():
        return name, {}
    found = known_name(name)
    return (found, {}) if found else ("other", {"event_name": name})
