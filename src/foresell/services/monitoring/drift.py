"""Drift: what arrives, what models read and say, now against before; forecasts against what came."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.report.gather.measures import find_span
from foresell.services.shop import Progress, Shop, silent
from foresell.store.alerts import Condition

if TYPE_CHECKING:
    from foresell.contracts.protocols import Tables
    from foresell.evaluation.drift import Shift
    from foresell.predict.forecast.drift import DriftAlarm

LAST = "drift_report"
KINDS = ("drift.events", "drift.orders", "drift.prices", "drift.features", "drift.scores", "drift.forecast")
GROUPS = {
    "events": ("What visitors do", "访客行为"),
    "orders": ("Orders", "订单"),
    "prices": ("Prices", "价格"),
    "features": ("What a model reads", "模型特征"),
    "scores": ("What a model says", "模型评分"),
}


@dataclass(frozen=True, slots=True)
class DriftRow:
    """`group`: of GROUPS; `subject`: the model, or nothing; `shift`: how far apart (`evaluation.drift`)."""

    group: str
    subject: str
    shift: "Shift"

    def as_record(self) -> dict[str, Any]:
        told = {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name, value in asdict(self.shift).items()
        }
        return {"group": self.group, "subject": self.subject, **told}


@dataclass(frozen=True, slots=True)
class DriftReport:
    """`reference` and `now`: local dates, both inclusive, of what arrived; models are compared with the end
    of what they learned from. `rows`: everything that was compared, those that shifted most first. `skipped`:
    what could not be compared, and why."""

    made_at: datetime
    reference: tuple[date, date] | None
    now: tuple[date, date] | None
    rows: tuple[DriftRow, ...]
    forecasts: "tuple[DriftAlarm, ...]"
    skipped: dict[str, str]

    def as_record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "made_at": self.made_at.isoformat(),
            "reference": _dates(self.reference),
            "now": _dates(self.now),
            "rows": [row.as_record() for row in self.rows],
            "forecasts": [asdict(one) for one in self.forecasts],
            "skipped": self.skipped,
        }


def find_drift(shop: Shop, progress: Progress = silent) -> DriftReport:
    """Compare the newest days with as many before them, models with what they learned from, and forecasts
    with what came; the report is kept for `last_drift`."""
    from foresell.evaluation.drift import judged
    from foresell.services.monitoring.arrivals import compare_arrivals
    from foresell.services.monitoring.model_drift import compare_models, forecast_alarms

    skipped: dict[str, str] = {}
    found: list[tuple[str, str, Shift]] = []
    with shop.reading_matched() as tables:
        now, reference = _windows(shop, tables)
        if now is None or reference is None:
            skipped["arrivals"] = "The history is shorter than twice [monitoring] drift_days."
        else:
            progress("drift: what arrives", 0, None)
            found += [(group, "", one) for group, one in compare_arrivals(shop, tables, reference, now)]
        progress("drift: models", 0, None)
        found += compare_models(shop, tables, skipped)
        progress("drift: forecasts", 0, None)
        try:
            alarms = forecast_alarms(shop, tables)
        except (NotFoundError, InputError) as error:
            alarms, skipped["forecast"] = (), error.what
    shifts = judged([shift for _, _, shift in found])
    rows = [DriftRow(group, subject, one) for (group, subject, _), one in zip(found, shifts, strict=True)]
    order = ("large", "moderate", "none")
    rows.sort(key=lambda row: (order.index(row.shift.size), -abs(row.shift.effect)))
    report = DriftReport(datetime.now(UTC), reference, now, tuple(rows), alarms, skipped)
    shop.folder.state.set_meta(LAST, json.dumps(report.as_record()))
    return report


def last_drift(shop: Shop) -> dict[str, Any] | None:
    """The record of the last report; None where there never was one."""
    text = shop.folder.state.meta(LAST)
    return None if text is None else dict(json.loads(text))


def _windows(shop: Shop, tables: "Tables") -> tuple[tuple[date, date] | None, tuple[date, date] | None]:
    """The newest drift_days whole days with orders or events, and as many before."""
    known = _known_days(shop, tables)
    days = shop.settings.monitoring.drift_days
    if known is None or known[0] + timedelta(days=2 * days - 1) > known[1]:
        return None, None
    last = known[1]
    first = last - timedelta(days=days - 1)
    return (first, last), (first - timedelta(days=days), first - timedelta(days=1))


def _known_days(shop: Shop, tables: "Tables") -> tuple[date, date] | None:
    spans = []
    if (span := find_span(tables, shop.settings, None, None)) is not None:
        spans.append((span.start, span.end))
    events = tables.current("events")
    [row] = events.agg(first=events.local_date.min(), last=events.local_date.max()).to_pyarrow().to_pylist()
    if row["first"] is not None:
        spans.append((row["first"], row["last"]))
    return (min(one[0] for one in spans), max(one[1] for one in spans)) if spans else None


def drift_conditions(report: DriftReport) -> list[Condition]:
    """An alert a group and subject: what shifted of it, the largest first; and one a measure of forecasts."""
    return [*_shifted(report), *_missed(report)]


def _shifted(report: DriftReport) -> Iterator[Condition]:
    keys = dict.fromkeys((row.group, row.subject) for row in report.rows)
    for group, subject in keys:
        rows = [row for row in report.rows if (row.group, row.subject) == (group, subject)]
        moved = [row for row in rows if row.shift.size != "none"]
        if not moved:
            continue
        is_large = moved[0].shift.size == "large"
        told = ", ".join(f"{row.shift.name} ({_effect(row.shift)})" for row in moved[:3])
        words, words_zh = GROUPS[group]
        of = f" ({subject})" if subject else ""
        yield Condition(
            f"drift.{group}",
            subject or group,
            "warning" if is_large else "note",
            f"{words}{of} shifted: {told}",
            "Look at what changed in the shop or in its sources; if it stays, fit the models again.",
            f"{words_zh}{of}发生偏移：{told}",
            "请查看店铺或数据来源的变化；若持续存在，请重新训练模型。",
            {"shifts": [row.as_record() for row in moved[:10]], "compared": len(rows)},
        )


def _missed(report: DriftReport) -> Iterator[Condition]:
    for alarm in report.forecasts:
        yield Condition(
            "drift.forecast",
            alarm.measure,
            "warning",
            alarm.text,
            "Fit the forecast again: foresell fit forecast",
            alarm.text_zh,
            "请重新训练预测：foresell fit forecast",
            asdict(alarm),
        )


def _effect(shift: "Shift") -> str:
    if shift.measure == "psi":
        return f"PSI {shift.effect:.2f}"
    if shift.measure == "relative_change":
        return f"{shift.effect:+.1%}"
    return f"{shift.effect:+.2f} SD"


def _dates(span: tuple[date, date] | None) -> list[str] | None:
    return None if span is None else [one.isoformat() for one in span]
