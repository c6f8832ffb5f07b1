-- What BI tools ask the views that `foresell export bi postgresql://…` makes (docs/bi.md). Plain SQL.
SET search_path TO foresell;

-- Net sales by week, beside the week before and the same week of the year before.
SELECT k.date,
       k.value AS net_sales,
       k.value - LAG(k.value) OVER (ORDER BY k.date) AS against_last_week,
       y.value AS a_year_before,
       k.unit
FROM kpis k
LEFT JOIN kpis y
       ON y.kpi = k.kpi AND y.period = k.period AND y.dimension = k.dimension AND y.date = k.date - 364
WHERE k.kpi = 'net_sales' AND k.period = 'week' AND k.dimension = 'shop'
ORDER BY k.date;

-- The categories that sold most in the last full month, and their share.
SELECT member AS category,
       value AS net_sales,
       ROUND(CAST(100 * value / SUM(value) OVER () AS numeric), 1) AS percent
FROM kpis
WHERE kpi = 'net_sales' AND period = 'month' AND dimension = 'category'
  AND date = (SELECT MAX(date) FROM kpis WHERE kpi = 'net_sales' AND period = 'month' AND dimension = 'category')
ORDER BY value DESC
LIMIT 10;

-- Every figure with its name in Chinese: ratios are read as they stand, and never added up.
SELECT c.name_zh, k.value, k.unit
FROM kpis k JOIN kpi_catalog c USING (kpi)
WHERE k.period = 'month' AND k.dimension = 'shop'
  AND k.date = (SELECT MAX(date) FROM kpis WHERE period = 'month' AND dimension = 'shop')
ORDER BY c.kpi;

-- What will be sold, with the interval of 80 %, by the newest forecast of each series.
SELECT series_id, date, mean, lower_80, upper_80
FROM forecasts f
WHERE cutoff_date = (SELECT MAX(cutoff_date) FROM forecasts WHERE series_id = f.series_id)
ORDER BY series_id, date;

-- Whom to write to: customers worth acting on, by segment.
SELECT s.segment, COUNT(*) AS customers, AVG(p.score) AS mean_risk
FROM scores p JOIN segments s USING (customer_id)
WHERE p.task = 'churn' AND p.is_chosen
GROUP BY s.segment
ORDER BY customers DESC;
