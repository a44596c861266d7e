-- Whether the copies are of another server than $1, and their warn_days. In the database $2 that wrote its OID the source is known by
-- that; elsewhere, or where it is gone, by its name. A set of an older version has no such column; then
-- the name finds that of "older".
SELECT
    EXISTS (
        SELECT
        FROM pg_namespace AS source
        JOIN pg_class AS relation ON relation.relnamespace = source.oid
        JOIN pg_foreign_table AS declared ON declared.ftrelid = relation.oid
        WHERE declared.ftserver <> $1
          AND source.oid = COALESCE(
              (SELECT known.oid FROM pg_namespace AS known WHERE known.oid = kept.source_id AND kept.source_database = $2),
              (SELECT named.oid FROM pg_namespace AS named WHERE named.nspname = kept.source_schema)
          )
    ) AS is_elsewhere,
    (SELECT warn_days FROM settings) AS warn_days
FROM settings AS kept
CROSS JOIN (SELECT NULL::integer AS warn_days) AS older
