-- Whether $1 is a moment in the past.
SELECT isfinite($1) AND $1 <= clock_timestamp()
