"""The console's words: both languages of a key say the same, and every page finds its own."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest

from foresell.console.speech import Speech, read_words

CONSOLE = Path(str(files("foresell.console")))
SAID = re.compile(r'say\(\s*"([a-z][\w.]*)"')


@pytest.mark.parametrize("key", sorted(read_words()))
def test_both_languages_name_the_same_values(key: str) -> None:
    names = [{field for _, field, _, _ in Formatter().parse(text) if field} for text in read_words()[key]]
    assert names[0] == names[1]
    assert all(read_words()[key])


def test_a_key_stands_in_one_file() -> None:
    keys = [
        key
        for file in CONSOLE.joinpath("words").glob("*.toml")
        for key in tomllib.loads(file.read_text(encoding="utf-8"))
    ]
    assert len(keys) == len(set(keys))


def test_every_word_that_a_page_says_is_there() -> None:
    speech = Speech("en", "EUR", "UTC")
    code = "\n".join(path.read_text(encoding="utf-8") for path in CONSOLE.rglob("*.py"))
    assert [key for key in SAID.findall(code) if not speech.knows(key)] == []


def test_no_page_holds_chinese() -> None:
    held = [path.name for path in CONSOLE.rglob("*.py") if re.search("[一-鿿]", path.read_text("utf-8"))]
    assert held == []
