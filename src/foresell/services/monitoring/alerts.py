"""Alerts of a shop: what was found is raised once, shown, acknowledged, and resolved when it is over."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError, did_you_mean
from foresell.services.access.audit import audit_log
from foresell.services.shop import Shop
from foresell.store.alerts import STATES, AlertState, AlertTable, Changes, Condition, StoredAlert

if TYPE_CHECKING:
    from foresell.quality.alerts.watched import Alert

# What the rules of the sources call theirs is `data.RULE`.
DATA = "data."


def raise_alerts(
    shop: Shop, conditions: Iterable[Condition], looked_for: Collection[str], now: datetime | None = None
) -> Changes:
    """Raise what is new, keep what lasts, resolve what is over of the kinds looked for. A webhook that the
    settings declare is told when `monitoring.webhook.deliver` is called."""
    table = AlertTable(shop.folder.state)
    return table.note(conditions, looked_for, now, is_told=bool(shop.settings.monitoring.webhook))


def list_alerts(shop: Shop, state: str | None = None) -> list[StoredAlert]:
    """The newest first; `state`: open, acknowledged, resolved, or None: all that are not resolved.

    InputError for another state.
    """
    if state is not None and state not in (*STATES, "all"):
        raise InputError(f"There is no state '{state}'", do=did_you_mean(state, (*STATES, "all")))
    found = AlertTable(shop.folder.state).all(_known(state))
    return [one for one in found if state is not None or one.state != "resolved"]


def _known(state: str | None) -> AlertState | None:
    return next((one for one in STATES if one == state), None)


def acknowledge(shop: Shop, alert_id: int, who: str) -> StoredAlert:
    """Somebody sees to it; it stays until it is over. Noted in the audit log. NotFoundError for none."""
    done = AlertTable(shop.folder.state).acknowledge(alert_id, who)
    audit_log(shop).append(who, "alert.acknowledge", None, alert_id=alert_id, kind=done.kind)
    return done


def data_conditions(shop: Shop) -> tuple[list[Condition], tuple[str, ...]]:
    """What the rules over sources and their files find now, and the kinds that were looked for.

    Freshness (late_source, silent_table), quarantine growth (more_quarantined), sizes and columns; days up to
    yesterday in the store's time zone, since today is not over.
    """
    from foresell.quality.alerts import ALERTS, find_alerts
    from foresell.quality.alerts.watched import Limits
    from foresell.services.digest.watching import unusual_volumes, watch

    settings = shop.settings
    yesterday = datetime.now(ZoneInfo(settings.store.time_zone)).date() - timedelta(days=1)
    limits = Limits(settings.digest.late_factor, settings.digest.unusual_z)
    with shop.reading() as tables:
        watched = watch(shop, tables, yesterday)
    found = [*find_alerts(watched, limits), *unusual_volumes(watched, limits.unusual_z)]
    kinds = tuple(f"{DATA}{name}" for name in (*ALERTS, "unusual_volume"))
    return _as_conditions(found), kinds


def _as_conditions(found: "Sequence[Alert]") -> list[Condition]:
    return [
        Condition(
            f"{DATA}{one.alert}",
            f"{one.source}: {one.subject}" if one.subject else one.source,
            one.severity,
            one.words.message,
            one.words.advice,
            one.words.message_zh,
            one.words.advice_zh,
            {"source": one.source, "subject": one.subject},
        )
        for one in found
    ]
