-- Takes the jobs named $1 away; how many there were.
SELECT count(cron.unschedule(job.jobid))
FROM cron.job AS job
WHERE job.jobname = $1
