"""Everything that a shop's program asks of `foresell serve`, a method each.

with ShopClient("https://shop-data.example", os.environ["FORESELL_API_KEY"]) as shop:
    answer = shop.recommend(customer_id="c17", k=5, is_served=True)
    shop.clicked(answer.request_id, answer.items[0].product_id, customer_id="c17")
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

from foresell.client.answers import (
    EventOutcome,
    ForecastPeriod,
    FoundProduct,
    Job,
    Kpi,
    Prediction,
    Recommendation,
    Segment,
    Series,
)
from foresell.client.connection import Connection, RefusedError, UnreachableError, in_path, paged

Record = Mapping[str, Any]
MOST_IN_A_PAGE = 1_000


class ShopClient:
    """Safe for many threads. `key`: `foresell key add` shows it, and its scopes say which methods answer.

    Every method raises RefusedError for a problem that the server names, and UnreachableError after
    `patience` seconds without an answer.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 10.0, patience: float = 60.0) -> None:
        self.connection = Connection(url, key, timeout=timeout, patience=patience)

    def close(self) -> None:
        """End its connections; asked again, it opens others."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send_events(self, events: Iterable[Record]) -> list[EventOutcome]:
        """Send events in one request, in Foresell's own shape; an outcome each, in their order.

        An event without `event_id` gets one here, and one without `occurred_at` the present moment, so that
        what is sent again after a lost answer counts once. For many small events: `sender.EventSender`.
        """
        body = [with_id(one) for one in events]
        answer = self.connection.ask("POST", "/v1/events?shape=canonical&detail=all", body)
        return [EventOutcome.of(one) for one in answer["events"]]

    def recommend(
        self, surface: str = "customer", *, k: int = 10, is_served: bool = False, **asked: Any
    ) -> Recommendation:
        """Products for a surface. `asked`: customer_id, anonymous_id, session, basket, product_id, … as the
        surface needs (docs/recommend.md). `is_served`: the customer will see this; else report it by `shown`.
        """
        body = {"surface": surface, "k": k, "is_served": is_served, **asked}
        answer = self.connection.ask("POST", "/v1/recommendations", body, is_repeatable=not is_served)
        return Recommendation.of(answer)

    def why_not(self, product_id: str, **asked: Any) -> Record:
        """Why a product is not among what `recommend` gives for the same."""
        found: Record = self.connection.ask(
            "POST", "/v1/recommendations/why-not", {"product_id": product_id, "request": asked}
        )
        return found

    def shown(self, request_id: str) -> str:
        """An answer that was not asked for as served was shown; returns the id that it is logged by."""
        body = {"request_id": request_id, "what": "shown"}
        return str(self.connection.ask("POST", "/v1/feedback", body, is_repeatable=False)["request_id"])

    def clicked(self, request_id: str, product_id: str, **whom: Any) -> None:
        """`whom`: customer_id or anonymous_id; rank, occurred_at. Told twice it counts once."""
        self._feedback("clicked", request_id, product_id, whom)

    def bought(self, request_id: str, product_id: str, **whom: Any) -> None:
        """As `clicked`. What the shop's orders tell need not be told here."""
        self._feedback("bought", request_id, product_id, whom)

    def _feedback(self, what: str, request_id: str, product_id: str, whom: Record) -> None:
        told = {"occurred_at": datetime.now(UTC).isoformat(), **whom}
        body = {"request_id": request_id, "what": what, "product_id": product_id, **told}
        self.connection.ask("POST", "/v1/feedback", body)

    def profile(self, customer_id: str) -> Record:
        """As `foresell profile --json`."""
        found: Record = self.connection.get(f"/v1/customers/{in_path(customer_id)}/profile")
        return found

    def predictions(self, customer_id: str) -> list[Prediction]:
        """What each task's model said of a customer last."""
        found = self.connection.get(f"/v1/customers/{in_path(customer_id)}/predictions")
        return [Prediction.of(one) for one in found]

    def predictions_of(self, task: str) -> list[Prediction]:
        """Everybody's, the highest scores first (days: the lowest); all pages."""
        return [Prediction.of(one) for one in self._pages(f"/v1/predictions/{in_path(task)}")]

    def segments(self) -> list[Segment]:
        return [Segment.of(one) for one in self.connection.get("/v1/segments")]

    def members(self, segmentation: str, segment: str) -> list[str]:
        """Ids of who is in a segment; all pages."""
        path = f"/v1/segments/{in_path(segmentation)}/{in_path(segment)}/customers"
        return [str(one["customer_id"]) for one in self._pages(path)]

    def forecast_series(self) -> list[Series]:
        return [Series.of(one) for one in self._pages("/v1/forecasts")]

    def forecast(self, series_id: str) -> list[ForecastPeriod]:
        found = self.connection.get(f"/v1/forecasts/{in_path(series_id)}")
        return [ForecastPeriod.of(one) for one in found]

    def kpis(self) -> list[Record]:
        """Every KPI and its meaning."""
        found: list[Record] = self.connection.get("/v1/kpis")
        return found

    def kpi(
        self,
        name: str,
        *,
        by: str | None = None,
        period: str | None = None,
        start: date | None = None,
        end: date | None = None,
        where: Sequence[str] = (),
    ) -> Kpi:
        """`period`: day, week, month; `where`: DIMENSION=VALUE."""
        query = {"by": by, "period": period, "from": start, "to": end, "where": list(where) or None}
        return Kpi.of(self.connection.get(f"/v1/kpis/{in_path(name)}", **query))

    def explain_kpi(self, name: str, *, start: date | None = None, end: date | None = None) -> Record:
        """Why a KPI changed between these days and those just before."""
        path = f"/v1/kpis/{in_path(name)}/explanation"
        found: Record = self.connection.get(path, **{"from": start, "to": end})
        return found

    def search(self, query: str, *, k: int = 10, customer_id: str | None = None) -> list[FoundProduct]:
        """Products by words, mistyped ones too; what a customer likes goes up a little."""
        found = self.connection.get("/v1/products/search", q=query, k=k, customer_id=customer_id)
        return [FoundProduct.of(one) for one in found["items"]]

    def jobs(self) -> list[Job]:
        """Long work of the server, the newest first."""
        return [Job.of(one) for one in self.connection.get("/v1/jobs")]

    def start_job(self, kind: str, subject: str = "") -> Job:
        """`kind`: fit (`subject`: a task), refresh, compact; done behind the server: `job` says how far."""
        body = {"kind": kind, "subject": subject}
        return Job.of(self.connection.ask("POST", "/v1/jobs", body, is_repeatable=False))

    def job(self, job_id: int) -> Job:
        return Job.of(self.connection.get(f"/v1/jobs/{job_id}"))

    def stop_job(self, job_id: int) -> Job:
        """It ends at its next step."""
        return Job.of(self.connection.ask("DELETE", f"/v1/jobs/{job_id}", is_repeatable=False))

    def is_ready(self) -> bool:
        """Whether the server can take events and answer; it is not waited for."""
        try:
            self.connection.ask("GET", "/readyz", patience=0.0)
        except (RefusedError, UnreachableError):
            return False
        return True

    def _pages(self, path: str) -> list[dict[str, Any]]:
        return paged(lambda cursor: self.connection.get(path, limit=MOST_IN_A_PAGE, cursor=cursor))


def with_id(event: Record) -> dict[str, Any]:
    """An event with an id and a moment of its own: sent again it is the same one."""
    made = {"event_id": uuid.uuid4().hex, "occurred_at": datetime.now(UTC).isoformat()}
    return {**made, **event}
