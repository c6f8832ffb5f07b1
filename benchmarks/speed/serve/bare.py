"""A bare FastAPI route: what the framework and its server cost alone."""

import json
import os

from benchmarks.speed.serve.servers import SIZE_VARIABLE
from fastapi import FastAPI, Response

size = int(os.environ.get(SIZE_VARIABLE, "1000"))
ANSWER = json.dumps({"items": "x" * max(0, size - 14)}).encode()
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.post("/v1/recommendations")
def constant() -> Response:
    return Response(ANSWER, media_type="application/json")
