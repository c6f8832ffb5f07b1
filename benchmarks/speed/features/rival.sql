-- The columns of customer_features for the spec in ours.py, as somebody would write them by hand.
WITH
known AS (
    SELECT customer_id, session_id, event_name, product_id, device_type, utm_source, local_date,
        CAST(floor(epoch(occurred_at)) AS BIGINT) AS second,
        CAST(epoch(TIMESTAMPTZ '2026-06-15 00:00:00+00') AS BIGINT) - CAST(floor(epoch(occurred_at)) AS BIGINT) AS age
    FROM read_parquet({events})
    WHERE occurred_at < TIMESTAMPTZ '2026-06-15 00:00:00+00' AND superseded_at IS NULL AND customer_id IS NOT NULL
),
counted AS (
    SELECT customer_id,
        count(*) FILTER (WHERE age <= 1 * 86400) AS events_1d,
        count(*) FILTER (WHERE age <= 1 * 86400 AND event_name = 'view_item') AS view_item_1d,
        count(*) FILTER (WHERE age <= 1 * 86400 AND event_name = 'add_to_cart') AS add_to_cart_1d,
        count(*) FILTER (WHERE age <= 1 * 86400 AND event_name = 'search') AS search_1d,
        count(*) FILTER (WHERE age <= 1 * 86400 AND event_name = 'purchase') AS purchase_1d,
        count(*) FILTER (WHERE age <= 7 * 86400) AS events_7d,
        count(*) FILTER (WHERE age <= 7 * 86400 AND event_name = 'view_item') AS view_item_7d,
        count(*) FILTER (WHERE age <= 7 * 86400 AND event_name = 'add_to_cart') AS add_to_cart_7d,
        count(*) FILTER (WHERE age <= 7 * 86400 AND event_name = 'search') AS search_7d,
        count(*) FILTER (WHERE age <= 7 * 86400 AND event_name = 'purchase') AS purchase_7d,
        count(*) FILTER (WHERE age <= 30 * 86400) AS events_30d,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'view_item') AS view_item_30d,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'add_to_cart') AS add_to_cart_30d,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'search') AS search_30d,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'purchase') AS purchase_30d,
        count(*) FILTER (WHERE age <= 90 * 86400) AS events_90d,
        count(*) FILTER (WHERE age <= 90 * 86400 AND event_name = 'view_item') AS view_item_90d,
        count(*) FILTER (WHERE age <= 90 * 86400 AND event_name = 'add_to_cart') AS add_to_cart_90d,
        count(*) FILTER (WHERE age <= 90 * 86400 AND event_name = 'search') AS search_90d,
        count(*) FILTER (WHERE age <= 90 * 86400 AND event_name = 'purchase') AS purchase_90d,
        count(*) AS events_ever,
        count(*) FILTER (WHERE event_name = 'view_item') AS view_item_ever,
        count(*) FILTER (WHERE event_name = 'add_to_cart') AS add_to_cart_ever,
        count(*) FILTER (WHERE event_name = 'search') AS search_ever,
        count(*) FILTER (WHERE event_name = 'purchase') AS purchase_ever,
        min(age) / 86400.0 AS days_since_event,
        max(age) / 86400.0 AS days_since_first_event,
        min(age / 86400.0) FILTER (WHERE event_name = 'view_item') AS days_since_view_item,
        min(age / 86400.0) FILTER (WHERE event_name = 'add_to_cart') AS days_since_add_to_cart,
        min(age / 86400.0) FILTER (WHERE event_name = 'search') AS days_since_search,
        min(age / 86400.0) FILTER (WHERE event_name = 'purchase') AS days_since_purchase,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'view_item' AND category = 'category 0') AS view_item_30d_category_category_0,
        count(*) FILTER (WHERE event_name = 'view_item' AND category = 'category 0') AS view_item_ever_category_category_0,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'add_to_cart' AND category = 'category 0') AS add_to_cart_30d_category_category_0,
        count(*) FILTER (WHERE event_name = 'add_to_cart' AND category = 'category 0') AS add_to_cart_ever_category_category_0,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'purchase' AND category = 'category 0') AS purchase_30d_category_category_0,
        count(*) FILTER (WHERE event_name = 'purchase' AND category = 'category 0') AS purchase_ever_category_category_0,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'view_item' AND category = 'category 1') AS view_item_30d_category_category_1,
        count(*) FILTER (WHERE event_name = 'view_item' AND category = 'category 1') AS view_item_ever_category_category_1,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'add_to_cart' AND category = 'category 1') AS add_to_cart_30d_category_category_1,
        count(*) FILTER (WHERE event_name = 'add_to_cart' AND category = 'category 1') AS add_to_cart_ever_category_category_1,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'purchase' AND category = 'category 1') AS purchase_30d_category_category_1,
        count(*) FILTER (WHERE event_name = 'purchase' AND category = 'category 1') AS purchase_ever_category_category_1,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'view_item' AND category = 'category 2') AS view_item_30d_category_category_2,
        count(*) FILTER (WHERE event_name = 'view_item' AND category = 'category 2') AS view_item_ever_category_category_2,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'add_to_cart' AND category = 'category 2') AS add_to_cart_30d_category_category_2,
        count(*) FILTER (WHERE event_name = 'add_to_cart' AND category = 'category 2') AS add_to_cart_ever_category_category_2,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'purchase' AND category = 'category 2') AS purchase_30d_category_category_2,
        count(*) FILTER (WHERE event_name = 'purchase' AND category = 'category 2') AS purchase_ever_category_category_2,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'view_item' AND category = 'category 3') AS view_item_30d_category_category_3,
        count(*) FILTER (WHERE event_name = 'view_item' AND category = 'category 3') AS view_item_ever_category_category_3,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'add_to_cart' AND category = 'category 3') AS add_to_cart_30d_category_category_3,
        count(*) FILTER (WHERE event_name = 'add_to_cart' AND category = 'category 3') AS add_to_cart_ever_category_category_3,
        count(*) FILTER (WHERE age <= 30 * 86400 AND event_name = 'purchase' AND category = 'category 3') AS purchase_30d_category_category_3,
        count(*) FILTER (WHERE event_name = 'purchase' AND category = 'category 3') AS purchase_ever_category_category_3,
        count(*) FILTER (WHERE device_type = 'mobile') AS events_by_device_type_mobile,
        count(*) FILTER (WHERE device_type = 'desktop') AS events_by_device_type_desktop,
        count(*) FILTER (WHERE utm_source = 'mail') AS events_by_source_mail,
        count(*) FILTER (WHERE utm_source = 'search') AS events_by_source_search
    FROM known LEFT JOIN (SELECT product_id, category FROM read_parquet({products})) USING (product_id)
    GROUP BY customer_id
),
visits AS (
    SELECT customer_id, session_id, min(second) AS first_at, max(second) AS last_at, min(age) AS age, count(*) AS events,
        count(*) FILTER (WHERE event_name = 'view_item') AS views,
        count(*) FILTER (WHERE event_name = 'add_to_cart') AS carts,
        count(*) FILTER (WHERE event_name = 'purchase') AS purchases
    FROM known WHERE session_id IS NOT NULL
    GROUP BY customer_id, session_id
),
visited AS (
    SELECT customer_id,
        count(*) FILTER (WHERE age <= 7 * 86400) AS sessions_7d,
        count(*) FILTER (WHERE age <= 30 * 86400) AS sessions_30d,
        count(*) FILTER (WHERE age <= 90 * 86400) AS sessions_90d,
        count(*) AS sessions_ever,
        count(*) FILTER (WHERE age <= 30 * 86400 AND purchases > 0) AS bought_sessions_30d,
        count(*) FILTER (WHERE age <= 30 * 86400 AND views > 0 AND purchases = 0) AS looked_sessions_30d,
        count(*) FILTER (WHERE age <= 30 * 86400 AND carts > 0 AND purchases = 0) AS left_carts_30d,
        count(*) FILTER (WHERE purchases > 0) AS bought_sessions_ever,
        count(*) FILTER (WHERE views > 0 AND purchases = 0) AS looked_sessions_ever,
        count(*) FILTER (WHERE carts > 0 AND purchases = 0) AS left_carts_ever,
        avg(events) AS session_events,
        avg(views) AS session_views,
        avg((last_at - first_at) / 60.0) AS session_minutes
    FROM visits GROUP BY customer_id
),
days AS (SELECT DISTINCT customer_id, local_date FROM known),
gaps AS (
    SELECT customer_id, local_date - lag(local_date) OVER (PARTITION BY customer_id ORDER BY local_date) AS gap
    FROM days
),
rhythm AS (
    SELECT customer_id, count(*) AS visit_days, avg(gap) AS visit_gap_mean, median(gap) AS visit_gap_median
    FROM gaps GROUP BY customer_id
)
SELECT counted.*, visited.* EXCLUDE (customer_id), rhythm.* EXCLUDE (customer_id),
    days_since_event / nullif(visit_gap_mean, 0) AS visit_pause_over_usual,
    bought_sessions_30d / nullif(sessions_30d, 0) AS bought_sessions_share_30d,
    looked_sessions_30d / nullif(sessions_30d, 0) AS looked_sessions_share_30d,
    left_carts_30d / nullif(sessions_30d, 0) AS left_carts_share_30d,
    bought_sessions_ever / nullif(sessions_ever, 0) AS bought_sessions_share_ever,
    looked_sessions_ever / nullif(sessions_ever, 0) AS looked_sessions_share_ever,
    left_carts_ever / nullif(sessions_ever, 0) AS left_carts_share_ever,
    events_by_device_type_mobile / events_ever AS share_events_by_device_type_mobile,
    events_by_device_type_desktop / events_ever AS share_events_by_device_type_desktop,
    events_by_source_mail / events_ever AS share_events_by_source_mail,
    events_by_source_search / events_ever AS share_events_by_source_search,
    '6' AS cutoff_month, '1' AS cutoff_weekday
FROM counted LEFT JOIN visited USING (customer_id) LEFT JOIN rhythm USING (customer_id)
