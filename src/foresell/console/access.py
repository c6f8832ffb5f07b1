"""Who is at the door: sessions by a cookie, the sign-in page, and a keeper that lets nobody else in."""

import secrets
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from foresell.console.house import House
from foresell.console.speech import Speech
from foresell.console.visit import read_liking
from foresell.contracts.errors import BusyError, ForesellError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION_COOKIE = "foresell_console"
FORM_COOKIE = "foresell_form"
# What anybody may have: the door itself, and files that are the same in every installation.
OPEN = ("/sign-in", "/static/", "/_nicegui/", "/healthz", "/readyz")
# Of these, what belongs to a page somebody has open.
OF_A_PAGE = ("/_nicegui/client/",)
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'"
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"x-frame-options": b"DENY",
}
MOST_FORM_BYTES = 4_096


class Doorkeeper:
    """Lets requests and sockets through whose session is known, and sends all others to the door."""

    def __init__(self, app: "ASGIApp", house: House, most_bytes: int) -> None:
        self.app, self.house, self.most_bytes = app, house, most_bytes

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        is_open = path.startswith(OPEN) and not path.startswith(OF_A_PAGE)
        if not is_open:
            who = await self.house.in_thread(self.house.who, _token(scope))
            if who is None:
                await self._turned_away(scope, receive, send)
                return
            scope["foresell.who"] = who
        if scope["type"] == "http" and _length(scope) > self.most_bytes:
            await PlainTextResponse("That is too large.", 413)(scope, receive, _with_headers(send))
            return
        await self.app(scope, self._at_most(receive), _with_headers(send))

    def _at_most(self, receive: "Receive") -> "Receive":
        """The same, but no more bytes of a body than may be sent: a length can be left out."""
        taken = 0

        async def receiving() -> "Message":
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > self.most_bytes:
                    return {"type": "http.disconnect"}
            return message

        return receiving

    async def _turned_away(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401})
            return
        if scope["method"] != "GET" or scope["path"].startswith("/_nicegui"):
            answer: Response = PlainTextResponse("Sign in first.", 401)
        else:
            query = scope["query_string"].decode("latin-1")
            wanted = scope["path"] + (f"?{query}" if query else "")
            answer = RedirectResponse(f"/sign-in?next={quote(wanted)}", 303)
        await answer(scope, receive, _with_headers(send))


def _length(scope: "Scope") -> int:
    """How much the request says that it brings; 0 where it does not."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(given) if given.isdigit() else 0


def _token(scope: "Scope") -> str | None:
    from http.cookies import CookieError, SimpleCookie

    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                found = SimpleCookie(value.decode("latin-1")).get(SESSION_COOKIE)
            except CookieError:
                return None
            return found.value if found else None
    return None


def _with_headers(send: "Send") -> "Send":
    async def sending(message: object) -> None:
        if message["type"] == "http.response.start":  # type: ignore[index]
            message["headers"] = [*message["headers"], *HEADERS.items()]  # type: ignore[index]
        await send(message)  # type: ignore[arg-type]

    return sending


async def show_door(house: House, request: Request) -> Response:
    """The sign-in page; where there is no account or no shop yet, the command that makes one."""
    speech = await house.in_thread(_speech, house, request)
    state = await house.in_thread(_state, house)
    return _door(house, request, speech, state)


async def enter(house: House, request: Request) -> Response:
    """What the sign-in form sent: a session, or the page again with what was wrong."""
    speech = await house.in_thread(_speech, house, request)
    form = parse_qs((await _start_of_body(request)).decode("utf-8", "replace"), keep_blank_values=True)
    given = {name: values[0] for name, values in form.items()}
    known = request.cookies.get(FORM_COOKIE, "")
    if not known or not secrets.compare_digest(known.encode(), given.get("form", "").encode()):
        return _door(house, request, speech, "ready", speech.say("door.stale"))
    address = request.client.host if request.client else ""
    try:
        signed_in = await house.in_thread(
            house.sign_in, given.get("name", ""), given.get("password", ""), address
        )
    except BusyError:
        return _door(house, request, speech, "ready", speech.say("door.too_often"), 429)
    except ForesellError:
        return _door(house, request, speech, "ready", speech.say("door.refused"), 401)
    answer = RedirectResponse(_inside(given.get("next", "")), 303)
    is_secure = house.is_behind_https
    answer.set_cookie(
        SESSION_COOKIE, signed_in.session, httponly=True, samesite="strict", secure=is_secure, path="/"
    )
    answer.delete_cookie(FORM_COOKIE)
    return answer


async def _start_of_body(request: Request) -> bytes:
    """As much of what was sent as the form can be; whoever sends more, sends no form of ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_FORM_BYTES:
            break
    return body[:MOST_FORM_BYTES]


