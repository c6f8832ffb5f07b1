"""A Redis that may keep accepted events: connecting, and whether what it answers for is on its disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foresell.contracts.errors import BackendError, ConflictError, ForesellError

if TYPE_CHECKING:
    from redis import Redis

# What makes an answer mean that the events are on the disk.
WANTED = {
    "appendonly": ("yes",),
    "appendfsync": ("always",),
    "no-appendfsync-on-rewrite": ("no",),
    "maxmemory-policy": ("noeviction",),
}


def connect(url: str, password: str | None) -> "Redis":
    """A client of a Redis that answers. BackendError without the driver, or where nobody answers."""
    try:
        import redis
    except ImportError as error:
        raise BackendError(
            "The driver of Redis is missing", do="Run: pip install 'foresell[redis]'"
        ) from error
    client = redis.Redis.from_url(url, password=password, socket_timeout=10.0, socket_connect_timeout=5.0)
    with explained():
        client.ping()
    return client


def require_durable(client: "Redis", *, is_trusted: bool) -> None:
    """ConflictError where Redis answers before its disk has what it was told, or may throw events away.

    `is_trusted`: where Redis does not tell its settings (as many providers'), believe that they are right.
    """
    import redis

    try:
        told = client.config_get(*WANTED)
    except redis.ResponseError as error:
        if is_trusted:
            return
        raise ConflictError(
            "This Redis does not say whether it is durable",
            received=str(error),
            do="If its provider promises appendonly yes and appendfsync always, set is_redis_trusted "
            "in [serve].",
        ) from error
    wrong = {name: told.get(name) for name, right in WANTED.items() if told.get(name) not in right}
    if wrong:
        received = ", ".join(f"{name} {value}" for name, value in wrong.items())
        raise ConflictError(
            "This Redis would lose accepted events when it stops",
            received=received,
            do=f"Set in redis.conf: {'; '.join(f'{name} {WANTED[name][0]}' for name in wrong)}.",
        )


@contextmanager
def explained() -> Iterator[None]:
    """What Redis or the way to it does not do is a BackendError."""
    import redis

    try:
        yield
    except ForesellError:
        raise
    except redis.RedisError as error:
        raise BackendError(
            "Redis did not keep or tell events", received=error, do="Look after Redis; then send them again."
        ) from error
