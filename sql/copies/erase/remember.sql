-- Person $1 is erased from now on. leave_out.sql has the same hash.
INSERT INTO erased_people (person_hash)
VALUES (
    encode(
        sha256(
            convert_to(
                (SELECT key.last_value FROM erasure_key_1 AS key)
                || ':' || (SELECT key.last_value FROM erasure_key_2 AS key)
                || ':' || $1,
                'UTF8'
            )
        ),
        'hex'
    )
)
ON CONFLICT DO NOTHING
