"""Questions asked at once."""

import threading
from collections.abc import Sequence

import pytest

from foresell.services.live.together import Together


def test_everybody_gets_their_own_answer_or_error() -> None:
    sizes: list[int] = []
    first = threading.Event()

    def halves(numbers: Sequence[int]) -> list[float]:
        sizes.append(len(numbers))
        first.wait(5)
        if any(number < 0 for number in numbers):
            raise ValueError(f"{numbers}")
        return [number / 2 for number in numbers]

    together = Together(halves, most=8)
    found: dict[int, float | str] = {}

    def ask(number: int) -> None:
        try:
            found[number] = together.ask(number)
        except ValueError as error:
            found[number] = str(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(-1, 24)]
    for thread in threads:
        thread.start()
    first.set()
    for thread in threads:
        thread.join(10)
    assert found == {number: "[-1]" if number < 0 else number / 2 for number in range(-1, 24)}
    assert max(sizes) <= 8
    assert len(sizes) < 25 + 9


def test_alone_one_waits_for_nobody() -> None:
    together = Together(lambda numbers: [number + 1 for number in numbers])
    assert together.ask(1) == 2
    with pytest.raises(TypeError):
        together.ask("x")  # type: ignore[arg-type]
    assert together.ask(2) == 3
