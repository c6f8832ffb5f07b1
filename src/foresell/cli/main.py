"""The command `foresell`. Heavy rooms are imported by the command that needs them, when it runs."""

import os
import sys
from typing import NoReturn

import typer
from typer.exceptions import Abort, TyperException

from foresell import __version__
from foresell.cli.commands import (
    account,
    alerts,
    audit,
    check,
    demo,
    digest,
    drift,
    embed,
    erase,
    events,
    experiment,
    explain,
    export,
    fairness,
    fit,
    forecast,
    import_,
    init,
    key,
    kpi,
    leaderboard,
    map_,
    match,
    model,
    policy,
    predict,
    profile,
    quarantine,
    rebuild,
    recommend,
    refresh,
    repair,
    report,
    rules,
    search,
    segment,
    serve,
    simulate,
    store,
)
from foresell.contracts.errors import BackendError, ForesellError, InputError, plain_reason

EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="foresell",
    help="A shop's own records in; decisions, and what each is worth in money, out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("init")(init.init)
app.command("import")(import_.import_)
app.command("check")(check.check)
app.command("kpi")(kpi.kpi)
app.add_typer(explain.app, name="explain")
app.command("fit")(fit.fit)
app.command("embed")(embed.embed)
app.add_typer(map_.app, name="map")
app.command("recommend")(recommend.recommend)
app.command("search")(search.search)
app.command("forecast")(forecast.forecast)
app.command("backtest")(forecast.backtest)
app.command("predict")(predict.predict)
app.command("profile")(profile.profile)
app.command("segment")(segment.segment)
app.command("fairness")(fairness.fairness)
app.command("leaderboard")(leaderboard.leaderboard)
app.add_typer(export.app, name="export")
app.command("report")(report.report)
app.command("digest")(digest.digest)
app.add_typer(match.app, name="match")
app.add_typer(policy.app, name="policy")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(repair.app, name="repair")
app.add_typer(rules.app, name="rules")
app.command("erase")(erase.erase)
app.command("rebuild")(rebuild.rebuild)
app.add_typer(store.app, name="store")
app.add_typer(simulate.app, name="simulate")
app.command("demo")(demo.demo)
app.command("refresh")(refresh.refresh)
app.command("drift")(drift.drift)
app.add_typer(model.app, name="model")
app.add_typer(alerts.app, name="alerts")
app.add_typer(experiment.app, name="experiment")
app.command("serve")(serve.serve)
app.add_typer(events.app, name="events")
app.add_typer(account.app, name="account")
app.add_typer(key.app, name="key")
app.add_typer(audit.app, name="audit")


@app.callback(invoke_without_command=True)
def show_version(
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        sys.stdout.write(f"foresell {__version__}\n")
        raise typer.Exit


def run() -> None:
    """Run the command line: every error ends in a sentence and an exit code, never in a traceback."""
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
