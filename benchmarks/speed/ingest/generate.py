"""Synthetic shop events in Parquet, as an export would hold them: text times, text prices, doubles.

One row in 200 is sent twice. Sessions follow a funnel: view, cart, checkout, purchase; one in 7 ends
after its first event. One row in 1,000 has blanks around its product, another one a currency in small
letters; one in 10,000 each has a time, a price or an event name that cannot be used.
"""

import argparse
from pathlib import Path

import duckdb

EVENTS_PER_SESSION = 8
BOUNCES_ONE_IN = 7
DOUBLED_ONE_IN = 200
UNTIDY_ONE_IN = 1_000
UNUSABLE_ONE_IN = 10_000


def generate(num_rows: int, path: Path, seed: int = 7) -> None:
    """Write about `num_rows` rows (the doubled ones included), the same for the same seed."""
    lost = (EVENTS_PER_SESSION - 1) / EVENTS_PER_SESSION / BOUNCES_ONE_IN
    num_events = int(num_rows / (1 + 1 / DOUBLED_ONE_IN) / (1 - lost))
    connection = duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": False})
    connection.execute(
        f"""
        COPY (
            WITH numbered AS (
                SELECT i, i // {EVENTS_PER_SESSION} AS s, i % {EVENTS_PER_SESSION} AS step,
                    (hash(i, {seed}) >> 2)::BIGINT AS h,
                    (hash(i // {EVENTS_PER_SESSION}, {seed}) >> 2)::BIGINT AS hs
                FROM range({num_events}) r(i)
                WHERE step = 0 OR hs % {BOUNCES_ONE_IN} > 0
            ),
            named AS (
                SELECT *, CASE
                    WHEN step = 0 THEN 'page_view'
                    WHEN step = 1 THEN 'view_item_list'
                    WHEN step = 2 THEN 'select_item'
                    WHEN step <= 4 OR hs % 10 >= 4 THEN 'view_item'
                    WHEN step = 5 THEN 'add_to_cart'
                    WHEN step = 6 AND hs % 10 < 2 THEN 'begin_checkout'
                    WHEN step = 7 AND hs % 10 < 1 THEN 'purchase'
                    ELSE 'view_item' END AS event_name
                FROM numbered
            ),
            untidy AS (
                SELECT *, h // 7 % {UNTIDY_ONE_IN} AS untidy, h // 11 % {UNUSABLE_ONE_IN} AS unusable
                FROM named
            ),
            events AS (
                SELECT
                    'e' || i AS event_id,
                    CASE WHEN unusable = 0 THEN 'blink' ELSE event_name END AS event_name,
                    CASE WHEN unusable = 1 THEN 'soon' ELSE strftime(
                        TIMESTAMP '2025-01-01' + to_seconds(s * 12 + step * 40), '%Y-%m-%dT%H:%M:%SZ')
                        END AS occurred_at,
                    CASE WHEN hs % 3 > 0 THEN 'c' || (hs % ({num_events} // 100 + 1)) END AS customer_id,
                    'a' || (hs % ({num_events} // 60 + 1)) AS anonymous_id,
                    's' || s AS session_id,
                    CASE WHEN step > 1 AND untidy = 0 THEN '  p' || (h % 50000) || ' '
                        WHEN step > 1 THEN 'p' || (h % 50000) END AS product_id,
                    CASE WHEN step > 4 THEN 1 + h % 3 END::DOUBLE AS quantity,
                    CASE WHEN unusable = 2 THEN 'free'
                        WHEN step > 1 THEN printf('%.2f', (h % 50000) / 100 + 1) END AS price,
                    CASE WHEN step > 1 THEN CASE untidy WHEN 1 THEN 'eur' ELSE 'EUR' END END AS currency,
                    CASE WHEN event_name = 'purchase' THEN 'o' || s END AS order_id,
                    ['mobile', 'desktop', 'tablet'][1 + hs % 3] AS device_type,
                    ['DE', 'FR', 'IT', 'ES'][1 + hs % 4] AS country,
                    ['newsletter', 'search', 'social', NULL][1 + hs % 4] AS utm_source,
                    '/p/' || (h % 50000) AS page_url,
                    h % {DOUBLED_ONE_IN} = 0 AS is_doubled
                FROM untidy
            )
            SELECT * EXCLUDE (is_doubled) FROM events
            UNION ALL SELECT * EXCLUDE (is_doubled) FROM events WHERE is_doubled
        ) TO '{path}' (FORMAT parquet)
        """
    )
    connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("num_rows", type=int)
    parser.add_argument("path", type=Path)
    arguments = parser.parse_args()
    generate(arguments.num_rows, arguments.path)
