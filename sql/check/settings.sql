-- Whether the copies are of another server than $1, and their warn_days. A set of an older version has no such column; then
-- the name finds that of "older".
SELECT
    EXISTS (
        SELECT
        FROM pg_namespace AS source
        JOIN pg_class AS relation ON relation.relnamespace = source.oid
        JOIN pg_foreign_table AS declared ON declared.ftrelid = relation.oid
        WHERE declared.ftserver <> $1
          AND (source.oid = kept.source_id OR source.nspname = kept.source_schema)
    ) AS is_elsewhere,
    (SELECT warn_days FROM settings) AS warn_days
FROM settings AS kept
CROSS JOIN (SELECT NULL::integer AS warn_days) AS older
