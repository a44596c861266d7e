-- Products whose licenses run out within settings.warn_days, as refresh $1 sees it. is_news: the last good refresh before it
-- that could read the forecast did not say so.
SELECT
    forecast.product_id,
    forecast.remaining,
    forecast.runs_out_on::text AS runs_out_on,
    forecast.confidence,
    forecast.product_id <> ALL (COALESCE(
        (SELECT log.runs_out FROM refresh_log AS log WHERE log.outcome = 'ok' AND log.runs_out IS NOT NULL AND log.id < $1 ORDER BY log.id DESC LIMIT 1),
        '{}'
    )) AS is_news
FROM license_forecast AS forecast
CROSS JOIN settings
WHERE forecast.runs_out_on - (now() AT TIME ZONE 'UTC')::date <= settings.warn_days
ORDER BY forecast.runs_out_on, forecast.product_id
