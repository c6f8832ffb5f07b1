"""The words of the console: one TOML file a page, key → (English, Chinese)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from foresell.services.report.page.language import Language


@cache
def read_words() -> dict[str, tuple[str, str]]:
    """Every word of every page; a key stands in one file."""
    found: dict[str, tuple[str, str]] = {}
    for file in sorted(files(__package__).joinpath("words").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            page = tomllib.loads(file.read_text(encoding="utf-8"))
            found |= {key: (words["en"], words["zh"]) for key, words in page.items()}
    return found


@dataclass(frozen=True)
class Speech(Language):
    """The words, numbers, money and dates of the console: its own words, and those of the report."""

    def say(self, key: str, **values: Any) -> str:
        """The words of that key, its {names} filled in."""
        own = read_words().get(key)
        if own is None:
            return super().say(key, **values)
        text = own[1 if self.code == "zh" else 0]
        return text.format(**values) if values else text

    def knows(self, key: str) -> bool:
        return key in read_words() or super().knows(key)
