"""Days and times on a command line."""

from datetime import UTC, datetime


def read_moment(text: str, time_zone: str) -> datetime:
    """A moment in UTC. A day, or a time without a zone, is the shop's; a day begins at its midnight.

    Raises InputError for anything else than YYYY-MM-DD or an ISO 8601 time.
    """
    from zoneinfo import ZoneInfo

    from foresell.contracts.errors import InputError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            "That is no day or time", received=repr(text), do="Give 2026-01-31 or 2026-01-31T12:00+01:00."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)
