-- The jobs named $1, one that runs first.
SELECT job.schedule, job.active
FROM cron.job AS job
WHERE job.jobname = $1
ORDER BY job.active DESC
