"""The settings of `foresell serve`: where it listens, who may send, how much is taken."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from foresell.contracts.section import Section

APPLICATION = "foresell.api.application:from_environment"
# What is told to whoever serves the application.
SERVER_OPTIONS: dict[str, Any] = {
    "factory": True,
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 20,
}
# Where workers read the address that they share.
HOST_VARIABLE, PORT_VARIABLE = "FORESELL_SERVE_HOST", "FORESELL_SERVE_PORT"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")


def _origin(text: str) -> str:
    if not ORIGIN.fullmatch(text):
        raise ValueError(
            f"'{text}' is not an origin: scheme and host alone, in small letters, such as "
            "https://shop.example or http://localhost:3000"
        )
    return text


Origin = Annotated[str, AfterValidator(_origin)]


REDIS = re.compile(r"rediss?://[A-Za-z0-9.:\[\]-]+(/[0-9]+)?")


def _redis(text: str) -> str:
    if text and not REDIS.fullmatch(text):
        raise ValueError(
            "a Redis is named as redis://host:6379/0, or rediss:// with TLS; user and password stand in the "
            "environment: FORESELL_REDIS_PASSWORD"
        )
    return text


class ServeSettings(Section):
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8080, ge=1, le=65_535, description="The API's port.")
    console_port: int = Field(
        -1, ge=-1, le=65_535, description="The console's port; 0: no console, -1: the one after the API's."
    )
    origins: tuple[Origin, ...] = Field(
        (), description='Where the shop\'s pages live, which may send events: "https://shop.example".'
    )
    is_behind_https: bool = Field(
        False, description="A proxy before it speaks HTTPS: cookies go by HTTPS only."
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that share the API's port.")
    asks_per_second: float = Field(
        2_000.0, gt=0, description="How often one key or account may ask; twice as often for one second."
    )
    body_kilobytes: int = Field(2_048, ge=64, le=65_536, description="The longest body that is read.")
    batch_events: int = Field(1_000, ge=1, le=100_000, description="Most events in one request.")
    backlog_megabytes: int = Field(
        4_096,
        ge=16,
        description="Accepted events that wait to be moved; beyond it, 429 says when to try again.",
    )
    events_make: tuple[Literal["customers", "products"], ...] = Field(
        (),
        description="What ids of events make that no file has brought: customers, products. Only where no "
        "key of events:write stands in a web page: anybody could fill the lists by it.",
    )
    move_seconds: float = Field(
        30.0, ge=1, description="How often accepted events are moved into the tables."
    )
    refresh_seconds: float = Field(
        900.0, ge=10, description="How often what others put into the tables is read anew."
    )
    redis: Annotated[str, AfterValidator(_redis)] = Field(
        "", description="Workers share accepted events by this Redis: redis://host:6379/0; empty: by files."
    )
    is_redis_trusted: bool = Field(
        False, description="Believe that a Redis which does not tell its settings is durable."
    )
