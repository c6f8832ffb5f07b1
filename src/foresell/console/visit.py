"""One person at one page: who they are, their language and colors, and what they may do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from foresell.console.speech import Speech

if TYPE_CHECKING:
    from starlette.requests import Request

    from foresell.console.house import House
    from foresell.services.access.roles import Principal

Theme = Literal["auto", "light", "dark"]
LanguageCode = Literal["en", "zh"]
Scheme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
LANGUAGES: tuple[LanguageCode, ...] = ("en", "zh")
# Cookies that hold no secret: what a person likes, kept by their browser.
LANGUAGE_COOKIE, THEME_COOKIE, SCHEME_COOKIE = "foresell_language", "foresell_theme", "foresell_scheme"


@dataclass(frozen=True)
class Liking:
    """How somebody likes to read: `scheme` is what the theme comes to on their device."""

    language: LanguageCode
    theme: Theme
    scheme: Scheme


@dataclass(frozen=True)
class Visit:
    """`path`: of the page, with its question; `values`: what the path and the question named."""

    house: "House"
    who: "Principal"
    token: str
    liking: Liking
    path: str
    values: dict[str, str]

    @property
    def speech(self) -> Speech:
        store = self.house.shop.settings.store
        return Speech(self.liking.language, store.currency, store.time_zone)

    def say(self, key: str, **values: Any) -> str:
        return self.speech.say(key, **values)

    def may(self, scope: str) -> bool:
        return scope in self.who.scopes

    def note(self, action: str, customer_id: str | None = None, **details: object) -> None:
        """Write into the audit log what this person does; on the disk when it returns, so not on the loop."""
        self.house.note(self.who, action, customer_id, **details)

    def link(self, **values: object) -> str:
        """The address of this page with other values; None takes one away."""
        from urllib.parse import urlencode

        asked = {**self.values, **values}
        kept = {name: str(value) for name, value in asked.items() if value is not None}
        return f"?{urlencode(kept)}"


def read_liking(request: "Request", store_language: str) -> Liking:
    """What the browser's cookies say; else the language it asks for, where the console speaks it."""
    wanted = [
        request.cookies.get(LANGUAGE_COOKIE, ""),
        request.headers.get("accept-language", "")[:2].lower(),
        store_language,
    ]
    spoken = [code for name in wanted for code in LANGUAGES if code == name]
    language = spoken[0] if spoken else LANGUAGES[0]
    given = request.cookies.get(THEME_COOKIE, "")
    theme: Theme = next((name for name in THEMES if name == given), "auto")
    of_device: Scheme = "dark" if request.cookies.get(SCHEME_COOKIE) == "dark" else "light"
    return Liking(language, theme, of_device if theme == "auto" else theme)
