-- History begins no earlier than $1 from now on. prune.sql deletes what was before.
UPDATE settings SET history_from = $1 WHERE history_from < $1
