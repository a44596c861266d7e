-- What was known of each person, one row per version. The columns here are those that the statements of this folder work
-- with; create_copies() adds the other columns of the view accounts that history keeps.
CREATE TABLE account_history (
    user_id text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz CHECK (valid_to > valid_from),
    email text,
    full_name text,
    status text,
    is_active boolean,
    billable boolean,
    is_admin boolean,
    deleted_at timestamptz,
    team_ids text[],
    team_names text[],
    product_ids text[],
    product_names text[],
    forgotten boolean NOT NULL DEFAULT false,
    PRIMARY KEY (user_id, valid_from)
);

CREATE UNIQUE INDEX account_history_now ON account_history (user_id) WHERE valid_to IS NULL;
CREATE INDEX account_history_valid_from ON account_history (valid_from);
CREATE INDEX account_history_email ON account_history (lower(email));

COMMENT ON TABLE account_history IS 'What was known of each person, one row per version. Written by refresh(). NULL means unknown.';
COMMENT ON COLUMN account_history.valid_from IS 'When the refresh that found this version began.';
COMMENT ON COLUMN account_history.valid_to IS 'When the refresh that found the next version began; NULL for what is known now.';
COMMENT ON COLUMN account_history.forgotten IS 'The API no longer lists the person. deleted_at is then when a refresh first missed them, unless the API had told it before.';
COMMENT ON COLUMN account_history.team_ids IS 'Teams that the person was put into, ordered by id.';
COMMENT ON COLUMN account_history.team_names IS 'Names of the teams in team_ids, in the same order, as they were when this version was found. See team_history for later names.';
COMMENT ON COLUMN account_history.product_ids IS 'Products that the person held, ordered by id.';
COMMENT ON COLUMN account_history.product_names IS 'Names of the products in product_ids, in the same order, as they were when this version was found.';
