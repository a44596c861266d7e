-- What a seat costs. It starts empty; whoever knows the contract fills it in:
--   INSERT INTO prices (product_id, price, currency) VALUES ('...', 399, 'EUR');
-- A new price is a new row with a later valid_from, so that old months keep their old price.
CREATE TABLE prices (
    product_id text NOT NULL,
    price numeric(12, 2) NOT NULL,
    currency text NOT NULL,
    valid_from date NOT NULL DEFAULT '2000-01-01',
    PRIMARY KEY (product_id, valid_from),
    CONSTRAINT prices_price_is_not_negative CHECK (price OPERATOR(pg_catalog.>=) 0),
    CONSTRAINT prices_price_is_a_number CHECK (price OPERATOR(pg_catalog.<>) 'NaN'::numeric),
    CONSTRAINT prices_currency_has_three_letters CHECK (currency OPERATOR(pg_catalog.~) '^[A-Z]{3}$')
);

COMMENT ON TABLE prices IS 'Price of one seat of a product for one year. Empty by default; without it, the money columns of the views are null.';
COMMENT ON COLUMN prices.product_id IS 'The product, as in licenses.product_id.';
COMMENT ON COLUMN prices.price IS 'Price of one seat for one year.';
COMMENT ON COLUMN prices.currency IS 'Currency code of three letters, such as EUR.';
COMMENT ON COLUMN prices.valid_from IS 'First day on which this price counts. The latest one up to today is used.';
