"""Refresh, drift, alerts, models and experiments from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.access.audit import audit_log
from foresell.services.monitoring.alerts import raise_alerts
from foresell.services.shop import create_shop, open_shop
from foresell.store.alerts import Condition

DECLARED = """
[experiment]
name = "by-file"
metric = "conversion"

[[variant]]
name = "control"
share = 0.6

[[variant]]
name = "other"
share = 0.4
exploration = "epsilon"
epsilon = 0.1
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORESELL_KEY", "5e" * 32)
    monkeypatch.setenv("FORESELL_STORE", str(tmp_path / "store"))
    create_shop(tmp_path / "store")
    return tmp_path / "store"


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def told(*words: str) -> Any:
    answer = run(*words, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_experiments_are_declared_by_file_or_options(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(DECLARED)
    by_file = told("experiment", "add", str(path))["declaration"]
    assert [one["share"] for one in by_file["variants"]] == [0.6, 0.4]
    assert by_file["variants"][1]["epsilon"] == 0.1
    by_hand = told(
        "experiment", "add", "--name", "by-hand", "--variant", "control", "--variant", "b:novelty=0.2"
    )
    assert [one["share"] for one in by_hand["declaration"]["variants"]] == [0.5, 0.5]
    assert {one["experiment_id"] for one in told("experiment", "list")["experiments"]} == {
        "by-file",
        "by-hand",
    }
    assert "by-hand" in run("experiment", "list").output
    assert told("experiment", "assign", "by-hand", "c1")["variant"] in ("control", "b")
    path.write_text(DECLARED.replace("[experiment]", "[experiments]"))
    for words, error in (
        (["add"], InputError),
        (["add", str(path)], InputError),
        (["start", "none"], NotFoundError),
        (["start", "by-hand"], InputError),
        (["result", "by-hand"], ConflictError),
        (["stop", "by-hand"], ConflictError),
    ):
        with pytest.raises(error):
            run("experiment", *words)


def test_alerts_are_listed_and_acknowledged(store: Path) -> None:
    assert told("alerts") == {"alerts": []}
    one = Condition("drift.prices", "prices", "warning", "They rose", "Look", "上涨", "查看", {})
    raise_alerts(open_shop(store), [one], ["drift.prices"])
    assert "They rose" in run("alerts").output
    [alert] = told("alerts")["alerts"]
    assert told("alerts", "acknowledge", str(alert["alert_id"]))["state"] == "acknowledged"
    assert told("alerts", "--state", "open") == {"alerts": []}
    assert [entry["action"] for entry in audit_log(open_shop(store)).entries()] == ["alert.acknowledge"]
    with pytest.raises(InputError, match="webhook"):
        run("alerts", "send")


def test_an_empty_shop_has_nothing_to_refresh_or_to_compare(store: Path) -> None:
    done = told("refresh")
    assert {one["outcome"] for one in done["steps"]} <= {"nothing", "done"}, done
    assert told("drift")["rows"] == []
    assert told("model", "list") == {"models": []}
    with pytest.raises(NotFoundError):
        run("model", "promote", "churn", "0001")
