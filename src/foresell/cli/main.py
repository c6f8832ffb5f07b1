"""The command `foresell`. A command is imported when it is asked for, and heavy rooms when it runs."""

import gc
import os
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from foresell import __version__
from foresell.contracts.errors import BackendError, ForesellError, InputError, plain_reason

EXIT_INTERRUPTED = 130
# Most of what a command makes while it starts stays. Looking through it for garbage as often as Python does
# by itself takes a tenth of that time.
OBJECTS_BETWEEN_LOOKS = 50_000

# The name of a command or group → where it is, in `cli.commands`.
COMMANDS = {
    "init": "init.init",
    "import": "import_.import_",
    "check": "check.check",
    "kpi": "kpi.kpi",
    "explain": "explain.app",
    "fit": "fit.fit",
    "embed": "embed.embed",
    "map": "map_.app",
    "recommend": "recommend.recommend",
    "search": "search.search",
    "forecast": "forecast.forecast",
    "backtest": "forecast.backtest",
    "predict": "predict.predict",
    "profile": "profile.profile",
    "segment": "segment.segment",
    "fairness": "fairness.fairness",
    "leaderboard": "leaderboard.leaderboard",
    "export": "export.app",
    "report": "report.report",
    "digest": "digest.digest",
    "match": "match.app",
    "policy": "policy.app",
    "quarantine": "quarantine.app",
    "repair": "repair.app",
    "rules": "rules.app",
    "erase": "erase.erase",
    "rebuild": "rebuild.rebuild",
    "store": "store.app",
    "simulate": "simulate.app",
    "demo": "demo.demo",
    "refresh": "refresh.refresh",
    "drift": "drift.drift",
    "model": "model.app",
    "alerts": "alerts.app",
    "experiment": "experiment.app",
    "serve": "serve.serve",
    "events": "events.app",
    "account": "account.app",
    "key": "key.app",
    "audit": "audit.app",
}


class _OnDemand(MutableMapping[str, Any]):
    """The commands by their names, each imported and made when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _make(name, COMMANDS[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _make(name: str, place: str) -> Any:
    module, _, attribute = place.partition(".")
    found = getattr(import_module(f"foresell.cli.commands.{module}"), attribute)
    alone = typer.Typer()
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return typer.main.get_group(alone).commands[name]


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _OnDemand()


app = typer.Typer(
    name="foresell",
    cls=_Commands,
    help="A shop's own records in; decisions, and what each is worth in money, out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def show_version(
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        sys.stdout.write(f"foresell {__version__}\n")
        raise typer.Exit


def run() -> None:
    """Run the command line: every error ends in a sentence and an exit code, never in a traceback."""
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    try:
        # What a command itself gives is nothing; an exit code comes from typer.Exit and Ctrl-C.
        code = app(standalone_mode=False)
    except ForesellError as error:
        _fail(error)
    except TyperException as error:
        _fail_usage(error)
    except Abort:
        code = EXIT_INTERRUPTED
    except Exception as error:  # the last resort: a user sees a sentence
        if os.environ.get("FORESELL_DEBUG"):
            raise
        _fail(_explain(error))
    if code == EXIT_INTERRUPTED:
        sys.stderr.write(
            "Interrupted. What was recorded stays; an unfinished import ends with the next one.\n"
        )
    sys.exit(code if isinstance(code, int) else 0)


def _fail_usage(error: TyperException) -> NoReturn:
    """A command line that cannot be understood."""
    words = " ".join(error.format_message().split()).replace("Value error, ", "")
    if not words:  # no arguments: the help has been shown instead
        sys.exit(InputError.exit_code)
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "foresell"
    what, *guess = words.partition(" Did you mean")
    _fail(InputError(what, do=f"{''.join(guess)} `{command} --help` lists what it takes.".strip()))


def _explain(error: Exception) -> ForesellError:
    """A failure nobody foresaw, in the form of those that were."""
    name = type(error).__module__.split(".")[0]
    reason = plain_reason(error)
    if isinstance(error, OSError) or name in ("duckdb", "_duckdb", "deltalake", "sqlite3", "pyarrow"):
        return BackendError(
            "The store or the machine below it failed",
            received=reason,
            do="Check free disk space, permissions and memory; `foresell store verify` checks the store.",
        )
    return ForesellError(
        f"Unexpected: {type(error).__name__}",
        received=reason,
        do="This is a defect of Foresell. Set FORESELL_DEBUG=1 to see where it happened, and report it.",
    )


def _fail(error: ForesellError) -> NoReturn:
    if "--json" in sys.argv:
        from foresell.cli.output import print_json

        print_json(error.as_record())
    sys.stderr.write(f"Error: {error.message}\n")
    sys.exit(error.exit_code)
