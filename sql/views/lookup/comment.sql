-- The comment on relation $1.
SELECT obj_description($1, 'pg_class')
