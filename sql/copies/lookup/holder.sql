-- The other session that holds the lock of a set's work. $1 is the OID of its table settings.
SELECT
    activity.pid,
    activity.usename::text AS role,
    activity.xact_start::text AS since,
    activity.backend_type IS NOT DISTINCT FROM 'autovacuum worker' AS is_autovacuum
FROM pg_locks AS held
JOIN pg_stat_activity AS activity ON activity.pid = held.pid
WHERE held.locktype = 'relation'
  AND held.relation = $1
  AND held.database = (SELECT this.oid FROM pg_database AS this WHERE this.datname = current_database())
  AND held.granted
  AND held.pid <> pg_backend_pid()
  AND held.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
ORDER BY held.mode = 'ShareUpdateExclusiveLock' DESC, activity.pid
LIMIT 1
