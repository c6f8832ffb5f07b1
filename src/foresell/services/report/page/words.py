"""The words of the page: words.toml, key → (English, Chinese)."""

import tomllib
from functools import cache
from importlib.resources import files


@cache
def read_words() -> dict[str, tuple[str, str]]:
    text = files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return {key: (words["en"], words["zh"]) for key, words in tomllib.loads(text).items()}
