-- People who were erased by forget_person(), so that no refresh brings them back. The table names nobody: a hash can only be
-- compared with a user_id by whoever can read the key.
CREATE TABLE erased_people (
    person_hash text PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE erased_people IS 'People who were erased by forget_person(). Refreshes leave them out.';
COMMENT ON COLUMN erased_people.person_hash IS 'SHA-256 of the key and the user_id.';
COMMENT ON COLUMN erased_people.erased_at IS 'When the person was erased.';

-- The key. Two sequences, because GRANT ... ON ALL TABLES IN SCHEMA does not reach sequences, while dumps, renames and
-- REASSIGN OWNED carry them along like everything else in this schema. forget_person() gives them their values.
CREATE SEQUENCE erasure_key_1;
CREATE SEQUENCE erasure_key_2;

COMMENT ON SEQUENCE erasure_key_1 IS 'First half of the key of erased_people.';
COMMENT ON SEQUENCE erasure_key_2 IS 'Second half of the key of erased_people.';
