"""What happens in the sessions of a day, collected as arrays and put in order at the end."""

from dataclasses import dataclass, field

import numpy as np

from foresell.contracts.tables import EVENT_NAMES
from foresell.simulator.draws import Floats, Ints

NAME = {name: code for code, name in enumerate(EVENT_NAMES)}
NOTHING = -1
# `list_id` of the recommendations on the first page; categories follow from 1.
HOME_LIST = 0
FAVORITES_LIST = 1000
COLUMNS = ("session", "step", "name", "product", "position", "list_id", "price", "quantity")


@dataclass
class EventLog:
    """Events by session and step; a step only orders the events of its session."""

    parts: dict[str, list[np.ndarray]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def add(
        self,
        name: str,
        session: Ints,
        step: Ints | int,
        *,
        product: Ints | int = NOTHING,
        position: Ints | int = NOTHING,
        list_id: Ints | int = NOTHING,
        price: Floats | float = np.nan,
        quantity: Ints | int = NOTHING,
    ) -> None:
        if not len(session):
            return
        values = (session, step, NAME[name], product, position, list_id, price, quantity)
        for column, value in zip(COLUMNS, values, strict=True):
            self.parts[column].append(np.broadcast_to(np.asarray(value), session.shape))

    def in_order(self) -> dict[str, np.ndarray]:
        """Every column, ordered by session and step, and `rank`: the place of an event in its session."""
        if not self.parts["session"]:
            return {name: np.empty(0, dtype=np.int64) for name in (*COLUMNS, "rank")}
        joined = {name: np.concatenate(parts) for name, parts in self.parts.items()}
        order = np.lexsort((joined["step"], joined["session"]))
        ordered = {name: values[order] for name, values in joined.items()}
        session = ordered["session"]
        first = np.flatnonzero(np.diff(session, prepend=session[0] - 1))
        ordered["rank"] = np.arange(len(session)) - np.repeat(first, np.diff(first, append=len(session)))
        return ordered
