"""A shop for looking at: half a year, long and Chinese names, predictions."""

from datetime import date, timedelta
from math import sin
from typing import Any

FIRST = date(2024, 1, 1)
NUM_DAYS = 182
CUTOFF = FIRST + timedelta(days=NUM_DAYS - 1)
MADE_AT = "2024-07-01T00:00:00Z"
PRODUCTS = (
    ("p1", "Earl Grey <b>loose leaf</b> & bergamot, 250 g", "Tea", "Drinks"),
    ("p2", "龙井茶 特级 250 克", "Tea", "Drinks"),
    ("p3", "Cup 🍵 with saucer", "Cups", "Kitchen"),
    ("p4", "Extraordinarily-long-product-name-without-a-single-space-in-it", "Cups", "Kitchen"),
    ("p5", "Carrot cake", "Cakes and all other baked goods of the house", "Bakery & Patisserie"),
    ("p6", None, "Cakes and all other baked goods of the house", "Bakery & Patisserie"),
)
Rows = dict[str, list[dict[str, Any]]]


def shop_rows() -> Rows:
    return {**_sales(), **_predictions(), **_imports()}


def _sales() -> Rows:
    orders: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for number in range(NUM_DAYS * 3):
        day = FIRST + timedelta(days=number // 3)
        order = {
            "order_id": f"o{number}",
            "customer_id": f"customer-{number * number % 40}",
            "local_date": day,
        }
        orders.append(
            {**order, "created_at": f"{day}T12:00:00Z", "currency": "CNY", "location_id": f"L{number % 5}"}
        )
        for place in range(1 + number % 3):
            product = PRODUCTS[(number + place * number) % len(PRODUCTS)][0]
            price = 90_000 if number == 300 else round(60 + 30 * sin(number / 60) + 10 * place, 2)
            line = {"order_line_id": f"o{number}-{place}", "order_id": f"o{number}", "product_id": product}
            lines.append({**line, "quantity": 1, "line_amount": price, "discount_amount": place})
    columns = ("product_id", "title", "category", "department")
    products = [dict(zip(columns, product, strict=True)) for product in PRODUCTS]
    refunds = [
        {"refund_id": f"r{n}", "order_id": f"o{n}", "created_at": f"{FIRST}T12:00:00Z", "amount": 20}
        | {"local_date": FIRST + timedelta(days=n), "currency": "CNY"}
        for n in range(0, NUM_DAYS, 9)
    ]
    return {"orders": orders, "order_lines": lines, "products": products, "refunds": refunds}


def _predictions() -> Rows:
    forecasts = [
        {"series_id": series, "model": "ets/1", "cutoff_date": CUTOFF, "mean": 900, "lower_80": 700}
        | {"upper_80": 1100, "lower_95": 500, "upper_95": 1300, "date": CUTOFF + timedelta(days=1 + 7 * week)}
        | {"series_by": "department", "period": "week", "measure": "net_sales"}
        for series in ("Drinks", "Kitchen", "Bakery & Patisserie")
        for week in range(8)
    ]
    recommendations = [
        {"customer_id": f"customer-{customer}", "model": "item_knn/1", "rank": rank, "product_id": f"p{rank}"}
        | {"score": 1 / rank, "reason": "Customers who buy 龙井茶 buy this too", "made_at": MADE_AT}
        for customer in (1, 4, 9, 16, 25, 36)
        for rank in range(1, 7)
    ]
    leaderboard = [
        {
            "task": task,
            "model": model,
            "split": "test",
            "score": score,
            "value": 0.1 + place,
            "lower": 0.05 + place,
        }
        | {
            "upper": 0.2 + place,
            "fit_seconds": 1.5,
            "predict_seconds": 0.2,
            "made_at": MADE_AT,
            "note": "a note",
        }
        for task, models, scores in (
            ("recommend", ("popularity", "transition"), ("recall@10", "ndcg@10", "coverage@10")),
            ("forecast", ("ets", "seasonal_naive"), ("mase", "coverage_80", "bias")),
        )
        for place, model in enumerate(models)
        for score in scores
    ]
    return {"forecasts": forecasts, "recommendations": recommendations, "leaderboard": leaderboard}


def _imports() -> Rows:
    run = {"source": "mapping", "status": "finished", "started_at": MADE_AT, "finished_at": MADE_AT}
    counts = {
        "rows_read": 5,
        "rows_accepted": 2,
        "rows_updated": 0,
        "rows_duplicate": 1,
        "rows_quarantined": 2,
    }
    file = "an_export_with_a_very_long_name_2024-07-01_final_v2.csv"
    rejected = [
        {"quarantine_id": f"r1-{n}", "run_id": "r1", "source_file": file, "error_code": "not_a_date"}
        for n in range(2)
    ]
    return {"ingest_runs": [{**run, **counts, "run_id": "r1", "source_file": file}], "quarantine": rejected}
