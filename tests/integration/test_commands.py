"""One contract for all commands: where the store is found, what goes to which stream, how they end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Foresell = Callable[..., Any]

# Every command that can be run again and again on a store without changing what others ask of it.
READING: dict[str, tuple[str, ...]] = {
    "check": ("check", "missing"),
    "kpi": ("kpi", "net_sales", "--period", "month"),
    "all kpis": ("kpi",),
    "about kpis": ("kpi", "--about"),
    "explain": ("explain", "kpi", "net_sales", "--from", "2024-05-01", "--to", "2024-05-31"),
    "explain forecast": ("explain", "forecast", "(unknown)"),
    "recommend": ("recommend", "--customer", "c1", "-k", "3"),
    "recommend, a basket": ("recommend", "--product", "p1"),
    "recommend, trending": ("recommend",),
    "recommend, why not": ("recommend", "--customer", "c1", "--why-not", "p1"),
    "rules list": ("rules", "list"),
    "rules history": ("rules", "history"),
    "search": ("search", "tea"),
    "searches in vain": ("search", "--zero-results"),
    "forecast": ("forecast", "--horizon", "2"),
    "backtest": ("backtest", "--horizon", "2", "--windows", "1", "--models", "seasonal_naive"),
    "leaderboard recommend": ("leaderboard", "recommend"),
    "leaderboard forecast": ("leaderboard", "forecast"),
    "quarantine list": ("quarantine", "list"),
    "match list": ("match", "list"),
    "match events": ("match", "events"),
    "match identities, dry": ("match", "identities", "--dry-run"),
    "export list": ("export", "list"),
    "store info": ("store", "info"),
    "store versions": ("store", "versions"),
    "store verify": ("store", "verify"),
}
WRITING: dict[str, tuple[str, ...]] = {
    "rebuild": ("rebuild",),
    "compact": ("store", "compact"),
    "replay": ("quarantine", "replay"),
    "match identities": ("match", "identities"),
    "match orders": ("match", "orders"),
    "fit behavior": ("fit", "behavior", "--preset", "tiny", "--set", "max_epochs=1"),
    "embed": ("embed",),
    "map products": ("map", "products", "--out", "MAP"),
    "export": ("export", "forecasts", "FORECASTS"),
    "export to a database": ("export", "recommendations", "DATABASE", "--table", "wanted"),
    "erase": ("erase", "c3", "--yes"),
    "backup": ("store", "backup", "BACKUP"),
    "import": ("import", "FILE", "--as", "products"),
}


@pytest.mark.parametrize("arguments", READING.values(), ids=list(READING))
def test_json_goes_to_standard_output_alone(
    foresell: Foresell, small_store: Path, arguments: tuple[str, ...]
) -> None:
    ended = foresell(*arguments, "--store", small_store, "--json")
    assert ended.code == 0, ended.err
    assert isinstance(ended.answer, dict)
    assert "{" not in ended.err


@pytest.mark.parametrize("arguments", READING.values(), ids=list(READING))
def test_without_json_the_answer_is_text_for_people(
    foresell: Foresell, small_store: Path, arguments: tuple[str, ...]
) -> None:
    ended = foresell(*arguments, "--store", small_store)
    assert ended.code == 0, ended.err
    assert ended.out.strip()
    assert ended.out[0] not in "{["


def test_commands_that_write_answer_in_json_alone_too(
    foresell: Foresell, own_store: Path, small_shop: dict[str, Path], tmp_path: Path
) -> None:
    places = {
        "BACKUP": str(tmp_path / "backup"),
        "FILE": str(small_shop["products"]),
        "MAP": str(tmp_path / "map.html"),
        "FORECASTS": str(tmp_path / "forecasts.parquet"),
        "DATABASE": f"sqlite:///{tmp_path / 'shop.db'}",
    }
    for name, arguments in WRITING.items():
        given = [places.get(argument, argument) for argument in arguments]
        ended = foresell(*given, "--store", own_store, "--json")
        assert ended.code == 0, (name, ended.err)
        assert isinstance(ended.answer, dict), name
    assert foresell("kpi", "orders", "--store", tmp_path / "backup", "--json").code == 0


# Commands that make a store, or have nothing to do with one.
STORELESS = {
    ("init",),
    ("store", "from-backup"),
    ("repair", "kinds"),
    ("simulate", "world"),
    ("simulate", "compare"),
    ("rules", "kinds"),
    ("key", "scopes"),
}
# It runs until it is stopped, and answers by HTTP.
ANSWERLESS = {("serve",)}


def test_every_command_takes_store_and_json(foresell: Foresell) -> None:
    from typer.main import get_command

    from foresell.cli.main import app

    lacking = []
    for path, command in commands(get_command(app)):
        options = {option for parameter in command.params for option in parameter.opts}
        wanted = {"--json"} if path in STORELESS else {"--json", "--store"}
        if path in ANSWERLESS:
            wanted = {"--store"}
        lacking += [(path, option) for option in wanted - options]
    assert not lacking


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, found in inner.items():
        yield from commands(found, (*path, name))


# Where the store is.


def test_the_store_is_found_by_option_then_environment_then_folder(
    foresell: Foresell, small_store: Path, new_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*arguments: object) -> str:
        return str(foresell("store", "info", "--json", *arguments).answer["store"])

    monkeypatch.chdir(new_store)
    assert asked() == str(new_store)
    monkeypatch.setenv("FORESELL_STORE", str(small_store))
    assert asked() == str(small_store)
    assert asked("--store", new_store) == str(new_store)


def test_without_a_store_the_way_to_make_one_is_said(
    foresell: Foresell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = foresell("kpi", "orders", "--json")
    assert ended.code == 3
    assert ended.answer["error"] == "NotFoundError"
    assert "foresell init" in ended.err
    assert "--store" in ended.err


# The shapes that other programs read.


def test_the_shape_of_a_kpi(foresell: Foresell, small_store: Path) -> None:
    plain = foresell("kpi", "orders", "--store", small_store, "--json").answer
    assert plain == {"kpi": "orders", "unit": "orders", "rows": [{"value": 320}]}
    cut = foresell(
        *("kpi", "net_sales", "--by", "category", "--period", "month", "--from", "2024-01-01"),
        *("--to", "2024-02-29", "--store", small_store, "--json"),
    ).answer
    assert cut["unit"] == "EUR"
    assert [set(row) for row in cut["rows"]] == [{"period", "category", "value"}] * 4
    assert {row["period"] for row in cut["rows"]} == {"2024-01-01", "2024-02-01"}
    by = foresell("kpi", "units", "--by", "category", "--store", small_store, "--json").answer
    assert [set(row) for row in by["rows"]] == [{"category", "value"}] * 2


@pytest.mark.parametrize("kpi", ["rfm", "retention", "basket_affinity"])
def test_tables_of_kpis_have_named_columns(foresell: Foresell, small_store: Path, kpi: str) -> None:
    rows = foresell("kpi", kpi, "--store", small_store, "--json").answer["rows"]
    assert rows
    assert all("value" not in row and len(row) > 2 for row in rows)


def test_the_shape_of_an_import(
    foresell: Foresell, new_store: Path, small_shop: dict[str, Path], tmp_path: Path
) -> None:
    from foresell.contracts.records import ingest_runs

    arguments = ("import", small_shop["products"], "--as", "products", "--store", new_store, "--json")
    first, second = foresell(*arguments).answer["runs"], foresell(*arguments).answer["runs"]
    answered = {"keys_retired", *(c.name for c in ingest_runs.columns)}
    assert [set(run) for run in (*first, *second)] == [answered] * 2
    counts = ("rows_read", "rows_accepted", "rows_updated", "rows_duplicate", "rows_quarantined")
    assert [first[0][name] for name in counts] == [8, 8, 0, 0, 0]
    assert [second[0][name] for name in counts] == [8, 0, 0, 8, 0]
    assert [run["status"] for run in (*first, *second)] == ["finished", "duplicate"]


def test_the_shape_of_a_recommendation(foresell: Foresell, small_store: Path) -> None:
    answer = foresell("recommend", "--customer", "c1", "-k", "3", "--store", small_store, "--json").answer
    assert set(answer) == {"surface", "customer_id", "model", "rules_version", "notes", "items"}
    assert (answer["customer_id"], answer["surface"], answer["rules_version"]) == ("c1", "customer", 0)
    shape = {"product_id", "name", "rank", "score", "propensity", "reason"}
    assert [set(item) for item in answer["items"]] == [shape] * 3
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3]
    assert all(item["reason"] for item in answer["items"])


def test_the_shape_of_a_forecast(foresell: Foresell, small_store: Path) -> None:
    rows = foresell("forecast", "--horizon", "2", "--store", small_store, "--json").answer["rows"]
    wanted = {"series_id", "time", "mean", "median", "lower_80", "upper_80", "lower_95", "upper_95"}
    assert all(wanted <= set(row) for row in rows)
    assert sorted({row["time"] for row in rows}) == ["2024-10-07", "2024-10-14"]
    assert all(row["lower_95"] <= row["lower_80"] <= row["mean"] <= row["upper_80"] for row in rows)


@pytest.mark.parametrize("task", ["recommend", "forecast"])
def test_the_shape_of_a_leaderboard(foresell: Foresell, small_store: Path, task: str) -> None:
    board = foresell("leaderboard", task, "--store", small_store, "--json").answer
    assert set(board) == {"task", "metric", "chosen_by", "rows"}
    assert board["task"] == task
    for row in board["rows"]:
        assert {"model", "scores", "fit_seconds", "predict_seconds"} <= set(row)
        assert board["metric"] in row["scores"]


# How commands fail.

FAILING: dict[str, tuple[tuple[str, ...], int, str, str]] = {
    "unknown command": (("kpis",), 2, "InputError", "Did you mean 'kpi'?"),
    "unknown option": (("kpi", "--form", "2024-01-01"), 2, "InputError", "--from"),
    "missing argument": (("fit",), 2, "InputError", "'TASK'. `foresell fit --help`"),
    "missing option": (("rules", "clear"), 2, "InputError", "--by"),
    "missing request": (("recommend", "--surface", "basket"), 2, "InputError", "needs basket"),
    "unknown choice": (("fit", "forcast"), 3, "NotFoundError", "Did you mean 'forecast'?"),
    "number out of range": (("recommend", "--customer", "c1", "-k", "0"), 2, "InputError", "'-k'"),
    "no date": (("kpi", "orders", "--from", "2024-13-01"), 2, "InputError", "2024-12-31"),
    "dates the wrong way": (
        ("kpi", "orders", "--from", "2024-02-01", "--to", "2024-01-01"),
        2,
        "InputError",
        "Swap them",
    ),
    "changes the wrong way": (
        ("explain", "kpi", "--from", "2024-02-01", "--to", "2024-01-01"),
        2,
        "InputError",
        "Swap them",
    ),
    "double counting": (
        ("kpi", "average_order_value", "--by", "category"),
        2,
        "InputError",
        "an order holds several products",
    ),
    "unknown period": (("kpi", "orders", "--period", "year"), 2, "InputError", "day, week, month"),
    "unknown engine": (("kpi", "orders", "--engine", "duck"), 2, "InputError", "duckdb, spark"),
    "unknown language": (("check", "--language", "fr"), 2, "InputError", "en, zh"),
    "unknown kpi": (("kpi", "ordrs"), 3, "NotFoundError", "Did you mean 'orders'?"),
    "unknown dimension": (("kpi", "orders", "--by", "flavor"), 3, "NotFoundError", "category"),
    "missing table": (("kpi", "refunds"), 3, "NotFoundError", "needs refunds"),
    "unknown check": (("check", "mising"), 3, "NotFoundError", "missing"),
    "unknown customer": (("recommend", "--customer", "nobody"), 3, "NotFoundError", "nobody"),
    "unknown series": (("forecast", "--series", "wine"), 3, "NotFoundError", "Valid:"),
    "unknown dimension of series": (("backtest", "--by", "flavor"), 3, "NotFoundError", "category"),
    "unknown period of series": (("forecast", "--period", "year"), 2, "InputError", "day, month, week"),
    "unknown forecaster": (("backtest", "--models", "prophet"), 3, "NotFoundError", "seasonal_naive"),
    "unknown use of stock-outs": (("forecast", "--stock-outs", "hide"), 2, "InputError", "leave_out"),
    "unknown quarantined row": (("quarantine", "show", "x"), 3, "NotFoundError", "quarantine list"),
    "unknown run": (("store", "restore", "x"), 3, "NotFoundError", "store versions"),
    "unknown file": (("import", "/nowhere.csv", "--as", "orders"), 3, "NotFoundError", "/nowhere.csv"),
    "no preset": (("import", "/etc/hostname"), 2, "InputError", "--as"),
    "unknown preset": (("import", "/etc/hostname", "--as", "order"), 2, "InputError", "'orders'"),
    "backup onto something": (("store", "backup", "/etc"), 4, "ConflictError", "does not exist yet"),
    "erasing unasked": (("erase", "c1"), 2, "InputError", "--yes"),
}


@pytest.mark.parametrize(("arguments", "code", "error", "says"), FAILING.values(), ids=list(FAILING))
def test_failures_end_in_a_sentence_and_the_code_of_their_kind(
    foresell: Foresell, small_store: Path, arguments: tuple[str, ...], code: int, error: str, says: str
) -> None:
    store = () if error == "InputError" and arguments == ("kpis",) else ("--store", small_store)
    ended = foresell(*arguments, *store, "--json")
    assert ended.code == code, ended.err
    assert set(ended.answer) == {"error", "what", "received", "do"}
    assert ended.answer["error"] == error
    assert ended.answer["do"]
    assert says in ended.err
    assert "Traceback" not in ended.err
    plain = foresell(*arguments, *store)
    assert (plain.code, plain.out) == (code, "")
    assert plain.err.splitlines()[-1].startswith("Error: ")


def test_without_data_it_is_said_what_to_import(foresell: Foresell, new_store: Path) -> None:
    for arguments in (("fit", "recommend"), ("leaderboard", "recommend"), ("fit", "forecast"), ("forecast",)):
        ended = foresell(*arguments, "--store", new_store)
        assert (ended.code, "Import orders" in ended.err) == (2, True), ended.err
        assert ended.out == ""


def test_what_is_not_fitted_yet_is_fitted_when_asked_for(
    foresell: Foresell, new_store: Path, small_shop: dict[str, Path]
) -> None:
    for table in ("products", "orders", "order_lines"):
        foresell("import", small_shop[table], "--as", table, "--store", new_store)
    ended = foresell("recommend", "--customer", "c1", "-k", "2", "--store", new_store, "--json")
    assert ended.code == 0, ended.err
    assert len(ended.answer["items"]) == 2
    board = foresell("leaderboard", "recommend", "--store", new_store, "--json").answer
    assert board["rows"]


def test_a_store_is_not_made_twice_and_settings_are_checked(foresell: Foresell, new_store: Path) -> None:
    again = foresell("init", new_store, "--json")
    assert (again.code, again.answer["error"]) == (4, "ConflictError")
    for option, value in (("--time-zone", "Europe/Berln"), ("--week-start", "funday"), ("--language", "de")):
        ended = foresell("init", new_store / "other", option, value)
        assert ended.code == 2, ended.err
        assert value in ended.err
        assert not (new_store / "other").exists()


def test_settings_that_cannot_be_read_name_the_line_or_the_closest_key(
    foresell: Foresell, new_store: Path
) -> None:
    settings = new_store / "foresell.toml"
    written = settings.read_text()
    settings.write_text(written.replace("currency =", "curency ="))
    ended = foresell("kpi", "--store", new_store)
    assert (ended.code, "Did you mean 'currency'?" in ended.err) == (2, True), ended.err
    settings.write_text(written + "\n[broken")
    ended = foresell("kpi", "--store", new_store)
    assert (ended.code, "not valid TOML" in ended.err) == (2, True), ended.err


def test_a_missing_or_open_key_is_refused(foresell: Foresell, own_store: Path, tmp_path: Path) -> None:
    from foresell.privacy.tokens import key_file
    from foresell.services.shop import open_shop

    key = key_file(open_shop(own_store).folder.store_id)
    path = tmp_path / "more.csv"
    path.write_text("customer_id,email\nc99,c99@example.org\n")
    more = ("import", path, "--as", "customers", "--store", own_store)
    moved = key.rename(key.with_suffix(".away"))
    try:
        missing = foresell(*more)
        assert (missing.code, "FORESELL_KEY" in missing.err) == (3, True), missing.err
        shutil.copy(moved, key)
        key.chmod(0o644)
        opened = foresell(*more)
        assert (opened.code, "chmod 600" in opened.err) == (5, True), opened.err
    finally:
        moved.rename(key)
    assert foresell(*more).code == 0


def test_damage_is_found_and_its_remedy_named(foresell: Foresell, own_store: Path) -> None:
    part = next((own_store / "raw").glob("*/part-00000.parquet"))
    part.write_bytes(part.read_bytes()[:-10])
    ended = foresell("store", "verify", "--store", own_store, "--json")
    assert ended.code == 6
    assert [part.parent.name in problem for problem in ended.answer["problems"]] == [True]
    assert "backup" in ended.err
    (own_store / "state.sqlite").write_bytes(b"no database at all" * 100)
    ended = foresell("kpi", "orders", "--store", own_store, "--json")
    assert (ended.code, ended.answer["error"]) == (6, "BackendError")
    assert "backup" in ended.err


# The process itself.


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "foresell", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )


def test_the_installed_command_keeps_its_streams_apart(small_store: Path) -> None:
    process = start("kpi", "orders", "--store", small_store, "--json")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["rows"] == [{"value": 320}]
    process = start("kpi", "ordrs", "--store", small_store, "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert json.loads(out)["error"] == "NotFoundError"
    assert err.startswith("Error: ")


def test_a_line_is_not_folded_on_its_way_into_a_file(small_store: Path) -> None:
    process = start("store", "versions", "--store", small_store)
    out, _ = process.communicate(timeout=60)
    assert len(out.splitlines()) == 1 + 5


def test_an_interrupted_command_says_so_and_leaves_the_store_free(
    foresell: Foresell, new_store: Path, tmp_path: Path
) -> None:
    from foresell.services.shop import open_shop

    path = tmp_path / "products.csv"
    path.write_text("product_id,title\np1,Tea\n")
    with open_shop(new_store).folder.writer_lock("the test"):
        process = start("import", path, "--as", "products", "--store", new_store)
        assert process.stderr is not None
        waiting = process.stderr.readline()
        assert "waiting for 'the test' by process" in waiting
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in err
    assert "Traceback" not in err
    assert foresell("import", path, "--as", "products", "--store", new_store).code == 0


def test_of_two_imports_at_once_the_second_waits(new_store: Path, tmp_path: Path) -> None:
    processes = []
    for table in ("products", "customers"):
        path = tmp_path / f"{table}.csv"
        key = table.removesuffix("s") + "_id"
        path.write_text(f"{key}\n" + "".join(f"{n}\n" for n in range(1000)))
        processes.append(start("import", path, "--as", table, "--store", new_store, "--json"))
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["runs"][0]["rows_accepted"] == 1000


def test_one_that_has_waited_in_vain_is_told_who_writes(new_store: Path) -> None:
    from foresell.contracts.errors import BusyError
    from foresell.services.shop import open_shop

    shop = open_shop(new_store)
    refused = pytest.raises(BusyError, match=f"'rebuild' by process {os.getpid()}.*reading works")
    with shop.folder.writer_lock("rebuild"), refused, shop.folder.writer_lock("import", wait_seconds=0.2):
        pass


def test_reading_goes_on_while_an_import_writes(foresell: Foresell, own_store: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    rows = (f"n{n},c{n % 24},2024-06-01T10:00:00Z,1.00\n" for n in range(40_000))
    path.write_text("order_id,customer_id,created_at,total_amount\n" + "".join(rows))
    process = start("import", path, "--as", "orders", "--store", own_store, "--json")
    seen = []
    while process.poll() is None:
        ended = foresell("kpi", "orders", "--store", own_store, "--json")
        assert ended.code == 0, ended.err
        seen.append(ended.answer["rows"][0]["value"])
        time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert set(seen) <= {320, 40_320}
    assert seen[0] == 320
    assert foresell("kpi", "orders", "--store", own_store, "--json").answer["rows"] == [{"value": 40_320}]
