-- The names of array $1, in their order.
SELECT listed.name::text
FROM unnest($1) WITH ORDINALITY AS listed (name, place)
ORDER BY listed.place
