-- Whose people hold what could come back.
CREATE OR REPLACE VIEW report_managers WITH (security_barrier) AS
SELECT
    person.manager_email,
    count(*) AS people,
    sum(person.seats)::bigint AS seats,
    sum(person.cost) AS cost,
    person.currency,
    (array_agg(COALESCE(person.full_name, person.email) ORDER BY person.cost DESC NULLS LAST, person.seats DESC, person.user_id COLLATE "C"))[1:3] AS first_people
FROM report_people AS person
GROUP BY person.manager_email, person.currency;

COMMENT ON VIEW report_managers IS 'One row per manager and currency: whom to ask about seats that could come back. manager_email is null for people without a manager.';
COMMENT ON COLUMN report_managers.manager_email IS 'The manager, from hr_staff.';
COMMENT ON COLUMN report_managers.people IS 'People of the manager whose seats could come back.';
COMMENT ON COLUMN report_managers.seats IS 'Seats that they hold.';
COMMENT ON COLUMN report_managers.cost IS 'What the seats cost in one year; null if they have no price.';
COMMENT ON COLUMN report_managers.currency IS 'Currency of the cost; null for seats without a price.';
COMMENT ON COLUMN report_managers.first_people IS 'Three of the people, those with the most cost first.';
