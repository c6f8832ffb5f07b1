"""Functions of DuckDB that Ibis does not have. Repairs run on DuckDB alone."""

from collections.abc import Sequence
from typing import Any


def call(name: str, arguments: Sequence[Any], returns: str) -> Any:
    """The expression that calls a function of DuckDB with two texts; `returns`: its Ibis type."""
    import ibis

    def function(_one: str, _other: str) -> None:
        """Never called: DuckDB has it."""

    declared = ibis.udf.scalar.builtin(function, name=name, signature=(("string", "string"), returns))
    return declared(*arguments)
