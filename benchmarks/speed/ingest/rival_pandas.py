"""What a plain analyst would write for this file and these KPIs: pandas, all in memory."""

import argparse
import json
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa

EVENT_NAMES = [
    "page_view",
    "search",
    "view_item_list",
    "select_item",
    "view_item",
    "add_to_wishlist",
    "add_to_cart",
    "remove_from_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "refund",
    "sign_up",
    "login",
    "review_submitted",
    "coupon_applied",
    "order_cancelled",
]
CURRENCIES = [
    "EUR",
    "USD",
    "GBP",
    "CHF",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "HUF",
    "RON",
    "BGN",
    "JPY",
    "CNY",
]
TEXTS = [
    "event_id", "event_name", "customer_id", "anonymous_id", "session_id", "product_id", "currency",
    "order_id", "device_type", "country", "utm_source", "page_url",
]  # fmt: skip
MONEY = pd.ArrowDtype(pa.decimal128(18, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path, help="where to write; must exist")
    given = parser.parse_args()
    started = time.perf_counter()
    rows = ingest(given.source, given.folder)
    ingested = time.perf_counter()
    kpis = compute_kpis(given.folder / "events.parquet")
    seconds = {"ingest": ingested - started, "kpis": time.perf_counter() - ingested}
    print(json.dumps({**rows, "kpis": kpis, "seconds": seconds}))


def ingest(source: Path, folder: Path) -> dict[str, int]:
    events = pd.read_parquet(source)
    rows_read = len(events)
    for name in TEXTS:
        events[name] = events[name].str.strip().replace("", None)
    events["currency"] = events["currency"].str.upper()
    price = pd.to_numeric(events["price"], errors="coerce")
    occurred_at = pd.to_datetime(events["occurred_at"], utc=True, errors="coerce")
    is_good = (
        events["event_id"].notna()
        & occurred_at.notna()
        & events["event_name"].isin(EVENT_NAMES)
        & (price.notna() | events["price"].isna())
        & (events["currency"].isna() | events["currency"].isin(CURRENCIES))
    )
    events["occurred_at"] = occurred_at
    if not is_good.all():
        events[~is_good].to_parquet(folder / "rejected.parquet", index=False)
        events = events[is_good]
    num_good = len(events)
    events = events.drop_duplicates("event_id", keep="last")
    # Money is exact: the text becomes a decimal, not a float.
    events["price"] = events["price"].astype("string[pyarrow]").astype(MONEY)
    events["local_date"] = events["occurred_at"].dt.tz_convert("Europe/Berlin").dt.date
    events.to_parquet(folder / "events.parquet", index=False)
    return {
        "rows_read": rows_read,
        "rows_accepted": len(events),
        "rows_duplicate": num_good - len(events),
        "rows_quarantined": rows_read - num_good,
    }


def compute_kpis(written: Path) -> dict[str, float | None]:
    columns = ["event_name", "session_id", "customer_id", "anonymous_id", "local_date"]
    events = pd.read_parquet(written, columns=columns)
    shown = int((events["event_name"] == "view_item_list").sum())
    picked = int((events["event_name"] == "select_item").sum())
    events = events[~events["event_name"].isin(["refund", "order_cancelled"])]
    visitor = events["customer_id"].fillna(events["anonymous_id"])
    visit = events["session_id"]
    if visit.isna().any():
        visit = visit.fillna(visitor + "@" + events["local_date"].astype(str))
    steps = pd.DataFrame(
        {
            "visit": visit,
            "viewed": events["event_name"] == "view_item",
            "carted": events["event_name"] == "add_to_cart",
            "checked_out": events["event_name"] == "begin_checkout",
            "bought": events["event_name"] == "purchase",
        }
    )
    by_visit = steps.groupby("visit")
    visits = by_visit[["viewed", "carted", "checked_out", "bought"]].any()
    num_events = by_visit.size()

    def ratio(part: int, whole: int) -> float | None:
        return int(part) / int(whole) if whole else None

    return {
        "visits": len(visits),
        "visit_to_view_rate": ratio(visits.viewed.sum(), len(visits)),
        "view_to_cart_rate": ratio((visits.viewed & visits.carted).sum(), visits.viewed.sum()),
        "cart_to_checkout_rate": ratio((visits.carted & visits.checked_out).sum(), visits.carted.sum()),
        "checkout_to_purchase_rate": ratio(
            (visits.checked_out & visits.bought).sum(), visits.checked_out.sum()
        ),
        "conversion_rate": ratio(visits.bought.sum(), len(visits)),
        "cart_abandonment_rate": ratio((visits.carted & ~visits.bought).sum(), visits.carted.sum()),
        "bounce_rate": ratio((num_events == 1).sum(), len(visits)),
        "click_through_rate": ratio(picked, shown),
    }


if __name__ == "__main__":
    main()
