"""What a shape of live events is, and which one a body has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foresell.contracts.errors import InputError, did_you_mean

Body = Any
# An event under the names of the canonical table, or what was sent in the place of one.
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """`is_it`: whether a body has this shape. `unpack`: its events; an element that is no event stays as it
    is. `has_plain_ids`: ids stay as they are, as imports of this shape keep them; else e-mail addresses
    in them become tokens too."""

    name: str
    is_it: Callable[[Body], bool]
    unpack: Callable[[Body, datetime], list[Any]]
    has_plain_ids: bool = False


def shape_of(body: Body, shapes: Mapping[str, Shape], wanted: str | None = None) -> Shape:
    """The shape that is wanted, else the first that the body has. InputError where there is none."""
    if wanted is not None:
        if wanted not in shapes:
            raise InputError(f"There is no shape '{wanted}'", do=did_you_mean(wanted, shapes))
        return shapes[wanted]
    for shape in shapes.values():
        if shape.is_it(body):
            return shape
    raise InputError(
        "The body holds no events",
        do='Send an event, a list of them, {"events": [...]} or {"batch": [...]}: Foresell\'s own shape, '
        "that of GA4's Measurement Protocol, or Segment's.",
    )
