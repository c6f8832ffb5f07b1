"""Accounts, keys and the audit log from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.contracts.errors import InputError
from foresell.services.shop import create_shop

PASSWORD = "correct horse battery"  # noqa: S105


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    monkeypatch.setenv("FORESELL_STORE", str(tmp_path / "store"))
    create_shop(tmp_path / "store")
    return tmp_path / "store"


def run(*words: str, given: str | None = None) -> Any:
    return CliRunner().invoke(app, list(words), input=given, catch_exceptions=False)


def test_a_password_is_asked_for_or_taken_from_the_environment(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run("account", "add", "ann", "--role", "admin", given=f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0
    assert PASSWORD not in asked.output
    monkeypatch.setenv("FORESELL_PASSWORD", PASSWORD)
    assert run("account", "add", "bob", "--role", "viewer").exit_code == 0
    assert run("account", "role", "bob", "analyst").exit_code == 0
    listed = json.loads(run("account", "list", "--json").stdout)["accounts"]
    assert [(one["name"], one["role"]) for one in listed] == [("ann", "admin"), ("bob", "analyst")]
    monkeypatch.setenv("FORESELL_PASSWORD", "short")
    with pytest.raises(InputError):
        run("account", "add", "eve", "--role", "viewer")


def test_a_key_is_shown_once_and_what_was_done_is_logged(store: Path) -> None:
    made = run("key", "add", "web", "--scope", "events:write")
    assert made.stdout.startswith("fs_")
    [key] = json.loads(run("key", "list", "--json").stdout)["keys"]
    assert "secret" not in key
    assert run("key", "revoke", key["key_id"]).exit_code == 0
    entries = json.loads(run("audit", "show", "--json").stdout)["entries"]
    assert [entry["action"] for entry in entries] == ["key.add", "key.revoke"]
    assert run("audit", "verify").exit_code == 0
    log = store / "logs" / "audit" / "audit.jsonl"
    log.write_text(log.read_text().replace("web", "api"))
    assert run("audit", "verify").exit_code == 1


def test_what_waits_is_told_and_moved(store: Path) -> None:
    assert json.loads(run("events", "waiting", "--json").stdout) == {"bytes": 0, "since": None}
    assert json.loads(run("events", "move", "--json").stdout)["runs"] == 0
