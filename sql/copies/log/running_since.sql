-- When process $1 began the refresh that it is at.
SELECT log.started_at::text
FROM refresh_log AS log
WHERE log.outcome = 'running' AND log.pid = $1
ORDER BY log.id DESC
LIMIT 1
