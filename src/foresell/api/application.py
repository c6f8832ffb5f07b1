"""The application: routes, errors, limits, and the shop behind them."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute

from foresell import __version__
from foresell.api.access import Buckets, Needs
from foresell.api.answering import Answering
from foresell.api.guard import Guard
from foresell.api.metrics import Metrics
from foresell.api.peers import Peers
from foresell.api.problems import answer_problems
from foresell.api.routes import ROUTES, WAYS
from foresell.api.served_shop import ServedShop
from foresell.api.settling import Settling
from foresell.api.shortcut import Shortcut
from foresell.contracts.serving import ServeSettings
from foresell.services.access.signing_in import Gate
from foresell.services.live.keeper import Keeper
from foresell.services.live.limits import Limits
from foresell.services.live.shared_shop import open_live
from foresell.services.monitoring.server_watch import ServerWatch
from foresell.services.shop import Shop, open_shop

STORE, ORIGINS, IS_SECURE = "FORESELL_SERVE_STORE", "FORESELL_SERVE_ORIGINS", "FORESELL_SERVE_SECURE"
WORKERS, PEERS = "FORESELL_SERVE_WORKERS", "FORESELL_SERVE_PEERS"
SWITCH_SECONDS = 0.0005
SIGN_INS_PER_SECOND, SIGN_INS_AT_ONCE = 1 / 12, 5.0
ABOUT = """What a shop's own records say: recommendations, predictions, KPIs, forecasts; and its events in.

Send `Authorization: Bearer KEY` (`foresell key add`), or sign in. Errors are problem details (RFC 9457) that
say what happened, what was received and what to do. Long lists come in pages: `limit`, `cursor`."""


def make_app(
    shop: Shop,
    *,
    limits: Limits | None = None,
    origins: Sequence[str] = (),
    is_secure: bool = False,
    asks_per_second: float = ServeSettings().asks_per_second,
    workers: int = 1,
    peers: Path | None = None,
) -> FastAPI:
    """The application of one store. `origins`: of the shop's pages that may send events from a browser;
    `is_secure`: it is reached by HTTPS, and cookies are sent so only. `workers`: processes that serve beside
    each other; each gives a share of what one alone would. `peers`: the folder of their sockets.

    The shop behind it starts with the application's lifespan, and stops with it.
    """
    whole = limits or Limits()
    live = open_live(shop, replace(whole, in_flight_bytes=whole.in_flight_bytes // workers))
    metrics = Metrics()
    answers: dict[str, Callable[..., Any]] = {"shown": live.shown_or_none, "metrics": metrics.told}
    served = ServedShop(live, Gate(shop), Keeper(live), Answering(live), Settling(), Peers(peers, answers))

    limit_seconds = shop.settings.monitoring.latency_ms / 1_000
    watch = ServerWatch(live, served.keeper, partial(metrics.slow, limit_seconds))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        live.start()
        _settle()
        served.keeper.start()
        served.peers.start()
        watch.start()
        yield
        watch.stop()
        served.peers.stop()
        served.keeper.stop()
        served.settling.close()
        served.answering.close()
        live.stop()

    app = FastAPI(
        title="Foresell",
        description=ABOUT,
        version=__version__,
        lifespan=lifespan,
        # Their pages ask other hosts for scripts.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    metrics.watch(live, served.keeper)
    app.state.served, app.state.metrics, app.state.is_secure = served, metrics, is_secure
    app.state.buckets = Buckets(asks_per_second / workers, 2 * asks_per_second / workers)
    app.state.sign_in_buckets = Buckets(SIGN_INS_PER_SECOND / workers, max(1.0, SIGN_INS_AT_ONCE / workers))
    for router in ROUTES.values():
        app.include_router(router)
    answer_problems(app)
    app.add_middleware(Shortcut, ways=WAYS)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type"],
            max_age=86_400,
        )
    app.add_middleware(Guard, body_bytes=live.limits.body_bytes, metrics=metrics)
    _describe_access(app)
    return app


def _settle() -> None:
    """Spare answers the pauses for garbage: what was read to begin with is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def from_environment() -> FastAPI:
    """The application that `foresell serve` starts: it says by the environment what is wanted."""
    # Threads that compute give way to the one that listens sooner than by Python's 5 ms.
    sys.setswitchinterval(SWITCH_SECONDS)
    shop = open_shop(Path(os.environ[STORE]))
    peers = os.environ.get(PEERS)
    return make_app(
        shop,
        limits=Limits.of(shop.settings.serve),
        origins=[one for one in os.environ.get(ORIGINS, "").split(",") if one],
        is_secure=os.environ.get(IS_SECURE) == "yes",
        asks_per_second=shop.settings.serve.asks_per_second,
        workers=int(os.environ.get(WORKERS, "1")),
        peers=None if peers is None else Path(peers),
    )


def needed_scope(route: APIRoute) -> str | None:
    """The scope that a route needs; None: it is open, or asks only that somebody is signed in."""
    found = [d.call for d in route.dependant.dependencies if isinstance(d.call, Needs)]
    return found[0].scope if found else None


def _operation_id(route: APIRoute) -> str:
    return f"{route.tags[0]}-{route.name}" if route.tags else route.name


def _describe_access(app: FastAPI) -> None:
    """Say in the OpenAPI document how one signs in, and which scope each route needs."""
    made = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            schema.setdefault("components", {})["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "foresell_session"},
            }
            for route in app.routes:
                if isinstance(route, APIRoute) and (scope := needed_scope(route)):
                    for method in route.methods or ():
                        told = schema["paths"][route.path_format][method.lower()]
                        told["security"] = [{"key": []}, {"session": []}]
                        told["x-scope"] = scope
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend it
