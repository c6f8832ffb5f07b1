"""One browser for all journeys."""

from collections.abc import Iterator
from typing import Any

import pytest

from .chromium import chromium

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Ends with this folder's tests: while it lives, its thread cannot start another event loop."""
    api = pytest.importorskip("playwright.sync_api", reason="browser suite: pip install playwright")
    with api.sync_playwright() as started:
        running = started.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()
