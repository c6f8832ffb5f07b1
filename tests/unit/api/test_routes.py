"""What the API answers: events seen by the next recommendation, models exchanged, errors in one shape."""

import json
from pathlib import Path
from typing import Any

import pytest

from foresell.api.problems import MEDIA_TYPE, without_paths
from foresell.api.routes.events import Accepted
from foresell.api.routes.recommendations import Recommendation
from foresell.services.live import mind
from foresell.services.live.live_shop import LiveShop
from foresell.services.live.moving import move_events
from foresell.store.model_versions import pointers

from .conftest import Served, event, put_a_model_to_work


def recommended(served: Served, **asked: object) -> list[str]:
    answer = served.post("/v1/recommendations", {"seed": 1, **asked})
    assert answer.status_code == 200, answer.text
    told = Recommendation.model_validate(answer.json())
    assert [item.rank for item in told.items] == list(range(1, len(told.items) + 1))
    return [item.product_id for item in told.items]


def test_an_accepted_event_is_in_the_next_recommendation(served: Served) -> None:
    before = recommended(served, surface="customer", anonymous_id="v-new", k=6)
    told = served.post("/v1/events?detail=all", [event("r1", anonymous_id="v-new", product_id="towel")])
    assert told.status_code == 202
    assert Accepted.model_validate(told.json()).accepted == 1
    [seen] = served.live.recent("v-new")
    assert seen["product_id"] == "towel"
    assert served.live.mind.answering.recommender.customers().count("v-new") == 1
    assert set(before) >= set(recommended(served, surface="customer", anonymous_id="v-new", k=6))


def test_nothing_is_forgotten_while_all_is_read_anew(served: Served) -> None:
    import threading

    readers = [threading.Thread(target=served.live.refresh) for _ in range(2)]
    for reader in readers:
        reader.start()
    sent = 0
    while any(reader.is_alive() for reader in readers):
        served.post("/v1/events", event(f"anew-{sent}", anonymous_id="v-anew", product_id=f"p{sent}"))
        sent += 1
    kept = served.live.mind.answering.recommender.histories.newest("v-anew")
    assert [action.product_id for action in kept] == [f"p{number}" for number in range(sent)]


