"""What an expert would write by hand for this file and these KPIs: DuckDB, straight to Parquet.

Parses, validates, keeps one row a key, writes Parquet, and computes the KPIs from what it wrote. It
uses what only its author knows (the file's columns, the few currencies), as a hand-written script may.
"""

import argparse
import json
import time
from pathlib import Path

import duckdb

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

TEXTS = (
    "event_id", "event_name", "customer_id", "anonymous_id", "session_id", "product_id", "order_id",
    "device_type", "country", "utm_source", "page_url",
)  # fmt: skip
TYPED = """
    SELECT *, CAST(timezone('Europe/Berlin', occurred_at) AS DATE) AS local_date, CASE
        WHEN event_id IS NULL THEN 'no event_id'
        WHEN occurred_at IS NULL THEN 'occurred_at is no time'
        WHEN event_name IS NULL OR event_name NOT IN ({event_names}) THEN 'unknown event_name'
        WHEN price IS NULL AND price_text IS NOT NULL THEN 'price is no number'
        WHEN currency IS NOT NULL AND currency NOT IN ({currencies}) THEN 'unknown currency'
        END AS fault
    FROM (
        SELECT * REPLACE (
            {texts},
            nullif(upper(trim(currency)), '') AS currency,
            TRY_CAST(occurred_at AS TIMESTAMPTZ) AS occurred_at,
            TRY_CAST(price AS DECIMAL(18, 4)) AS price
        ), price AS price_text
        FROM ({rows})
    )
"""
# Keys first, then rows: 20 million whole rows in a hash table would spill, some thousand do not.
DOUBLED = """
    CREATE TEMP TABLE doubled AS
    SELECT trim(event_id) AS event_id FROM read_parquet('{source}')
    GROUP BY trim(event_id) HAVING count(*) > 1
"""
AGAIN = """
    CREATE TEMP TABLE again AS
    SELECT * FROM ({typed_doubled})
"""
GOOD = """
    COPY (
        SELECT * EXCLUDE (fault, price_text) FROM ({typed})
        WHERE fault IS NULL AND event_id NOT IN (SELECT event_id FROM doubled WHERE event_id IS NOT NULL)
        UNION ALL
        SELECT DISTINCT ON (event_id) * EXCLUDE (fault, price_text) FROM again WHERE fault IS NULL
    ) TO '{target}' (FORMAT parquet)
"""
DROPPED = "SELECT count(*) - count(DISTINCT event_id) FROM again WHERE fault IS NULL"
BAD = "COPY (SELECT * FROM ({typed}) WHERE fault IS NOT NULL) TO '{rejected}' (FORMAT parquet)"
VISITS = """
    WITH visits AS (
        SELECT count(*) AS num_events, bit_or(CASE event_name
            WHEN 'view_item' THEN 1 WHEN 'add_to_cart' THEN 2
            WHEN 'begin_checkout' THEN 4 WHEN 'purchase' THEN 8 ELSE 0 END) AS steps
        FROM read_parquet('{target}')
        WHERE event_name NOT IN ('refund', 'order_cancelled')
            AND coalesce(session_id, customer_id, anonymous_id) IS NOT NULL
        GROUP BY coalesce(session_id, coalesce(customer_id, anonymous_id) || '@' || local_date)
    )
    SELECT count(*) AS visits,
        count(*) FILTER (num_events = 1) AS bounced,
        count(*) FILTER (steps & 1 > 0) AS viewed,
        count(*) FILTER (steps & 2 > 0) AS carted,
        count(*) FILTER (steps & 4 > 0) AS checked_out,
        count(*) FILTER (steps & 8 > 0) AS bought,
        count(*) FILTER (steps & 3 = 3) AS viewed_and_carted,
        count(*) FILTER (steps & 6 = 6) AS carted_and_checked_out,
        count(*) FILTER (steps & 12 = 12) AS checked_out_and_bought,
        count(*) FILTER (steps & 10 = 10) AS carted_and_bought
    FROM visits
"""
LISTS = """
    SELECT count(*) FILTER (event_name = 'view_item_list') AS shown,
        count(*) FILTER (event_name = 'select_item') AS picked
    FROM read_parquet('{target}')
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path, help="where to write; must exist")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--memory-limit", required=True)
    given = parser.parse_args()
    connection = duckdb.connect(
        config={
            "threads": given.threads,
            "memory_limit": given.memory_limit,
            "preserve_insertion_order": False,
            "temp_directory": str(given.folder / "spill"),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    words: dict[str, object] = {
        "source": given.source,
        "target": given.folder / "events.parquet",
        "rejected": given.folder / "rejected.parquet",
        "event_names": ", ".join(f"'{name}'" for name in EVENT_NAMES),
        "texts": ", ".join(f"nullif(trim({name}), '') AS {name}" for name in TEXTS),
        "currencies": ", ".join(f"'{code}'" for code in CURRENCIES),
    }
    source = f"FROM read_parquet('{given.source}')"
    words["typed"] = TYPED.format(rows=source, **words)
    only_doubled = f"{source} WHERE trim(event_id) IN (SELECT event_id FROM doubled)"
    words["typed_doubled"] = TYPED.format(rows=only_doubled, **words)
    started = time.perf_counter()
    rows = ingest(connection, words)
    ingested = time.perf_counter()
    kpis = compute_kpis(connection, words)
    seconds = {"ingest": ingested - started, "kpis": time.perf_counter() - ingested}
    print(json.dumps({**rows, "kpis": kpis, "seconds": seconds}))


def ingest(connection: duckdb.DuckDBPyConnection, words: dict[str, object]) -> dict[str, int]:
    """Writes the good rows; the rejected ones too, if counting shows that there are any."""

    def one(query: str) -> int:
        row = connection.execute(query.format(**words)).fetchone()
        assert row is not None
        return int(row[0])

    rows_read = one("SELECT count(*) FROM read_parquet('{source}')")
    for query in (DOUBLED, AGAIN):
        connection.execute(query.format(**words))
    accepted = one(GOOD)
    duplicate = one(DROPPED)
    rejected = one(BAD) if accepted + duplicate < rows_read else 0
    return {
        "rows_read": rows_read,
        "rows_accepted": accepted,
        "rows_duplicate": duplicate,
        "rows_quarantined": rejected,
    }


def compute_kpis(connection: duckdb.DuckDBPyConnection, words: dict[str, object]) -> dict[str, float | None]:
    n: dict[str, int] = {}
    for query in (VISITS, LISTS):
        result = connection.execute(query.format(**words))
        row = result.fetchone()
        assert row is not None
        n |= dict(zip([column[0] for column in result.description], row, strict=True))

    def ratio(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return {
        "visits": n["visits"],
        "visit_to_view_rate": ratio(n["viewed"], n["visits"]),
        "view_to_cart_rate": ratio(n["viewed_and_carted"], n["viewed"]),
        "cart_to_checkout_rate": ratio(n["carted_and_checked_out"], n["carted"]),
        "checkout_to_purchase_rate": ratio(n["checked_out_and_bought"], n["checked_out"]),
        "conversion_rate": ratio(n["bought"], n["visits"]),
        "cart_abandonment_rate": ratio(n["carted"] - n["carted_and_bought"], n["carted"]),
        "bounce_rate": ratio(n["bounced"], n["visits"]),
        "click_through_rate": ratio(n["picked"], n["shown"]),
    }


if __name__ == "__main__":
    main()
