"""The console as a web application: the door, the pages, and what is the same in every installation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from foresell.console.access import SESSION_COOKIE, Doorkeeper, enter, leave, show_door
from foresell.console.frame import framed
from foresell.console.house import House
from foresell.console.pages import PAGES, Page
from foresell.console.pieces import failed, require
from foresell.console.visit import Visit, read_liking
from foresell.console.warming import keep_warm
from foresell.services.uploads import MOST_BYTES, forget_left

# Of one message of a page.
MOST_MESSAGE_BYTES = 4 * 1024 * 1024
# What is sent beside a file.
FORM_BYTES = 1024 * 1024


def make_app(root: Path, *, is_behind_https: bool = False) -> FastAPI:
    """The application over the shop in a folder."""
    house = House(root, is_behind_https=is_behind_https)

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        await house.in_thread(forget_left)
        warming = asyncio.create_task(keep_warm(house))
        yield
        warming.cancel()
        house.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=living)
    app.mount("/static", StaticFiles(directory=str(files("foresell.console").joinpath("static"))))

    @app.get("/sign-in")
    async def door(request: Request) -> Response:
        return await show_door(house, request)

    @app.post("/sign-in")
    async def entering(request: Request) -> Response:
        return await enter(house, request)

    @app.post("/sign-out")
    async def leaving(request: Request) -> Response:
        return await leave(house, request)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        status = "ready" if house.is_warm else "getting ready"
        return JSONResponse({"status": status}, 200 if house.is_warm else 503)

    for page in PAGES.values():
        _register(house, page)
    ui.run_with(
        app,
        title="Foresell",
        favicon=Path(str(files("foresell.console").joinpath("static", "icon.svg"))),
        dark=None,
        tailwind=False,
        reconnect_timeout=20,
        show_welcome_message=False,
        binding_refresh_interval=None,
    )
    # What is uploaded may hold identifiers, and must not lie on a disk as it came.
    MultiPartParser.spool_max_size = MOST_BYTES + FORM_BYTES
    app.add_middleware(Doorkeeper, house=house, most_bytes=MOST_BYTES + FORM_BYTES)
    return app


def _register(house: House, page: Page) -> None:
    @ui.page(page.path, response_timeout=20)
    async def build(request: Request) -> None:
        house.visited()
        liking = read_liking(request, house.shop.settings.store.language)
        values: dict[str, Any] = {**request.query_params, **request.path_params}
        path = str(request.url.path)
        token = request.cookies.get(SESSION_COOKIE, "")
        visit = Visit(house, request.scope["foresell.who"], token, liking, path, values)
        with framed(visit, page):
            try:
                require(visit, page.scope)
                await page.build(visit)
            except Exception as error:  # noqa: BLE001  # the frame stands, and says what went wrong
                failed(visit, error)


def serve(root: Path, host: str, port: int, *, is_behind_https: bool = False) -> None:
    """Serve until the process is told to end."""
    uvicorn.run(
        make_app(root, is_behind_https=is_behind_https),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        ws_max_size=MOST_MESSAGE_BYTES,
        timeout_graceful_shutdown=5,
    )
