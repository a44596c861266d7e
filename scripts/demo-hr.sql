-- What no API knows, invented for the sandbox's organization: prices, cost centers, managers, and who has left.
INSERT INTO pluralsight_copy.prices (product_id, price, currency)
VALUES
    ('skills-enterprise', 579, 'EUR'),
    ('cloud-plus', 299, 'EUR'),
    ('security-plus', 249, 'EUR'),
    ('ai-plus', 199, 'EUR'),
    ('flow', 449, 'EUR');

INSERT INTO pluralsight_copy.hr_staff (email, cost_center, manager_email, left_on)
SELECT
    invented.email,
    invented.center,
    format('head.of.%s.%s@meridian.example', lower(replace(replace(invented.center, ' ', '.'), '&', 'and')), 1 + invented.number / 7 % 5),
    CASE WHEN invented.number % 31 = 0 THEN current_date - 20 END
FROM (
    SELECT
        person.email,
        person.number,
        (ARRAY['Finance', 'Data', 'Data', 'Operations', 'R&D', 'Finance', 'Customer Care', 'Operations', 'Sales', 'Data'])[1 + person.number % 10] AS center
    FROM (
        SELECT email, (row_number() OVER (ORDER BY user_id COLLATE "C"))::integer AS number
        FROM pluralsight_copy.users
        WHERE email IS NOT NULL
    ) AS person
) AS invented
ON CONFLICT (email) DO NOTHING;
