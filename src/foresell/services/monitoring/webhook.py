"""Telling a webhook of alerts: signed, tried again with growing pauses, and never in anybody's way.

Signature, as Stripe's and GitHub's webhooks have it: the header `X-Foresell-Signature` holds
`t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 (RFC 2104) of `SECONDS.BODY` under FORESELL_ALERT_SECRET. The
receiver compares in constant time, and refuses what is older than some minutes.
"""

import hmac
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from foresell.contracts.errors import InputError
from foresell.quality.finding import SEVERITIES
from foresell.services.posting import post_json
from foresell.services.shop import Shop
from foresell.store.alerts import AlertTable, Delivery

SECRET = "FORESELL_ALERT_SECRET"  # noqa: S105  # the name of a variable
SIGNATURE = "X-Foresell-Signature"
SHORTEST_SECRET = 16
# After each failure the pause doubles; after the last the webhook is given up for this message.
FIRST_PAUSE, LONGEST_PAUSE, MOST_ATTEMPTS = timedelta(seconds=2), timedelta(hours=1), 20
# For so long one who sends is believed to live.
CLAIMED = timedelta(seconds=60)
# What a process that does nothing else waits for at most.
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many messages were taken, and how many wait for another attempt; `problem`: of the last failure."""

    num_sent: int
    num_waiting: int
    problem: str | None

    def as_record(self) -> dict[str, Any]:
        return {"sent": self.num_sent, "waiting": self.num_waiting, "problem": self.problem}


def signature(secret: str, body: bytes, seconds: int) -> str:
    """The value of the header for a body that is sent at `seconds` since 1970."""
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, "sha256").hexdigest()
    return f"t={seconds},v1={signed}"


def deliver(
    shop: Shop, patience: float = 0.0, *, sleep: Callable[[float], None] = time.sleep
) -> Delivered | None:
    """Send what is due; None where no webhook is declared.

    `patience`: seconds for which messages that were not taken are tried again; what is left then is due
    later, for whoever calls next. InputError where the secret is missing or short.
    """
    address = shop.settings.monitoring.webhook
    if not address:
        return None
    secret, table = _secret(), AlertTable(shop.folder.state)
    ends = time.monotonic() + patience
    num_sent, problem = 0, None
    while True:
        for delivery in table.due(datetime.now(UTC)):
            found = _send(shop, table, delivery, secret)
            num_sent, problem = num_sent + (found is None), found or problem
        waiting = table.due(datetime.now(UTC) + LONGEST_PAUSE)
        if not waiting or time.monotonic() + FIRST_PAUSE.total_seconds() > ends:
            return Delivered(num_sent, len(waiting), problem if waiting else None)
        sleep(FIRST_PAUSE.total_seconds())


def _secret() -> str:
    secret = os.environ.get(SECRET, "")
    if len(secret) < SHORTEST_SECRET:
        raise InputError(
            f"The webhook of alerts needs {SECRET}",
            received=f"{len(secret)} characters",
            do=f"Put a secret of {SHORTEST_SECRET} characters or more into the environment of Foresell, "
            "and of whoever receives.",
        )
    return secret


def _send(shop: Shop, table: AlertTable, delivery: Delivery, secret: str) -> str | None:
    """None where it was taken, is told by another process, or is not to be told; else why not."""
    now = datetime.now(UTC)
    if not table.claim(delivery, now + CLAIMED):
        return None
    worst = SEVERITIES.index(shop.settings.monitoring.webhook_severity)
    if SEVERITIES.index(delivery.alert.severity) > worst:
        table.close(delivery, None, None)
        return None
    body = _body(shop, delivery)
    headers = {SIGNATURE: signature(secret, body, int(now.timestamp()))}
    problem = post_json(shop.settings.monitoring.webhook, body, headers)
    attempts = delivery.attempts + 1
    is_over = problem is None or attempts >= MOST_ATTEMPTS
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 12), LONGEST_PAUSE)
    table.close(delivery, problem, None if is_over else datetime.now(UTC) + pause)
    return problem


def _body(shop: Shop, delivery: Delivery) -> bytes:
    alert = delivery.alert
    message, advice = alert.in_language(shop.settings.store.language)
    record = {
        "event": f"alert.{delivery.event}",
        "store": shop.settings.store.name,
        "alert_id": alert.alert_id,
        "kind": alert.kind,
        "subject": alert.subject,
        "severity": alert.severity,
        "message": message,
        "advice": advice,
        "evidence": dict(alert.evidence),
        "since": alert.since.isoformat(),
        "attempt": delivery.attempts + 1,
    }
    return json.dumps(record, ensure_ascii=False, default=str).encode()
