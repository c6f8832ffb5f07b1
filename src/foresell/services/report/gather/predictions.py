"""What models wrote into the result tables: leaderboards, recommendations, forecasts."""

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from foresell.contracts.errors import InputError
from foresell.contracts.protocols import Tables
from foresell.contracts.settings import Settings
from foresell.predict.forecast.levels import SeriesSpec
from foresell.services.report.gather.titles import NamedProduct, name_products
from foresell.services.report.sections import (
    CustomerSample,
    ForecastPoint,
    ForecastSeries,
    LeaderboardRow,
    Predictions,
    Purchase,
    Recommended,
    Span,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

NUM_CUSTOMERS = 6
NUM_RECOMMENDED = 5
NUM_PURCHASES = 6
POINT_COLUMNS = ("mean", "lower_80", "upper_80", "lower_95", "upper_95")


def gather_predictions(tables: Tables, settings: Settings, span: Span | None) -> Predictions:
    return Predictions(_leaderboard(tables), _customers(tables), gather_forecasts(tables, settings, span))


def _leaderboard(tables: Tables) -> tuple[LeaderboardRow, ...]:
    columns = tuple(LeaderboardRow.__dataclass_fields__)
    rows = tables.current("leaderboard").select(*columns).order_by(*columns[:4]).to_pyarrow().to_pylist()
    return tuple(LeaderboardRow(**row) for row in rows)


def _customers(tables: Tables) -> tuple[CustomerSample, ...]:
    """The customers with recommendations who bought last; equal dates: by id."""
    if not tables.has_rows("recommendations"):
        return ()
    made = _latest_recommendations(tables)
    counted = _counted_orders(tables)
    known = counted.semi_join(made, "customer_id").group_by("customer_id").agg(last=counted.local_date.max())
    ranked = known.order_by(known["last"].desc(), "customer_id").limit(NUM_CUSTOMERS)
    ids = [row["customer_id"] for row in ranked.to_pyarrow().to_pylist()]
    chosen = made.filter(made.customer_id.isin(ids), made["rank"] <= NUM_RECOMMENDED)
    rows = chosen.order_by("customer_id", "model", "rank").to_pyarrow().to_pylist()
    bought = _purchases(tables, ids)
    products = {row["product_id"] for row in rows} | {p for ps in bought.values() for p, _ in ps}
    named = name_products(tables, products)
    return tuple(_sample(customer_id, rows, bought[customer_id], named) for customer_id in ids)


def _latest_recommendations(tables: Tables) -> "ir.Table":
    made = tables.current("recommendations")
    return made.filter(made.made_at == made.made_at.max().over())


def _counted_orders(tables: Tables) -> "ir.Table":
    orders = tables.current("orders")
    is_off = (orders.status.fill_null("") == "cancelled") | orders.cancelled_at.notnull()
    return orders.filter(~is_off, ~orders.is_test.fill_null(False), orders.customer_id.notnull())


def _purchases(tables: Tables, customer_ids: list[str]) -> dict[str, list[tuple[str, date]]]:
    """The products that each customer bought last, each once, the newest first."""
    orders = _counted_orders(tables)
    orders = orders.filter(orders.customer_id.isin(customer_ids))
    orders = orders.select("order_id", "customer_id", "local_date", "created_at")
    lines = tables.current("order_lines").select("order_id", "product_id", "line_amount")
    bought = lines.inner_join(orders, "order_id").group_by("customer_id", "product_id")
    last = bought.agg(
        bought_on=lambda t: t.local_date.max(),
        at=lambda t: t.created_at.max(),
        paid=lambda t: t.line_amount.sum(),
    )
    rows = last.to_pyarrow().to_pylist()
    rows.sort(key=lambda row: (row["at"], row["paid"], row["product_id"]), reverse=True)
    by_customer: dict[str, list[tuple[str, date]]] = {customer_id: [] for customer_id in customer_ids}
    for row in rows:
        if len(by_customer[row["customer_id"]]) < NUM_PURCHASES:
            by_customer[row["customer_id"]].append((row["product_id"], row["bought_on"]))
    return by_customer


def _sample(
    customer_id: str,
    rows: list[dict[str, Any]],
    bought: list[tuple[str, date]],
    named: dict[str, NamedProduct],
) -> CustomerSample:
    own = [row for row in rows if row["customer_id"] == customer_id]
    model = own[0]["model"]
    return CustomerSample(
        customer_id=customer_id,
        model=model,
        purchases=tuple(Purchase(product, named[product].title, day) for product, day in bought),
        recommended=tuple(
            Recommended(row["rank"], row["product_id"], named[row["product_id"]].title, row["reason"])
            for row in own
            if row["model"] == model
        ),
    )


def gather_forecasts(tables: Tables, settings: Settings, span: Span | None) -> tuple[ForecastSeries, ...]:
    """The forecasts of the store's own series, of the latest cutoff, the largest expected first."""
    table = tables.current("forecasts")
    own = SeriesSpec((settings.forecast.series_by,))
    is_own = (
        (table.series_by == ",".join(own.by)) & (table.period == own.period) & (table.measure == own.measure)
    )
    rows = table.filter(is_own).to_pyarrow().to_pylist()
    if not rows:
        return ()
    latest = max(row["cutoff_date"] for row in rows)
    by_series: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["cutoff_date"] == latest:
            by_series[row["series_id"]].append(row)
    history = _history(tables, settings, own, latest) if span else {}
    series = [_series(name, points, history.get(name, ())) for name, points in by_series.items()]
    return tuple(sorted(series, key=lambda s: (-s.expected, s.series_id)))


def _series(
    name: str, rows: list[dict[str, Any]], history: tuple[tuple[date, float | None], ...]
) -> ForecastSeries:
    rows = sorted(rows, key=lambda row: (row["model"], row["date"]))
    model = rows[0]["model"]
    points = tuple(
        ForecastPoint(row["date"], *(row[column] for column in POINT_COLUMNS))
        for row in rows
        if row["model"] == model
    )
    return ForecastSeries(name, model, history, points)


def _history(
    tables: Tables, settings: Settings, spec: SeriesSpec, cutoff: date
) -> dict[str, tuple[tuple[date, float | None], ...]]:
    """Weekly net sales of each series up to the cutoff, as the models saw them."""
    from foresell.predict.forecast.series import panel_of

    try:
        built = panel_of(tables, settings, spec, horizon=1, complete_through=cutoff)
    except InputError:
        return {}
    known: dict[str, list[tuple[date, float | None]]] = defaultdict(list)
    for series_id, week, value in built.panel.frame.select("series_id", "date", "value").iter_rows():
        known[series_id].append((week, value))
    return {name: tuple(values) for name, values in known.items()}
