-- Makes the job named $1, or gives it schedule $2 and command $3; its id.
SELECT cron.schedule($1, $2, $3)
