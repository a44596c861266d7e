-- The people of a table (this_table), and the hash by which erased_people knows each of them.
SELECT
    person.user_id::text AS user_id,
    encode(
        sha256(
            convert_to(
                (SELECT key.last_value FROM erasure_key_1 AS key)
                || ':' || (SELECT key.last_value FROM erasure_key_2 AS key)
                || ':' || person.user_id::text,
                'UTF8'
            )
        ),
        'hex'
    ) AS person_hash
FROM this_table AS person
