"""The pages, by their address: one a file, one line here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from foresell.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Page:
    """`module`: the file beside this one whose `build` makes it; `family`: its entry of the menu; `scope`:
    what one must be allowed to see it."""

    path: str
    module: str
    family: str
    scope: str = "insight:read"
    is_in_menu: bool = False

    async def build(self, visit: "Visit") -> None:
        made = import_module(f"{__package__}.{self.module}").build
        await cast("Callable[[Visit], Awaitable[None]]", made)(visit)


PAGES: dict[str, Page] = {
    "today": Page("/", "today", "today", is_in_menu=True),
    "products": Page("/products", "products", "products", "recommend:read", is_in_menu=True),
    "customers": Page("/customers", "customers", "customers", "people:read", is_in_menu=True),
    "customer": Page("/customers/{customer}", "customer", "customers", "people:read"),
    "demand": Page("/demand", "demand", "demand", is_in_menu=True),
    "data": Page("/data", "data", "data", is_in_menu=True),
    "models": Page("/models", "models", "models", is_in_menu=True),
    "start": Page("/start", "start", "data", "data:write"),
    "kpi": Page("/kpi/{kpi}", "kpi", "today"),
}
