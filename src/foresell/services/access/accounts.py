"""Accounts and keys: made by somebody who can read the store's folder, or by an administrator."""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

from foresell.contracts.errors import ConflictError, InputError, NotFoundError
from foresell.services.access.audit import audit_log
from foresell.services.access.roles import check_role, check_scopes
from foresell.services.shop import Shop
from foresell.store.access import AccessTables, Account, ApiKey

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
KEY_PREFIX = "fs_"


def add_account(shop: Shop, name: str, role: str, password: str, by: str) -> Account:
    """InputError for a name, role or password that cannot be; ConflictError for a name that is taken."""
    _check_name(name)
    account = Account(name, check_role(role), hash_password(password), datetime.now(UTC))
    if not AccessTables(shop.folder.state).add_account(account):
        raise ConflictError(f"There is an account '{name}' already", do="Choose another name.")
    audit_log(shop).append(by, "account.add", account=name, role=role)
    return account


def has_accounts(shop: Shop) -> bool:
    """Whether anybody can sign in yet."""
    return bool(AccessTables(shop.folder.state).accounts())


def set_password(shop: Shop, name: str, password: str, by: str) -> None:
    if not AccessTables(shop.folder.state).change_account(name, password_hash=hash_password(password)):
        raise _unknown(shop, name)
    audit_log(shop).append(by, "account.password", account=name)


def set_role(shop: Shop, name: str, role: str, by: str) -> None:
    if not AccessTables(shop.folder.state).change_account(name, role=check_role(role)):
        raise _unknown(shop, name)
    audit_log(shop).append(by, "account.role", account=name, role=role)


def remove_account(shop: Shop, name: str, by: str) -> None:
    if not AccessTables(shop.folder.state).remove_account(name):
        raise _unknown(shop, name)
    audit_log(shop).append(by, "account.remove", account=name)


def add_key(shop: Shop, name: str, scopes: list[str], by: str, days: int | None = None) -> tuple[ApiKey, str]:
    """A key and its secret, which is told this once and stored as a hash. `days`: how long it holds."""
    _check_name(name)
    if days is not None and not 1 <= days <= 3_650:
        raise InputError("A key holds from 1 to 3,650 days", received=days)
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    ends = None if days is None else now + timedelta(days=days)
    key = ApiKey(secrets.token_hex(4), name, check_scopes(scopes), now, ends)
    AccessTables(shop.folder.state).add_key(key, hash_secret(secret))
    audit_log(shop).append(by, "key.add", key=key.key_id, name=name, scopes=list(key.scopes))
    return key, secret


def revoke_key(shop: Shop, key_id: str, by: str) -> None:
    if not AccessTables(shop.folder.state).revoke_key(key_id):
        raise NotFoundError(f"There is no key '{key_id}' to revoke", do="`foresell key list` lists all.")
    audit_log(shop).append(by, "key.revoke", key=key_id)


def hash_password(password: str) -> str:
    """Argon2id with the parameters of the library's defaults (RFC 9106's second choice)."""
    from argon2 import PasswordHasher

    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InputError(
            "The password cannot be used",
            received=f"{len(password)} characters",
            do=f"Use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
        )
    return PasswordHasher().hash(password)


def hash_secret(secret: str) -> str:
    """Of keys and sessions, which are random: one round suffices."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InputError(
            "That is no name for an account or key",
            received=repr(name),
            do="Use letters, digits, '.', '_' and '-', up to 63 of them.",
        )


def _unknown(shop: Shop, name: str) -> NotFoundError:
    names = ", ".join(one.name for one in AccessTables(shop.folder.state).accounts())
    return NotFoundError(f"There is no account '{name}'", do=f"Accounts: {names or 'none yet'}.")
