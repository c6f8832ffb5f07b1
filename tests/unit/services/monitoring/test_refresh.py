"""Refreshing: what is up to date is left alone, others may write meanwhile, and failures are told."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from foresell.cli.commands.refresh import EXIT_BUSY
from foresell.cli.main import app
from foresell.contracts.errors import InputError
from foresell.contracts.settings import make_settings
from foresell.services.forecasting.fit import EXPECTED, fit_forecast
from foresell.services.monitoring.alerts import list_alerts
from foresell.services.monitoring.drift import drift_conditions, find_drift, last_drift
from foresell.services.monitoring.model_drift import forecast_alarms
from foresell.services.monitoring.refresh import Refreshed, last_refresh, refresh
from foresell.services.production import load_production
from foresell.services.results import read_results
from foresell.services.shop import Shop

from ..conftest import ImportRows

MONDAY = datetime(2025, 1, 6, 12, tzinfo=UTC)
ORDERS = "order_id,customer_id,created_at,total_amount"


def weeks(import_rows: ImportRows, first: int, last: int, amount: Callable[[int], float]) -> None:
    rows = [
        f"o{week}-{n},c{n},{(MONDAY + timedelta(weeks=week, hours=n)).isoformat()},{amount(week) + n % 5:.2f}"
        for week in range(first, last)
        for n in range(40)
    ]
    import_rows(*rows, header=ORDERS, preset="orders")


def outcomes(done: Refreshed) -> dict[str, str]:
    return {one.step: one.outcome for one in done.results}


@pytest.fixture
def forecasting_shop(shop: Shop, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Judged between two models and at two origins, for more take time."""
    monkeypatch.setattr("foresell.predict.forecast.COMPETING", ("moving_average", "seasonal_naive"))
    forecasting = {"series_by": "shop", "horizon_weeks": 3, "folds": 1}
    shop.settings = make_settings({"forecast": forecasting})
    weeks(import_rows, 0, 24, lambda week: 20 + week % 3)
    fit_forecast(shop)
    return shop


def test_what_is_up_to_date_is_left_alone(shop: Shop, import_rows: ImportRows) -> None:
    weeks(import_rows, 0, 3, lambda _week: 20.0)
    steps = ["events", "kpis", "alerts"]
    first = refresh(shop, steps)
    assert outcomes(first)["kpis"] == "done"
    assert {one.outcome for one in first.results} <= {"done", "nothing"}
    version = shop.folder.tables.versions()["kpi_values"]
    again = refresh(shop, steps)
    assert outcomes(again)["kpis"] == "current"
    assert shop.folder.tables.versions()["kpi_values"] == version
    assert set(last_refresh(shop)) == set(outcomes(first))
    values = read_results(shop, "kpi_values").filter(kpi="orders", period="week").sort("date")
    assert values.select("date", "value").rows() == [
        (date(2025, 1, 6) + timedelta(weeks=week), 40.0) for week in range(3)
    ]
    with pytest.raises(InputError):
        refresh(shop, ["kpi"])


def test_a_forecast_follows_what_is_sold_and_is_watched(
    forecasting_shop: Shop, import_rows: ImportRows
) -> None:
    """Three weeks as before: fitted anew. Then weeks at three times as much: the forecasts that came due miss
    by more than the backtest foretold."""
    shop = forecasting_shop
    weeks(import_rows, 24, 27, lambda week: 20 + week % 3)
    assert outcomes(refresh(shop, ["forecasts"])) == {"forecasts": "done"}
    artifact = load_production(shop, "forecast")
    assert artifact.version == "0002"
    assert EXPECTED in artifact.tables
    assert read_results(shop, "forecasts")["date"].min() == (MONDAY + timedelta(weeks=27)).date()
    with shop.reading_matched() as tables:
        assert forecast_alarms(shop, tables) == ()
    weeks(import_rows, 27, 29, lambda week: 60 + week % 3)
    refresh(shop, ["drift"])
    [alert] = [one for one in list_alerts(shop) if one.kind == "drift.forecast" and one.subject == "wape"]
    assert alert.evidence["live"] > alert.evidence["upper"]
    report = last_drift(shop)
    assert report is not None
    assert "wape" in {one["measure"] for one in report["forecasts"]}


def test_orders_that_are_worth_more_are_a_shift(shop: Shop, import_rows: ImportRows) -> None:
    weeks(import_rows, 0, 4, lambda _week: 20.0)
    weeks(import_rows, 4, 8, lambda _week: 20.0)
    assert drift_conditions(find_drift(shop)) == []
    weeks(import_rows, 8, 12, lambda _week: 24.0)
    report = find_drift(shop)
    assert report.now == (date(2025, 2, 27), date(2025, 3, 26))
    [condition] = drift_conditions(report)
    assert condition.kind == "drift.orders"
    assert "order_value" in condition.message
    assert json.dumps(dict(condition.evidence))


def test_whoever_writes_is_not_disturbed(
    shop: Shop, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody else holds the lock for longer than one waits, the step is busy, and done the next
    time."""
    weeks(import_rows, 0, 2, lambda _week: 20.0)
    monkeypatch.setenv("FORESELL_STORE", str(shop.folder.root))
    holds, ends = threading.Event(), threading.Event()

    def hold() -> None:
        with shop.folder.writer_lock("a long import"):
            holds.set()
            ends.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(10)
    monkeypatch.setattr("foresell.store.folder.StoreFolder.writer_lock.__kwdefaults__", None, raising=False)
    monkeypatch.setattr(
        "foresell.store.folder.StoreFolder.writer_lock.__wrapped__.__defaults__", (0.1, None), raising=False
    )
    busy = CliRunner().invoke(app, ["refresh", "--what", "kpis", "--json"])
    ends.set()
    thread.join()
    assert busy.exit_code == EXIT_BUSY, busy.output
    assert json.loads(busy.stdout)["steps"][0]["outcome"] == "busy"
    done = CliRunner().invoke(app, ["refresh", "--what", "events", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["outcome"] == "nothing"


def test_a_step_that_fails_is_told_and_the_others_go_on(
    shop: Shop, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forecast that cannot be read any more."""
    weeks(import_rows, 0, 2, lambda _week: 20.0)
    broken = shop.folder.models / "forecast" / "0001"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{}")
    (broken.parent / "pointers.json").write_text('{"production": "0001"}')
    told = outcomes(refresh(shop, ["forecasts", "recommendations"]))
    assert told == {"forecasts": "failed", "recommendations": "nothing"}
    [alert] = list_alerts(shop)
    assert alert.kind == "refresh.failed.forecasts"
    (broken.parent / "pointers.json").write_text("{}")
    refresh(shop, ["forecasts"])
    assert list_alerts(shop) == []
