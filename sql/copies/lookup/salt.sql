-- The statements that give the sequences $2 of the copies in schema $1 the values that they have in the schema of the foreign
-- tables, for those sequences that are in both and can be read. One that is neither the owner's ($3) nor a superuser's is no
-- secret.
SELECT format(
    'SELECT setval(%L::regclass, source.last_value, source.is_called) FROM %I.%I AS source',
    kept.oid::regclass,
    schema.nspname,
    live.relname
)
FROM settings
JOIN pg_namespace AS schema ON schema.nspname = settings.source_schema
JOIN pg_class AS live
    ON live.relnamespace = schema.oid
   AND live.relkind = 'S'
   AND live.relname = ANY ($2::text[]::name[])
JOIN pg_roles AS owner
    ON owner.oid = live.relowner
   AND (owner.oid = $3 OR owner.rolsuper)
JOIN pg_class AS kept
    ON kept.relnamespace = $1
   AND kept.relkind = 'S'
   AND kept.relname = live.relname
WHERE CASE WHEN live.relkind = 'S' THEN has_sequence_privilege(live.oid, 'SELECT') END
  AND has_schema_privilege(schema.oid, 'USAGE')
