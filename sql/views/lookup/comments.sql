-- The statements that give the columns of view $1 without a comment of their own that of the column of the same name in the
-- tables and views that it reads ($2), the first of them that has one. So what the catalog says of a column is said once.
SELECT format('COMMENT ON COLUMN %I.%I.%I IS %L', place.nspname, view.relname, attribute.attname, source.comment)
FROM pg_class AS view
JOIN pg_namespace AS place ON place.oid = view.relnamespace
JOIN pg_attribute AS attribute
    ON attribute.attrelid = view.oid
   AND attribute.attnum > 0
CROSS JOIN LATERAL (
    SELECT col_description(relation.oid, original.attnum) AS comment
    FROM unnest($2::text[]) WITH ORDINALITY AS read (name, place)
    JOIN pg_class AS relation
        ON relation.relnamespace = view.relnamespace
       AND relation.relname = read.name::name
    JOIN pg_attribute AS original
        ON original.attrelid = relation.oid
       AND original.attname = attribute.attname
    WHERE col_description(relation.oid, original.attnum) IS NOT NULL
    ORDER BY read.place
    LIMIT 1
) AS source
WHERE view.oid = $1
  AND col_description(view.oid, attribute.attnum) IS NULL
