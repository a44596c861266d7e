-- What the numbers of the report rest on.
CREATE OR REPLACE VIEW report_known WITH (security_barrier) AS
SELECT
    NOT EXISTS (SELECT FROM users AS u WHERE u.product_ids IS NULL) AS products,
    NOT EXISTS (SELECT FROM users)
        OR EXISTS (SELECT FROM users AS u WHERE u.last_login IS NOT NULL) AS sign_ins,
    EXISTS (SELECT FROM hr_staff) AS staff;

COMMENT ON VIEW report_known IS 'One row: what the numbers of the report rest on.';
COMMENT ON COLUMN report_known.products IS 'The API says of everybody which products they hold.';
COMMENT ON COLUMN report_known.sign_ins IS 'The API says when people signed in. If not, nobody is idle.';
COMMENT ON COLUMN report_known.staff IS 'hr_staff has rows.';
