"""Questions that threads ask at once, answered together: whoever comes first answers for all who wait."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Asked(Generic[Question, Answer]):
    def __init__(self, question: Question) -> None:
        self.question = question
        self.answers: tuple[Answer, ...] = ()
        self.error: BaseException | None = None
        self.is_done = False


class Together(Generic[Question, Answer]):
    """`answer`: gives the answers of several questions, in their order; one thread is in it at a time.

    Alone a question waits for nobody. A question that fails does not fail others."""

    def __init__(self, answer: Callable[[Sequence[Question]], Sequence[Answer]], most: int = 32) -> None:
        self._answer, self._most = answer, most
        self._waiting: list[_Asked[Question, Answer]] = []
        self._noting, self._answering = threading.Lock(), threading.Lock()

    def ask(self, question: Question) -> Answer:
        """Raises whatever `answer` raises for this question."""
        own: _Asked[Question, Answer] = _Asked(question)
        with self._noting:
            self._waiting.append(own)
        while not own.is_done:
            with self._answering:
                if not own.is_done:
                    self._answer_some()
        if own.error is not None:
            raise own.error
        return own.answers[0]

    def _answer_some(self) -> None:
        """Those who waited longest first."""
        with self._noting:
            some, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        if not self._tried(some) and len(some) > 1:
            for one in some:
                self._tried([one])

    def _tried(self, some: "Sequence[_Asked[Question, Answer]]") -> bool:
        """Whether these could be answered; one alone keeps its error."""
        try:
            answers = self._answer([one.question for one in some])
        except BaseException as error:  # noqa: BLE001  # whoever asked gets it
            if len(some) == 1:
                some[0].error, some[0].is_done = error, True
            return False
        for one, answer in zip(some, answers, strict=True):
            one.answers, one.is_done = (answer,), True
        return True
