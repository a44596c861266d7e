-- How the clock at the start of refresh $1 stands to the latest moment that was recorded before it: the start of the last good
-- refresh, or the moment $2.
SELECT
    recorded.latest::text AS latest,
    this.started_at::text AS now,
    extract(epoch FROM this.started_at - recorded.latest)::double precision AS seconds_since
FROM refresh_log AS this
CROSS JOIN LATERAL (
    SELECT greatest(
        (SELECT log.started_at FROM refresh_log AS log WHERE log.outcome = 'ok' AND log.id < this.id ORDER BY log.id DESC LIMIT 1),
        $2
    ) AS latest
) AS recorded
WHERE this.id = $1
