"""Alerts, drift and experiments by HTTP; models exchanged under load; what watches over the server."""

import threading

import pytest

from foresell.services.monitoring.alerts import raise_alerts
from foresell.services.monitoring.server_watch import FEWEST_ANSWERS, KINDS, ServerWatch
from foresell.store.alerts import Condition
from foresell.store.model_versions import pointers

from .conftest import CUSTOMERS, Served, put_a_model_to_work


def test_no_request_is_dropped_while_models_are_exchanged(served: Served) -> None:
    """Clients ask all the time while versions are put in production and back: every answer is whole, by one
    of the two; and a version that cannot be read stays out."""
    folder = served.shop.folder.models
    older = pointers(folder, "recommend")["production"]
    newer = put_a_model_to_work(served.shop).partition("/")[2]
    ended = threading.Event()
    answers: list[tuple[int, str, int]] = []

    def ask(customer: str) -> None:
        while not ended.is_set():
            told = served.post("/v1/recommendations", {"customer_id": customer, "k": 3})
            answers.append((told.status_code, told.json().get("model"), len(told.json().get("items", ()))))

    threads = [threading.Thread(target=ask, args=(one,)) for one in CUSTOMERS[:3]]
    for thread in threads:
        thread.start()
    try:
        for version in (older, newer):
            put = served.ask("PUT", "/v1/models/recommend/production", json={"version": version})
            assert put.status_code == 200
        broken = put_a_model_to_work(served.shop).partition("/")[2]
        (folder / "recommend" / broken / "config.json").write_text("{")
        refused = served.ask("PUT", "/v1/models/recommend/production", json={"version": broken})
        assert refused.status_code == 409
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        served.ask("PUT", "/v1/models/recommend/production", json={"version": newer})
    assert len(answers) > 10
    assert {status for status, _, _ in answers} == {200}
    assert {model for _, model, _ in answers} <= {f"recommend/{older}", f"recommend/{newer}"}
    assert all(number == 3 for _, _, number in answers)


def test_alerts_are_read_acknowledged_and_counted(served: Served) -> None:
    one = Condition("drift.prices", "prices", "warning", "They rose", "Look", "上涨", "查看", {"by": 0.1})
    [alert] = raise_alerts(served.shop, [one], ["drift.prices"]).raised
    listed = served.ask("GET", "/v1/alerts", "viewer").json()["items"]
    assert [found["message"] for found in listed if found["alert_id"] == alert.alert_id] == ["They rose"]
    assert served.ask("POST", f"/v1/alerts/{alert.alert_id}/acknowledge", "viewer").status_code == 403
    done = served.ask("POST", f"/v1/alerts/{alert.alert_id}/acknowledge", "analyst")
    assert done.json()["state"] == "acknowledged"
    assert "analyst" in done.json()["acknowledged_by"]
    counted = 'foresell_alerts{kind="drift.prices",severity="warning",state="acknowledged"} 1.0'
    assert counted in served.get("/metrics").text
    raise_alerts(served.shop, [], ["drift.prices"])
    assert served.get("/v1/alerts?state=open").json()["items"] == []
    assert served.post("/v1/alerts/999999/acknowledge", {}).status_code == 404
    assert served.get("/v1/alerts?state=opn").status_code == 422


def test_an_experiment_is_declared_by_http_and_says_what_is_wrong(served: Served) -> None:
    both = [{"name": "control", "share": 0.5}, {"name": "other", "share": 0.5, "diversity": 0.3}]
    declared = {"name": "by-http", "metric": "clicks", "variants": both}
    assert served.ask("POST", "/v1/experiments", "viewer", json=declared).status_code == 403
    assert served.post("/v1/experiments", declared).status_code == 201
    assert served.post("/v1/experiments", declared).status_code == 409
    wrong = served.post("/v1/experiments", {**declared, "name": "second", "metric": "profit"})
    assert wrong.status_code == 422
    assert served.get("/v1/experiments").json()[0]["state"] == "declared"
    asked = served.get("/v1/experiments/by-http/assignment?customer_id=c1").json()
    assert asked["variant"] in ("control", "other")
    assert asked == served.get("/v1/experiments/by-http/assignment?customer_id=c1").json()
    assert served.get("/v1/experiments/none").status_code == 404
    assert served.get("/v1/experiments/by-http").status_code == 409


def test_slow_answers_and_what_is_refused_are_told_and_are_over(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"/v1/kpis": (0, 0)}
    watch = ServerWatch(served.live, served.app.state.served.keeper, lambda: dict(counts))

    def told() -> list[str]:
        found = served.get("/v1/alerts").json()["items"]
        return sorted(f"{one['kind']} {one['subject']}" for one in found if one["kind"] in KINDS)

    watch.look()
    assert told() == []
    counts["/v1/kpis"] = (FEWEST_ANSWERS, 3)
    monkeypatch.setitem(served.live.mind.refused, "recommend/0099", "It recommends nothing")
    watch.look()
    assert told() == ["serve.model_refused recommend/0099", "serve.slow /v1/kpis"]
    counts["/v1/kpis"] = (3 * FEWEST_ANSWERS, 4)
    served.live.mind.refused.clear()
    watch.look()
    assert told() == []


def test_slow_answers_are_counted_by_the_buckets_edge(served: Served) -> None:
    metrics = served.app.state.metrics
    for seconds in (0.01, 0.2, 0.3, 9.0, 60.0):
        metrics.answered("/a-route", "GET", 200, seconds)
    assert metrics.slow(0.25)["/a-route"] == (5, 3)
    assert metrics.slow(0.6)["/a-route"] == (5, 2)


def test_drift_is_told_as_it_was_found_last(served: Served) -> None:
    assert served.get("/v1/drift").status_code == 404
    assert served.get("/v1/refresh").json() == {}
