"""Sending a digest to a team's chat: one POST to the address that the environment names, nothing else."""

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from foresell.contracts.errors import BackendError, InputError
from foresell.services.posting import post_json

# The address holds a secret, so it is no setting.
VARIABLE = "FORESELL_DIGEST_WEBHOOK"
LOCAL = ("localhost", "127.0.0.1", "::1")

# Style → (title, Markdown) → the body that the chat expects.
BODIES: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "slack": lambda _title, text: {"text": text},
    "feishu": lambda _title, text: {"msg_type": "text", "content": {"text": text}},
    "dingtalk": lambda title, text: {"msgtype": "markdown", "markdown": {"title": title, "text": text}},
    "wecom": lambda _title, text: {"msgtype": "markdown", "markdown": {"content": text}},
}


def webhook_address() -> str | None:
    """The address in the environment, or None. InputError where it is no HTTPS address."""
    address = os.environ.get(VARIABLE)
    if not address:
        return None
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise InputError(
            f"{VARIABLE} is no address that begins with https://",
            received=f"{parts.scheme or 'no scheme'}, host {parts.hostname or 'none'}",
            do="Copy the whole address of the webhook from your chat's settings.",
        )
    return address


def send(address: str, style: str, title: str, markdown: str) -> None:
    """Post the digest; BackendError (which names the host alone) where it is not accepted."""
    body = json.dumps(BODIES[style](title, markdown), ensure_ascii=False).encode()
    reason = post_json(address, body)
    if reason is None:
        return
    host = urlsplit(address).hostname
    raise BackendError(
        f"The digest was written, but the webhook at {host} did not take it",
        received=reason,
        do=f"Check {VARIABLE} and the network, then run the digest again.",
    )
