-- A row if relation $1 has a column named $2.
SELECT FROM pg_attribute WHERE attrelid = $1 AND attname::text = $2
