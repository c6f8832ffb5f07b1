"""One browser for all journeys."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Ends with this folder's tests: while it lives, its thread cannot start another event loop."""
    api = pytest.importorskip("playwright.sync_api", reason="browser suite: pip install playwright")
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    with api.sync_playwright() as started:
        running = started.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()
