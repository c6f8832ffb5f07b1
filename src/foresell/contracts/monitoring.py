"""The settings of what watches over the shop."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from foresell.contracts.section import Section


def _webhook_address(address: str) -> str:
    parts = urlsplit(address)
    is_local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if address and not (parts.scheme == "https" and parts.hostname) and not is_local:
        raise ValueError("an address begins with https://, or with http://localhost")
    return address


class MonitoringSettings(Section):
    webhook: Annotated[str, AfterValidator(_webhook_address)] = Field(
        "",
        description="Address that is told of alerts, https:// or http://localhost; empty: none is. "
        "FORESELL_ALERT_SECRET signs what is sent.",
    )
    webhook_severity: Literal["error", "warning", "note"] = Field(
        "warning", description="... of this severity or worse: error, warning, note."
    )
    drift_days: int = Field(
        28, ge=7, le=366, description="Drift: the newest days that are compared with as many before."
    )
    latency_ms: float = Field(
        250.0, gt=0, description="Answers are slow where more than 1% of a minute's take longer than this."
    )