def test_events_of_all_shapes_and_their_outcomes(served: Served) -> None:
    own = served.post("/v1/events", {"events": [event("s1"), event("s1"), event("s2", price="dear")]})
    assert own.json()["events"][1] == {
        "number": 3,
        "event_id": "s2",
        "status": "quarantined",
        "column": "price",
        "reason": "price: must be a number",
        "do": "Send it as a number, such as 9.90.",
    }
    assert [own.json()[name] for name in ("accepted", "duplicate", "quarantined")] == [1, 1, 1]
    ga4 = {"client_id": "v1", "events": [{"name": "page_view", "params": {"page_location": "https://a/"}}]}
    assert served.post("/v1/events", ga4).json()["accepted"] == 1
    segment = {"batch": [{"type": "track", "event": "Product Viewed", "messageId": "m", "anonymousId": "v"}]}
    assert served.post("/v1/events", segment).json()["accepted"] == 1
    moved = move_events(served.shop).as_record()
    assert moved["rows_quarantined"] >= 1


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 40_000, b"\xff\xfe", b'"text"', b"1", b"{}"])
def test_a_body_without_events_is_refused(served: Served, body: bytes) -> None:
    answer = served.ask("POST", "/v1/events", content=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_a_compressed_body_is_refused_unread(served: Served) -> None:
    key = {"Authorization": f"Bearer {served.keys['all']}", "Content-Encoding": "gzip"}
    answer = served.client.post("/v1/events", content=b"\x1f\x8b" + b"0" * 100, headers=key)
    assert answer.status_code == 422
    assert "compressed" in answer.json()["detail"]


def test_large_bodies_and_batches_are_refused(served: Served) -> None:
    large = served.ask("POST", "/v1/events", content=b"x" * 60_000)
    assert large.status_code == 413

    def chunks() -> Any:
        yield from (b"x" * 10_000 for _ in range(6))

    assert served.ask("POST", "/v1/events", content=chunks()).status_code == 413
    many = [{"event_id": str(number)} for number in range(101)]
    assert served.post("/v1/events", many).status_code == 413


def test_more_than_the_disk_takes_is_told_to_come_back(served: Served) -> None:
    pressure = served.live.pressure
    with pressure.taking(pressure.limits.in_flight_bytes):
        answer = served.post("/v1/events", event("p1"))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert served.post("/v1/events", event("p1")).json()["accepted"] == 1


def test_a_full_disk_is_said_and_nothing_is_lost(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int, _content: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("foresell.store.journal.os.write", full)
        answer = served.post("/v1/events", event("d1"))
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert served.post("/v1/events", event("d1")).json()["accepted"] == 1


def test_feedback_is_logged_and_counts_once(served: Served) -> None:
    answer = served.post("/v1/recommendations", {"customer_id": "c1", "k": 2})
    request_id = answer.json()["request_id"]
    assert (
        served.post("/v1/feedback", {"request_id": request_id, "what": "shown"}).json()["status"] == "logged"
    )
    assert served.post("/v1/feedback", {"request_id": request_id, "what": "shown"}).status_code == 404
    click = {"request_id": request_id, "what": "clicked", "product_id": "bread", "customer_id": "c1"}
    assert [served.post("/v1/feedback", click).json()["status"] for _ in range(2)] == [
        "accepted",
        "duplicate",
    ]
    logged = served.post("/v1/recommendations", {"customer_id": "c1", "k": 2, "is_served": True}).json()
    with served.shop.reading() as tables:
        rows = tables.current("served")
        assert rows.filter(rows.request_id == logged["request_id"]).count().execute() == 2


def test_rules_hold_from_the_next_answer_on(served: Served) -> None:
    text = '[[rules]]\nname = "no soap"\nkind = "exclude"\nproduct_ids = ["soap"]\n'
    assert "soap" in recommended(served, k=6, surface="trending")
    assert served.ask("PUT", "/v1/rules", json={"text": text, "note": "recalled"}).status_code == 200
    assert "soap" not in recommended(served, k=6, surface="trending")
    asked = {"product_id": "soap", "request": {"surface": "trending"}}
    assert served.post("/v1/recommendations/why-not", asked).json()["rules"] == ["no soap"]
    assert served.get("/v1/rules").json()["text"] == text
    assert served.ask("DELETE", "/v1/rules").status_code == 200
    assert "soap" in recommended(served, k=6, surface="trending")
    assert served.ask("PUT", "/v1/rules", json={"text": "nonsense = ["}).status_code == 422


def test_a_model_that_fails_its_trial_stays_out(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from foresell.contracts.errors import ConflictError

    folder = served.shop.folder.models
    before = pointers(folder, "recommend")["production"]
    put_a_model_to_work(served.shop)
    newer = pointers(folder, "recommend")["production"]
    assert newer != before

    def fails(_recommender: object) -> None:
        raise ConflictError("It recommends nothing")

    with monkeypatch.context() as patched:
        patched.setattr(mind, "trial", fails)
        refused = served.ask("PUT", "/v1/models/recommend/production", json={"version": before})
    assert refused.status_code == 409
    assert pointers(folder, "recommend")["production"] == newer
    assert recommended(served, k=3)
    back = served.ask("PUT", "/v1/models/recommend/production", json={"version": before})
    assert back.json()["answering"] == f"recommend/{before}"
    assert served.ask("PUT", "/v1/models/recommend/production", json={"version": "9999"}).status_code == 404


def test_what_others_put_to_work_is_let_in_and_what_fails_is_seen(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = served.app.state.served.keeper
    newer = put_a_model_to_work(served.shop)
    keeper.look()
    assert served.live.mind.label == newer

    def fails() -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(served.live, "move", fails)
        patched.setattr(keeper, "_next_move", 0.0)
        keeper.look()
    assert "No space left" in keeper.problem
    assert served.client.get("/readyz").json()["problem"]
    assert "foresell_keeper_failing 1.0" in served.get("/metrics").text
    monkeypatch.setattr(keeper, "_next_move", 0.0)
    keeper.look()
    assert keeper.problem is None


@pytest.mark.parametrize(
    "hostile",
    ["../../etc/passwd", "'; DROP TABLE events; --", "<script>", "a\x00b", "%00", "é漢", "x" * 5_000],
)
def test_hostile_ids_are_refused_or_known_as_nobody(served: Served, hostile: str) -> None:
    from urllib.parse import quote

    named = quote(hostile, safe="")
    for kind in ("customers/{}/predictions", "kpis/{}", "forecasts/{}", "predictions/{}"):
        path = f"/v1/{kind.format(named)}"
        answer = served.get(path)
        assert answer.status_code in (404, 422), (path, answer.text)
        assert str(served.shop.folder.root) not in answer.text
    sent = served.post("/v1/events", event(hostile, customer_id=hostile, product_id=hostile))
    assert sent.status_code == 202
    answer = served.post("/v1/recommendations", {"customer_id": hostile, "k": 2})
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("name", ["foresell.toml", "..%2fforesell.toml", "%2fetc%2fhosts.toml"])
def test_no_name_leads_to_a_file(served: Served, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served.shop.folder.root)
    served.post("/v1/events", event(f"file-{name}", session_id="s-file"))
    for path in (
        "customers/c1/predictions/{}/explanation",
        "visits/s-file/predictions/{}",
        "models/{}/leaderboard",
    ):
        answer = served.get(f"/v1/{path.format(name)}")
        assert answer.status_code in (404, 422)
        assert "time_zone" not in answer.text
        assert "section" not in answer.text


def test_pages_lead_through_all_of_a_list(served: Served) -> None:
    found, cursor = [], None
    while True:
        page = served.get("/v1/audit", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [entry["number"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None or len(found) > 20:
            break
    assert found == list(range(1, len(found) + 1))
    assert served.get("/v1/audit", params={"cursor": "zzz"}).status_code == 422


def test_what_nobody_foresaw_tells_nothing_of_the_machine(
    served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    for error, status in ((RuntimeError(f"at {secret}"), 500), (OSError(5, "I/O error", str(secret)), 503)):

        def fails(_shop: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr("foresell.services.result_pages.segment_sizes", fails)
            answer = served.get("/v1/segments")
        assert answer.status_code == status
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
    assert without_paths("/var/lib/store/state.sqlite cannot be used") == "… cannot be used"


def test_kpis_forecasts_and_imports(served: Served) -> None:
    assert {one["kpi"] for one in served.get("/v1/kpis").json()} >= {"net_sales"}
    assert served.get("/v1/kpis/sessions", params={"period": "month"}).status_code in (200, 404)
    wrong = served.get("/v1/kpis/net_sale")
    assert (wrong.status_code, "net_sales" in wrong.json()["do"]) == (404, True)
    assert served.get("/v1/forecasts").json() == {"items": [], "next_cursor": None}
    assert served.get("/v1/forecasts/all").status_code == 404
    page = served.get("/v1/imports", params={"limit": 1}).json()
    assert len(page["items"]) == 1
    assert page["next_cursor"]


def test_it_is_well_and_counted(served: Served) -> None:
    assert served.client.get("/healthz").json() == {"status": "ok"}
    assert served.client.get("/readyz").json()["recommender"].startswith("recommend/")
    text = served.get("/metrics").text
    assert "foresell_events_total" in text
    assert 'route="/v1/recommendations"' in text
    script = served.client.get("/v1/foresell.js")
    assert script.headers["content-type"].startswith("text/javascript")
    allowed = served.client.options(
        "/v1/events",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"


def test_a_shop_that_begins_again_knows_what_waits(served: Served, small_shop: Any) -> None:
    served.post("/v1/events", event("again-1", customer_id="c-late"))
    segments = small_shop.folder.events.pending()
    assert any(
        json.loads(line)["event_id"] == "again-1" for s in segments for line in s.read_text().splitlines()
    )
    second = LiveShop(small_shop)
    second.start()
    try:
        assert small_shop.folder.events.pending() == []
        [outcome] = second.accept(event("again-1", customer_id="c-late"))
        assert outcome.status == "duplicate"
    finally:
        second.stop()
