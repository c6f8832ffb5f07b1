"""What was recommended to whom: written down as it is answered, counted when the next answer is made."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from secrets import token_hex
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from foresell.contracts.protocols import Tables
from foresell.contracts.results import served
from foresell.privacy.erasure import tombstone
from foresell.services.shop import Shop
from foresell.store.append_log import Admits
from foresell.store.journal import Row

if TYPE_CHECKING:
    from foresell.predict.recommend.serving.request import Answer

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
    shop.folder.logs[served.name].append(rows, lambda: _not_erased(shop))
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


def _not_erased(shop: Shop) -> Admits:
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
