-- The columns of table $1 that PostgreSQL fills in itself: nobody else can write them.
SELECT attribute.attname::text
FROM pg_attribute AS attribute
WHERE attribute.attrelid = $1
  AND attribute.attnum > 0
  AND NOT attribute.attisdropped
  AND (attribute.attgenerated <> '' OR attribute.attidentity <> '')
ORDER BY attribute.attnum
