"""Who asks: by a key, or by a session that a password began."""

import hmac
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from foresell.contracts.errors import DeniedError, UnauthenticatedError
from foresell.services.access.accounts import hash_password, hash_secret
from foresell.services.access.audit import audit_log
from foresell.services.access.roles import ROLES, Principal
from foresell.services.shop import Shop
from foresell.store.access import AccessTables, Session

SESSION_TIME = timedelta(hours=12)
# So long a key or session is believed without another look: what is revoked holds so long.
BELIEVED_SECONDS = 5.0
MOST_BELIEVED = 10_000


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`session`: the cookie's value; `csrf`: what changes must send beside it."""

    principal: Principal
    session: str
    csrf: str
    expires_at: datetime


class Gate:
    """Tells who asks. Safe for many threads."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._tables = AccessTables(shop.folder.state)
        self._believed: dict[str, tuple[float, Principal | None, str]] = {}
        self._lock = threading.Lock()

    def by_key(self, secret: str) -> Principal:
        """UnauthenticatedError for a key that is unknown, revoked or expired."""
        principal, _ = self._known(f"key:{hash_secret(secret)}", secret)
        if principal is None:
            raise UnauthenticatedError(
                "This key is not valid", do="Make one: foresell key add NAME --scope …"
            )
        return principal

    def by_session(self, session: str, *, csrf: str | None, is_change: bool) -> Principal:
        """UnauthenticatedError for a session that is over; DeniedError for a change without its token."""
        principal, csrf_hash = self._known(f"session:{hash_secret(session)}", session)
        if principal is None:
            raise UnauthenticatedError("This session is over", do="Sign in again.")
        if is_change and not hmac.compare_digest(hash_secret(csrf or ""), csrf_hash):
            raise DeniedError("The request has not the session's token", do="Send it as X-CSRF-Token.")
        return principal

    def sign_in(self, name: str, password: str) -> SignedIn:
        """UnauthenticatedError for a wrong name or password, without saying which."""
        account = self._tables.account(name)
        is_right = _is_password(_nobodys_hash() if account is None else account.password_hash, password)
        log = audit_log(self._shop)
        if account is None or not is_right:
            log.append("nobody", "sign_in.refused", account=name[:63])
            raise UnauthenticatedError("Name or password is wrong", do="Try again, or ask an administrator.")
        session, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        expires_at = datetime.now(UTC) + SESSION_TIME
        self._tables.add_session(hash_secret(session), Session(name, hash_secret(csrf), expires_at))
        log.append(name, "sign_in")
        principal = Principal(name, frozenset(ROLES[account.role]), is_browser=True)
        return SignedIn(principal, session, csrf, expires_at)

    def sign_out(self, session: str) -> None:
        self._tables.end_session(hash_secret(session))
        with self._lock:
            self._believed.pop(f"session:{hash_secret(session)}", None)

    def _known(self, name: str, secret: str) -> tuple[Principal | None, str]:
        now = time.monotonic()
        found = self._believed.get(name)
        if found is None or now - found[0] > BELIEVED_SECONDS:
            look = self._of_key if name.startswith("key:") else self._of_session
            found = (now, *look(hash_secret(secret)))
            with self._lock:
                if len(self._believed) >= MOST_BELIEVED:
                    self._believed.clear()
                self._believed[name] = found
        return found[1], found[2]

    def _of_key(self, secret_hash: str) -> tuple[Principal | None, str]:
        key = self._tables.key_of(secret_hash)
        if key is None or not key.is_valid(datetime.now(UTC)):
            return None, ""
        return Principal(f"key {key.name} ({key.key_id})", frozenset(key.scopes)), ""

    def _of_session(self, session_hash: str) -> tuple[Principal | None, str]:
        session = self._tables.session_of(session_hash)
        account = None if session is None else self._tables.account(session.account)
        if session is None or account is None or session.expires_at < datetime.now(UTC):
            return None, ""
        return Principal(account.name, frozenset(ROLES[account.role]), is_browser=True), session.csrf_hash


@cache
def _nobodys_hash() -> str:
    """Checked where there is no such account, so that an unknown name takes as long as a wrong password."""
    return hash_password(secrets.token_urlsafe(32))


def _is_password(password_hash: str, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
