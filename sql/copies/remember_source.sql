-- Where the set is read from from now on. $1: name, $2: OID, $3: database.
UPDATE settings
SET source_schema = $1::text::name, source_id = $2, source_database = $3
WHERE (source_schema::text, source_id, source_database) IS DISTINCT FROM ($1, $2, $3)
