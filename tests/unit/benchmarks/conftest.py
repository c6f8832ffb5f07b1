"""The benchmarks are no installed package: they are imported from the repository's root."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str], ModuleType]]:
    """Gives a module of benchmarks.quality by its name in there."""
    sys.path.insert(0, str(REPOSITORY))
    try:
        yield lambda name: importlib.import_module(f"benchmarks.quality.{name}")
    finally:
        sys.path.remove(str(REPOSITORY))
