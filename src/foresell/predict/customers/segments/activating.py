"""Lists for mail and ad tools: the members of segments who allowed it, under an identifier the tool can
match.

Ad tools match SHA-256 of the normalized e-mail address or phone number (Google Customer Match, Meta Custom
Audiences). A store keeps addresses as keyed tokens only, so these hashes exist where originals are kept
encrypted (`privacy.keep_originals`); otherwise lists carry the customer id or the token, which the shop's own
tools know.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from foresell.contracts.errors import InputError, NotFoundError
from foresell.contracts.protocols import Tables
from foresell.predict.customers.segments.exporting import Exportable, exportable
from foresell.predict.customers.segments.suppression import LEAST_PEOPLE

Identifier = Literal["customer_id", "token", "sha256"]
# The tools whose audiences ignore dots in the names of these mailboxes.
DOTLESS = ("gmail.com", "googlemail.com")
KINDS = ("email", "phone")
MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Activation:
    """`frame`: segment, and customer_id, or id_type with id_token or sha256; sorted, no row twice. Of the
    members: `num_without_consent`, of the rest `num_without_identifier`, of the rest `num_in_small_groups`
    were left out."""

    frame: pl.DataFrame
    num_members: int
    num_without_consent: int
    num_without_identifier: int
    num_in_small_groups: int


def consented(past: Tables, purpose: str = MARKETING) -> pl.Series:
    """The customers who allow this purpose, ascending: their last word in `consents` is yes (of two at one
    moment no counts); those without a word there for it, where the purpose is marketing and
    `accepts_marketing` is true.

    Silence is no consent. `past`: the tables as of the moment that is asked about.
    """
    consents = past.current("consents")
    said: pl.DataFrame = (
        consents.filter(consents.purpose == purpose).select("customer_id", "at", "is_granted").to_polars()
    )
    last = said.sort("customer_id", "at", pl.col("is_granted").not_()).group_by("customer_id").last()
    agreed = last.filter("is_granted")["customer_id"]
    if purpose == MARKETING:
        customers = past.current("customers")
        accepts = (
            customers.filter(customers.accepts_marketing).select("customer_id").to_polars()["customer_id"]
        )
        agreed = pl.concat([agreed, accepts.filter(~accepts.is_in(last["customer_id"].implode()))])
    erased = past.current("customers")
    erased = erased.filter(erased.erased_at.notnull()).select("customer_id").to_polars()["customer_id"]
    return agreed.filter(~agreed.is_in(erased.implode())).unique().sort()


def activation(
    segments: pl.DataFrame,
    agreed: pl.Series,
    *,
    identifier: Identifier = "customer_id",
    identities: pl.DataFrame | None = None,
    original: Callable[[str], str] | None = None,
    k: int = LEAST_PEOPLE,
) -> Activation:
    """The list of the members of segments (customer_id, segment) who are among `agreed`.

    `identities`: id_type, id_token, customer_id, for "token" and "sha256"; `original`: the identifier behind
    a token (`privacy.originals.read_original`), NotFoundError where none is kept. An identifier that names
    several customers goes out for none of them: it could be somebody else's. What is no usable address or
    number (a phone number without country code) counts as none. Segments that end with fewer than k people
    are left out.

    Raises InputError where identities or originals are needed and not given.
    """
    allowed = segments.select("customer_id", "segment").filter(pl.col("customer_id").is_in(agreed.implode()))
    if identifier == "customer_id":
        known = allowed
    else:
        known = _with_identifiers(allowed, identifier, identities, original)
    members = known.select("customer_id", "segment").unique()
    kept: Exportable = exportable(members, k, small="leave_out")
    left = known.filter(pl.col("customer_id").is_in(kept.frame["customer_id"].implode()))
    columns = {
        "customer_id": ["customer_id"],
        "token": ["id_type", "id_token"],
        "sha256": ["id_type", "sha256"],
    }
    frame = left.select("segment", *columns[identifier]).unique()
    return Activation(
        frame.sort(frame.columns),
        len(segments),
        len(segments) - len(allowed),
        len(allowed) - len(members),
        kept.num_left_out,
    )


def _with_identifiers(
    allowed: pl.DataFrame,
    identifier: Identifier,
    identities: pl.DataFrame | None,
    original: Callable[[str], str] | None,
) -> pl.DataFrame:
    if identities is None or (identifier == "sha256" and original is None):
        raise InputError(
            f"Lists by {identifier} need the customers' identities"
            + (" and originals" if identities is not None else ""),
            do="Set privacy.keep_originals = true and import again, or export customer ids.",
        )
    contacts = identities.filter(pl.col("id_type").is_in(KINDS)).select("id_type", "id_token", "customer_id")
    contacts = contacts.unique().filter(pl.col("customer_id").n_unique().over("id_type", "id_token") == 1)
    known = allowed.join(contacts, on="customer_id")
    if identifier == "token" or original is None:
        return known
    hashes = [
        _hash_behind(token, kind, original) for kind, token in known.select("id_type", "id_token").iter_rows()
    ]
    return known.with_columns(sha256=pl.Series(hashes, dtype=pl.String)).drop_nulls("sha256")


def _hash_behind(token: str, kind: str, original: Callable[[str], str]) -> str | None:
    try:
        return hashed(kind, original(token))
    except NotFoundError:
        return None


def hashed(kind: str, value: str) -> str | None:
    """SHA-256 (hexadecimal) of an address or number in the form that ad tools match; None: it is unusable."""
    plain = NORMALIZED[kind](value)
    return None if plain is None else hashlib.sha256(plain.encode()).hexdigest()


def _email(value: str) -> str | None:
    plain = value.strip().lower()
    name, at, host = plain.partition("@")
    if not at or not name or "." not in host or re.search(r"[\s@]", host):
        return None
    return f"{name.replace('.', '')}@{host}" if host in DOTLESS else plain


def _phone(value: str) -> str | None:
    """E.164: a plus sign, country code and number, 8 to 15 digits."""
    digits = re.sub(r"[^\d+]", "", value)
    plain = f"+{digits[2:]}" if digits.startswith("00") else digits
    return plain if re.fullmatch(r"\+[1-9]\d{7,14}", plain) else None


NORMALIZED: Mapping[str, Callable[[str], str | None]] = {"email": _email, "phone": _phone}
