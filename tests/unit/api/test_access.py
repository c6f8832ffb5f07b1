"""Every route by every role; sessions, keys, masks, and the log of who did what."""

from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from foresell.api.access import Buckets
from foresell.api.application import needed_scope
from foresell.api.routes import ROUTES
from foresell.contracts.errors import InputError
from foresell.services.access.accounts import add_account, add_key, revoke_key
from foresell.services.access.audit import audit_log, subject_of
from foresell.services.access.roles import ROLES, SCOPES
from foresell.services.live.limits import TooBusyError
from foresell.services.shop import Shop

from .conftest import PASSWORD, Served

# What needs nobody, and what needs only that somebody is signed in.
OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/v1/foresell.js"), ("POST", "/v1/session")}
ANYBODY_SIGNED_IN = {("GET", "/v1/session"), ("DELETE", "/v1/session")}


def every_route() -> list[tuple[str, str, str | None]]:
    return [
        (method, route.path, needed_scope(route))
        for router in ROUTES.values()
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def asked(path: str) -> str:
    """The route with something in the place of its parameters that nothing is called."""
    return "/".join("none" if part.startswith("{") else part for part in path.split("/"))


def test_every_route_says_who_may_ask() -> None:
    without = {(method, path) for method, path, scope in every_route() if scope is None}
    assert without == OPEN | ANYBODY_SIGNED_IN
    assert {scope for _, _, scope in every_route() if scope} <= set(SCOPES)


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_every_route_by_every_role(served: Served, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may ask is let through to the limit of how often, which is set to never: 429."""
    monkeypatch.setattr(served.app.state.buckets, "take", Buckets(1, 0).take)
    assert len(every_route()) > 30
    for method, path, scope in every_route():
        if (method, path) in OPEN | ANYBODY_SIGNED_IN:
            continue
        if role == "nobody":
            answer = served.client.request(method, asked(path))
            assert answer.status_code == 401, (method, path)
            continue
        answer = served.ask(method, asked(path), role)
        assert answer.status_code == (429 if scope in ROLES[role] else 403), (method, path)


def sign_in(served: Served, role: str) -> tuple[TestClient, dict[str, str]]:
    client = TestClient(served.app, base_url="https://testserver", raise_server_exceptions=False)
    answer = client.post("/v1/session", json={"name": f"some-{role}", "password": PASSWORD})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    return client, {"X-CSRF-Token": answer.json()["csrf_token"]}


def test_a_session_reads_and_changes_only_with_its_token(served: Served) -> None:
    client, token = sign_in(served, "admin")
    assert client.get("/v1/keys").status_code == 200
    made = {"name": "by-hand", "scopes": ["events:write"]}
    assert client.post("/v1/keys", json=made).status_code == 403
    assert client.post("/v1/keys", json=made, headers={"X-CSRF-Token": "no"}).status_code == 403
    assert client.post("/v1/keys", json=made, headers=token).status_code == 201
    assert client.delete("/v1/session", headers=token).status_code == 204
    assert client.get("/v1/keys").status_code == 401


def test_a_viewer_may_not_see_what_somebody_is_recommended(served: Served) -> None:
    client, token = sign_in(served, "viewer")
    asked = {"surface": "customer", "customer_id": "c1", "k": 2}
    assert client.post("/v1/recommendations", json=asked, headers=token).status_code == 403
    assert client.post("/v1/recommendations", json={"surface": "trending"}, headers=token).status_code == 200
    assert served.ask("POST", "/v1/recommendations", "viewer", json=asked).status_code == 200


def test_a_wrong_password_says_not_what_was_wrong_and_cannot_be_tried_often(served: Served) -> None:
    wrong = {"name": "some-viewer", "password": "not it, not it"}
    unknown = {"name": "nobody-here", "password": "not it, not it"}
    first, second = (
        served.client.post("/v1/session", json=wrong),
        served.client.post("/v1/session", json=unknown),
    )
    assert first.status_code == second.status_code == 401
    assert first.json() == second.json()
    found = [served.client.post("/v1/session", json=wrong) for _ in range(5)][-1]
    assert found.status_code == 429
    assert int(found.headers["Retry-After"]) >= 1


def test_a_revoked_key_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = add_key(served.shop, "short", ["insight:read"], "test")
    headers = {"Authorization": f"Bearer {secret}"}
    assert served.client.get("/v1/models", headers=headers).status_code == 200
    revoke_key(served.shop, key.key_id, "test")
    monkeypatch.setattr("foresell.services.access.signing_in.BELIEVED_SECONDS", -1.0)
    assert served.client.get("/v1/models", headers=headers).status_code == 401
    stored = (served.shop.folder.root / "state.sqlite").read_bytes()
    assert secret.encode() not in stored
    assert PASSWORD.encode() not in stored


def test_a_viewer_sees_tokens_in_the_place_of_people(served: Served) -> None:
    from datetime import UTC, datetime

    import polars as pl

    from foresell.services.results import write_results
    from foresell.services.writing import writing

    now = datetime.now(UTC)
    row = {"segmentation": "s", "customer_id": "c1", "segment": "a", "cutoff_at": now, "made_at": now}
    frame = pl.DataFrame([{**row, "model": None, "confidence": 0.5}], schema_overrides={"model": pl.String})
    with writing(served.shop, "test"):
        write_results(served.shop, "segments", frame, replaces={})
    path = "/v1/segments/s/a/customers"
    [masked] = served.ask("GET", path, "viewer").json()["items"]
    [plain] = served.ask("GET", path, "analyst").json()["items"]
    assert plain["customer_id"] == "c1"
    assert masked["customer_id"].startswith("masked-")
    assert served.ask("GET", "/v1/customers/c1/segments", "analyst").json()[0]["segment"] == "a"


def test_who_read_a_profile_is_logged_and_the_log_cannot_be_changed_unseen(served: Served) -> None:
    served.ask("GET", "/v1/customers/c1/predictions", "analyst")
    log = audit_log(served.shop)
    entries = list(log.entries())
    assert any(
        e["action"] == "predictions.read" and e["subject"] == subject_of(served.shop, "c1") for e in entries
    )
    assert "c1" not in {e["subject"] for e in entries}
    assert log.faults().problems == ()
    text = log.path.read_text()
    lines = text.splitlines(keepends=True)
    spoiled: list[tuple[str, str]] = [
        ("changed", text.replace("analyst", "somebody", 1)),
        ("missing", "".join(lines[:2] + lines[3:])),
        ("cut off", "".join(lines[:-1])),
        ("damaged", text + "{\n"),
    ]
    for what, content in spoiled:
        log.path.write_text(content)
        assert log.faults().problems, what
    log.path.write_text(text + '{"number": 9')
    log.append("test", "after a crash")
    assert log.faults().problems == ()


def test_names_passwords_and_scopes_that_cannot_be(small_shop: Shop) -> None:
    bad: list[Any] = [("../x", "viewer", PASSWORD), ("x", "king", PASSWORD), ("x", "viewer", "short")]
    for name, role, password in bad:
        with pytest.raises(InputError):
            add_account(small_shop, name, role, password, "test")
    with pytest.raises(InputError):
        add_key(small_shop, "k", ["everything"], "test")


def test_whoever_asks_too_often_is_told_when_to_come_back() -> None:
    buckets = Buckets(0.5, 2)
    buckets.take("a")
    buckets.take("a")
    buckets.take("b")
    with pytest.raises(TooBusyError) as refused:
        buckets.take("a")
    assert refused.value.retry_after == 2
