-- Who works here, as the HR system knows it. It starts empty; whoever has an HR table fills it in, best on a schedule:
--   BEGIN;
--   DELETE FROM hr_staff;
--   INSERT INTO hr_staff SELECT email, cost_center, manager_email, left_on FROM hr.people;
--   COMMIT;
--   ANALYZE hr_staff;
-- Without it, cost centers and managers are null in the views, and nobody has left the company.
CREATE TABLE hr_staff (
    email text NOT NULL,
    cost_center text,
    manager_email text,
    left_on date,
    PRIMARY KEY (email)
);

COMMENT ON TABLE hr_staff IS 'Who works here, for cost centers, managers and leavers in the views. Empty by default.';
COMMENT ON COLUMN hr_staff.email IS 'An address of the person, in any spelling. Views compare it by pluralsight_fdw.match_key(email).';
COMMENT ON COLUMN hr_staff.cost_center IS 'Who pays for the person.';
COMMENT ON COLUMN hr_staff.manager_email IS 'Whom to ask about the person.';
COMMENT ON COLUMN hr_staff.left_on IS 'First day on which the person no longer works here; null if none is known.';
