-- Gives the two halves of the key their values, $1 and $2, where they have none yet.
SELECT setval('erasure_key_1', $1)
FROM erasure_key_1 AS key
WHERE NOT key.is_called
UNION ALL
SELECT setval('erasure_key_2', $2)
FROM erasure_key_2 AS key
WHERE NOT key.is_called
