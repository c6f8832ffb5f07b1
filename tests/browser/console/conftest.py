"""Consoles over shops that are made once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import Watched, running_console
from .shop import empty_shop, full_shop


@pytest.fixture(scope="session")
def full_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("console")
    shop = full_shop(folder / "store", folder)
    with running_console(shop.folder.root, folder / "log") as address:
        yield address


@pytest.fixture(scope="session")
def empty_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("start")
    shop = empty_shop(folder / "store")
    with running_console(shop.folder.root, folder / "log") as address:
        yield address


@pytest.fixture
def window(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Opens windows; a fault in any of them fails the test."""
    opened: list[Watched] = []

    def open_window(address: str, **kind: Any) -> Watched:
        opened.append(Watched(browser, address, **kind))
        return opened[-1]

    yield open_window
    faults = [fault for one in opened for fault in one.faults]
    for one in opened:
        one.context.close()
    assert faults == []


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    from .shop import write_orders

    return write_orders(tmp_path / "my orders.csv")
