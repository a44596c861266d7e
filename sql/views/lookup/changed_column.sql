-- A column of relation $1 that has another type than it is declared with. $2 are the declared columns, $3 their types.
SELECT attribute.attname::text
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS declared (name, type, place)
JOIN pg_attribute AS attribute
    ON attribute.attrelid = $1
   AND attribute.attname::text = declared.name
   AND attribute.attnum > 0
   AND NOT attribute.attisdropped
WHERE attribute.atttypid <> declared.type::regtype
ORDER BY declared.place
LIMIT 1
