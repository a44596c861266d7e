-- One row per product and day: the last refresh of the day counts.
CREATE TABLE license_history (
    day date NOT NULL,
    product_id text NOT NULL,
    product_name text,
    purchased bigint,
    assigned bigint,
    remaining bigint,
    plan_id text,
    PRIMARY KEY (product_id, day)
);

CREATE INDEX license_history_day ON license_history (day);

COMMENT ON TABLE license_history IS 'Licenses of each product, one row per product and day. Written by refresh().';
COMMENT ON COLUMN license_history.day IS 'The day, in UTC.';
COMMENT ON COLUMN license_history.product_id IS 'The product.';
COMMENT ON COLUMN license_history.product_name IS 'Name of the product.';
COMMENT ON COLUMN license_history.purchased IS 'Licenses purchased.';
COMMENT ON COLUMN license_history.assigned IS 'Licenses held by people.';
COMMENT ON COLUMN license_history.remaining IS 'Licenses left to assign.';
COMMENT ON COLUMN license_history.plan_id IS 'The plan.';
