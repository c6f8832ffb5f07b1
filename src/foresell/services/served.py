"""What was recommended to whom: written down as it is answered, counted when the next answer is made."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import isfinite
from secrets import token_hex
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.results import served
from foresell.privacy.erasure import tombstone
from foresell.services.shop import Shop
from foresell.store.append_log import Admits
from foresell.store.journal import Row

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.request import Answer

# (customer_id, product_id, when it was shown)
Showing = tuple[str, str, datetime]
# What a model calls a customer may also be a visitor or a session that is nobody's yet.
PERSON_KINDS = ("customer_id", "anonymous_id", "session_id")


def log_answers(shop: Shop, answers: "Sequence[Answer]") -> list[str]:
    """Write down what was recommended; returns the request id of each answer. Takes no lock of the store.

    When it returns, the rows are on the disk and every reader of `served` sees them. An answer without items,
    and what is shown to a person who was erased, leaves no row. Threads that log at once wait for the disk
    together; so do answers that are given together. Raises BackendError where the disk does not take them.
    """
    zone = ZoneInfo(shop.settings.store.time_zone)
    ids = [token_hex(12) for _ in answers]
    rows = [row for name, answer in zip(ids, answers, strict=True) for row in _rows(name, answer, zone)]
    shop.folder.logs[served.name].append(rows, lambda: not_erased(shop))
    return ids


def _rows(request_id: str, answer: "Answer", zone: ZoneInfo) -> Iterator[Row]:
    request = answer.request
    common = {
        "request_id": request_id,
        "served_at": answer.made_at.isoformat(),
        "local_date": answer.made_at.astimezone(zone).date().isoformat(),
        "surface": request.surface,
        "customer_id": request.customer_id,
        "policy": answer.policy,
        "model": answer.model,
        "rules_version": answer.rules_version,
        "seed": str(request.seed),
        "k": request.k,
        "experiment_id": answer.experiment_id,
        "variant": answer.variant,
    }
    for item in answer.items:
        yield {
            **common,
            "served_id": f"{request_id}-{item.rank}",
            "product_id": item.product_id,
            "rank": item.rank,
            "score": item.score if isfinite(item.score) else None,
            "propensity": item.propensity,
            "reason_code": item.reason_code,
            "because_product_id": item.because_product_id,
        }


def not_erased(shop: Shop) -> Admits:
    """Who was erased stays so, though a process that served them before may not know of it yet."""
    erased = {mark for mark in shop.folder.state.tombstones() if mark[0] in PERSON_KINDS}
    if not erased:
        return lambda _row: True
    key = shop.key

    def admits(row: Row) -> bool:
        person = row["customer_id"]
        return person is None or not any(tombstone(key, kind, str(person)) in erased for kind in PERSON_KINDS)

    return admits


def shown_counts(tables: Tables, customer_id: str, days: int, now: datetime) -> Mapping[str, int]:
    """product_id → how often it was shown to a customer after `now` − `days` and until `now`.

    Reads the log anew, which takes tens of milliseconds; a process that serves keeps a `ShownBefore`.
    """
    rows = tables.current(served.name)
    recent = (rows.served_at > now - timedelta(days=days)) & (rows.served_at <= now)
    own = rows.filter((rows.customer_id == customer_id) & recent)
    found = own.group_by("product_id").agg(num=own.count()).to_pyarrow()
    return dict(zip(found["product_id"].to_pylist(), found["num"].to_pylist(), strict=True))


def click_counts(tables: Tables, days: int, now: datetime | None = None) -> Mapping[str, tuple[int, int]]:
    """product_id → how often it was clicked, and how often shown, in the `days` before `now`.

    Only what was shown to somebody known and long enough ago that a click would be in the store (see
    `predict.recommend.outcomes`). Products that were not shown are left out.
    """
    import polars as pl

    from foresell.predict.recommend.outcomes import served_rows, with_clicks

    at = now or datetime.now(UTC)
    shown = with_clicks(tables, served_rows(tables, at - timedelta(days=days), at))
    known = shown.filter(pl.col("is_clicked").is_not_null())
    counted = known.group_by("product_id").agg(pl.col("is_clicked").sum(), num=pl.len()).sort("product_id")
    return {product: (clicks, num) for product, clicks, num in counted.iter_rows()}


def mean_click_rate(clicks: Mapping[str, tuple[int, int]]) -> float | None:
    """Clicks of all showings; None where nothing was shown."""
    shown = sum(num for _, num in clicks.values())
    return sum(times for times, _ in clicks.values()) / shown if shown else None


def showings(answers: "Sequence[Answer]") -> "list[Showing]":
    """What answers show to customers who are known."""
    return [
        (answer.request.customer_id, item.product_id, answer.made_at)
        for answer in answers
        if answer.request.customer_id is not None
        for item in answer.items
    ]


class ShownBefore:
    """What each customer was shown in the last `days`, kept in memory: a server asks it for every answer.

    Call it as `shown_counts`; give it every answer that is logged, and what other processes log. Safe for
    many threads.
    """

    def __init__(self, tables: Tables, days: int, now: datetime | None = None) -> None:
        import polars as pl

        from foresell.predict.recommend.outcomes import served_rows

        self.days = days
        self._lock = Lock()
        self._times: dict[str, list[tuple[datetime, str]]] = {}
        rows = served_rows(tables, (now or datetime.now(UTC)) - timedelta(days=days))
        rows = rows.filter(pl.col("customer_id").is_not_null())
        for customer, product, at in rows.select("customer_id", "product_id", "served_at").iter_rows():
            self._times.setdefault(customer, []).append((at, product))

    def note(self, answers: "Sequence[Answer]") -> None:
        """These answers were served."""
        self.hear(showings(answers))

    def hear(self, shown: "Sequence[Showing]") -> None:
        """These were served; heard again they count once."""
        with self._lock:
            for (customer, at), group in groupby(shown, lambda one: (one[0], one[2])):
                oldest = at - timedelta(days=self.days)
                kept = [one for one in self._times.get(customer, ()) if one[0] > oldest]
                known = {product for then, product in kept if then == at}
                self._times[customer] = kept + [(at, one[1]) for one in group if one[1] not in known]

    def __call__(self, customer_id: str, days: int, now: datetime) -> Mapping[str, int]:
        """InputError for more days than are kept."""
        if days > self.days:
            raise InputError(
                "So far back nothing is kept", received=f"{days} days", do=f"Keep more than {self.days} days."
            )
        oldest = now - timedelta(days=days)
        times = self._times.get(customer_id, ())
        return Counter(product for at, product in times if oldest < at <= now)
