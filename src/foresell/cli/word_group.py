"""A group of commands in which a word that is none of them stands for one."""

from typing import Any, ClassVar

from typer.core import TyperGroup


class WordGroup(TyperGroup):
    """`explain churn 4711` is `explain task churn 4711`: what is no command is an argument of `default`."""

    default: ClassVar[str]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        is_other = bool(args) and args[0] not in self.commands and not args[0].startswith("-")
        return super().resolve_command(ctx, [self.default, *args] if is_other else args)
