"""One browser for all journeys."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


def chromium() -> str:
    """Where this machine has it."""
    return next(path for name in BROWSERS if (path := shutil.which(name)))


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Ends with this folder's tests: while it lives, its thread cannot start another event loop."""
    api = pytest.importorskip("playwright.sync_api", reason="browser suite: pip install playwright")
    with api.sync_playwright() as started:
        running = started.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()
