"""Whatever the OpenAPI document allows, and what it forbids, is answered without a defect.

FORESELL_EXAMPLES=200 pytest THIS_FILE      more examples a route
"""

import os
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from foresell.api.problems import MEDIA_TYPE

from .conftest import Served

EXAMPLES = int(os.environ.get("FORESELL_EXAMPLES", "2"))


def test_no_route_has_a_defect(served: Served) -> None:
    schema = schemathesis.openapi.from_dict(served.client.get("/openapi.json").json())
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        # Signing in is limited, and signing out ends the session of nobody; a job is a process.
        if operation.path != "/v1/session" and (operation.method, operation.path) != ("post", "/v1/jobs"):
            try_out(served, operation)
            tried += 1
    assert tried > 30


def try_out(served: Served, operation: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
    )
    @given(case=operation.as_strategy())
    def asked(case: Any) -> None:
        answers_well(served, case)

    asked()


def answers_well(served: Served, case: Any) -> None:
    asked = case.as_transport_kwargs(base_url="http://testserver")
    headers = {**asked.pop("headers"), "Authorization": f"Bearer {served.keys['all']}"}
    answer = served.client.request(**_as_sent(asked), headers=headers)
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == MEDIA_TYPE
    assert str(served.shop.folder.root) not in answer.text


def _as_sent(asked: dict[str, Any]) -> dict[str, Any]:
    """What a case says to `requests`, as the test's client takes it."""
    kept = {name: value for name, value in asked.items() if name in ("method", "url", "params", "json")}
    return {**kept, "content": asked["data"]} if isinstance(asked.get("data"), bytes | str) else kept


def test_every_body_has_an_example_and_every_answer_a_type(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert told["summary"], (method, path)
            body = told.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None and path != "/v1/session":
                assert _examples(document, body), (method, path)
            answer = next(one for status, one in told["responses"].items() if status.startswith("2"))
            if "application/json" in answer.get("content", {}) and path not in (
                "/metrics",
                "/v1/foresell.js",
            ):
                assert answer["content"]["application/json"]["schema"], (method, path)


def _examples(document: Any, body: Any) -> Any:
    if "examples" in body:
        return body["examples"]
    name = body["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]
    return schema.get("examples") or schema.get("required") == []
