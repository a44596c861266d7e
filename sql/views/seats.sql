-- What is bought and paid for is a seat: one product for one person. So money is counted here, and people in accounts.
--
-- days_idle is that of idle_licenses: the later of the last sign-in and of the day on which the license was given counts, and
-- it is null if the API told nobody's last sign-in.
CREATE OR REPLACE VIEW seats WITH (security_barrier) AS
SELECT
    holder.user_id,
    holder.email,
    holder.email_key,
    holder.full_name,
    holder.is_admin,
    holder.product_id,
    holder.product_name,
    holder.licensed_at AS licensed_since,
    holder.last_sign_in_at,
    holder.never_signed_in,
    holder.days_idle,
    tariff.price,
    tariff.currency
FROM (
    -- In the select list, because in FROM PostgreSQL would first store the rows of each person's arrays.
    SELECT
        person.*,
        unnest(person.product_ids) AS product_id,
        unnest(person.product_names) AS product_name
    FROM idle_licenses AS person
) AS holder
LEFT JOIN current_prices AS tariff ON tariff.product_id = holder.product_id;

COMMENT ON VIEW seats IS 'One row per person and product that the person holds.';
COMMENT ON COLUMN seats.product_id IS 'The product, as in licenses.product_id.';
COMMENT ON COLUMN seats.product_name IS 'Name of the product; null if the plan does not name it.';
COMMENT ON COLUMN seats.licensed_since IS 'When the person''s license of this plan was given. The API does not say it per product.';
COMMENT ON COLUMN seats.last_sign_in_at IS 'Last sign-in; null if there was none or it is unknown. The API does not say it per product.';
COMMENT ON COLUMN seats.price IS 'Price of the seat for one year, from prices; null if there is none.';
COMMENT ON COLUMN seats.currency IS 'Currency of the price.';
