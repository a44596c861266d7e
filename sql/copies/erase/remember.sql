-- The people whose hashes are their_hashes, by hashes.sql, are erased from now on.
INSERT INTO erased_people (person_hash)
SELECT hashed.person_hash
FROM their_hashes AS hashed
ON CONFLICT DO NOTHING