async def leave(house: House, request: Request) -> Response:
    """End the session of this browser."""
    token = request.cookies.get(SESSION_COOKIE)
    if token and house.has_shop:
        await house.in_thread(house.gate.sign_out, token)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


def _inside(wanted: str) -> str:
    """A path of this console; anything that leads elsewhere becomes the first page."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc
    return wanted if is_ours and "\\" not in wanted else "/"


def _speech(house: House, request: Request) -> Speech:
    if not house.has_shop:
        return Speech(read_liking(request, "en").language, "USD", "UTC")
    store = house.shop.settings.store
    return Speech(read_liking(request, store.language).language, store.currency, store.time_zone)


def _state(house: House) -> str:
    from foresell.services.access.accounts import has_accounts

    if not house.has_shop:
        return "no_store"
    return "ready" if has_accounts(house.shop) else "no_account"


def _door(
    house: House, request: Request, speech: Speech, state: str, fault: str = "", status: int = 200
) -> Response:
    form_token = secrets.token_urlsafe(24)
    wanted = request.query_params.get("next", "/")
    liking = read_liking(request, speech.code)
    parts = {
        "form": _form(speech, form_token, wanted, fault)
        if state == "ready"
        else _commands(house, speech, state),
        "language": speech.code,
        "theme": liking.theme,
        "title": speech.say("door.title"),
        "shop": house.shop.settings.store.name if house.has_shop else "Foresell",
        "other": speech.say("frame.language"),
        "other_label": speech.say("frame.language_label"),
    }
    page = files(__package__).joinpath("static", "door.html").read_text(encoding="utf-8")
    for name, value in parts.items():
        page = page.replace("{{ " + name + " }}", value if name == "form" else escape(value))
    answer = HTMLResponse(page, status, headers={"cache-control": "no-store"})
    answer.set_cookie(FORM_COOKIE, form_token, httponly=True, samesite="strict", path="/sign-in")
    return answer


def _form(speech: Speech, form_token: str, wanted: str, fault: str) -> str:
    said = {name: escape(speech.say(f"door.{name}")) for name in ("name", "password", "enter")}
    alert = f'<p class="fault" role="alert">{escape(fault)}</p>' if fault else ""
    return (
        f'<form method="post" action="/sign-in">{alert}'
        f'<input type="hidden" name="form" value="{form_token}">'
        f'<input type="hidden" name="next" value="{escape(wanted)}">'
        f'<label for="name">{said["name"]}</label>'
        '<input id="name" name="name" autocomplete="username" autocapitalize="none" required autofocus>'
        f'<label for="password">{said["password"]}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        f"<button>{said['enter']}</button></form>"
    )


def _commands(house: House, speech: Speech, state: str) -> str:
    """What to run, on this machine, where there is nobody to sign in yet."""
    account = f"foresell account add NAME --role admin --store {house.root}"
    commands = [account] if state == "no_account" else [f"foresell init {house.root}", account]
    shown = "\n".join(escape(command) for command in commands)
    return (
        f"<h2>{escape(speech.say(f'door.{state}'))}</h2><p>{escape(speech.say(f'door.{state}_text'))}</p>"
        f"<pre><code>{shown}</code></pre><p>{escape(speech.say(f'door.{state}_then'))}</p>"
        f'<p><a class="button" href="/sign-in">{escape(speech.say("door.reload"))}</a></p>'
    )
