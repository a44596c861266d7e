-- Deletes the people who are erased from what was read (this_table). their_hashes are those of the same table, by hashes.sql.
DELETE FROM this_table AS person
WHERE person.user_id::text IN (
    SELECT hashed.user_id
    FROM their_hashes AS hashed
    JOIN erased_people AS erased ON erased.person_hash = hashed.person_hash
)
