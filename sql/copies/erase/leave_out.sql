-- Deletes the people who are erased from what was read (this_table). remember.sql has the same hash.
DELETE FROM this_table AS person
USING erased_people AS erased
WHERE erased.person_hash = encode(
    sha256(
        convert_to(
            (SELECT key.last_value FROM erasure_key_1 AS key)
            || ':' || (SELECT key.last_value FROM erasure_key_2 AS key)
            || ':' || person.user_id::text,
            'UTF8'
        )
    ),
    'hex'
)
