"""What a kind of rule is: its options, what it needs, what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from foresell.predict.recommend.rules.effects import Effect
from foresell.predict.recommend.rules.rule import Options
from foresell.predict.recommend.rules.scene import Scene


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in both languages."""

    english: str
    chinese: str

    def in_language(self, language: str) -> str:
        return self.chinese if language == "zh" else self.english


class NoOptions(Options):
    """Of kinds that can be told nothing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """An entry of RULES. `selection`: whether a rule must, may or cannot say which products it is about.

    `needs_time`: the rule must say when it holds. `effect` gives what a rule of this kind does.
    """

    meaning: Sentence
    effect: Callable[[Any, Scene], Effect]
    options: type[Options] = NoOptions
    selection: Literal["required", "optional", "none"] = "optional"
    needs_time: bool = False
