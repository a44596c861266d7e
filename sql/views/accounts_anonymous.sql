-- Anybody may read the text of a view, so the secret is not in it. It is the value of two sequences, because a sequence is
-- not reached by GRANT ... ON ALL TABLES IN SCHEMA, and goes along with a dump of the schema, a rename and REASSIGN OWNED.
-- Set once, it stays, and with it every person_id. setval() on either one gives everybody another person_id.
CREATE SEQUENCE IF NOT EXISTS accounts_anonymous_salt_1;
CREATE SEQUENCE IF NOT EXISTS accounts_anonymous_salt_2;

-- 63 random bits each, out of three random UUIDs. Every name is qualified: nothing in the schema can stand in for it.
SELECT pg_catalog.setval(
    'accounts_anonymous_salt_1'::pg_catalog.regclass,
    ('x' OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
        pg_catalog.concat(pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid()), 'UTF8'
    )), 'hex'), 1, 16))::pg_catalog.bit(64)::pg_catalog.int8 OPERATOR(pg_catalog.&) 9223372036854775807
)
FROM accounts_anonymous_salt_1 AS salt
WHERE NOT salt.is_called;

SELECT pg_catalog.setval(
    'accounts_anonymous_salt_2'::pg_catalog.regclass,
    ('x' OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
        pg_catalog.concat(pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid()), 'UTF8'
    )), 'hex'), 1, 16))::pg_catalog.bit(64)::pg_catalog.int8 OPERATOR(pg_catalog.&) 9223372036854775807
)
FROM accounts_anonymous_salt_2 AS salt
WHERE NOT salt.is_called;

COMMENT ON SEQUENCE accounts_anonymous_salt_1 IS 'Half of the secret that accounts_anonymous hashes with. Who can read both halves can tell whose a person_id is.';
COMMENT ON SEQUENCE accounts_anonymous_salt_2 IS 'Half of the secret that accounts_anonymous hashes with. Who can read both halves can tell whose a person_id is.';

CREATE OR REPLACE VIEW accounts_anonymous WITH (security_barrier) AS
SELECT
    encode(sha256(convert_to(concat_ws(
        ' ',
        (SELECT salt.last_value FROM accounts_anonymous_salt_1 AS salt),
        (SELECT salt.last_value FROM accounts_anonymous_salt_2 AS salt),
        a.user_id
    ), 'UTF8')), 'hex') AS person_id,
    a.status,
    a.is_active,
    a.billable,
    a.is_admin,
    date_trunc('month', a.deleted_at AT TIME ZONE 'UTC')::date AS deleted_month,
    date_trunc('month', a.last_sign_in_at AT TIME ZONE 'UTC')::date AS last_sign_in_month,
    date_trunc('month', a.licensed_at AT TIME ZONE 'UTC')::date AS licensed_month,
    a.sso_enabled,
    a.mfa_enabled,
    a.product_ids,
    a.plan_id
FROM accounts AS a;

COMMENT ON VIEW accounts_anonymous IS 'The accounts without names, addresses, teams, notes and days. A row is still a person: someone with a rare set of products can be guessed.';
COMMENT ON COLUMN accounts_anonymous.person_id IS 'Stands for the person: a hash of user_id and of a secret that only the owner can read.';
COMMENT ON COLUMN accounts_anonymous.deleted_month IS 'Month in which taken off the plan, as its first day, in UTC.';
COMMENT ON COLUMN accounts_anonymous.last_sign_in_month IS 'Month of the last sign-in, as its first day, in UTC; null if there was none or it is unknown.';
COMMENT ON COLUMN accounts_anonymous.licensed_month IS 'Month in which the license of this plan was given, as its first day, in UTC.';
