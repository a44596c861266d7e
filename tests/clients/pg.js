// node-postgres: types, arrays, parameters, a prepared statement used twice. Prints the number of accounts.
const { Client } = require(process.env.CLIENTS + '/node_modules/pg');
const assert = require('assert');

(async () => {
    const client = new Client({ host: process.env.PGHOST, port: process.env.PGPORT, user: 'analyst', database: process.env.PGDATABASE });
    await client.connect();
    const all = await client.query('SELECT user_id, product_ids, licensed_at, is_admin FROM pluralsight_copy.accounts');
    const holder = all.rows.find((row) => (row.product_ids || []).length > 0);
    assert(Array.isArray(holder.product_ids) && typeof holder.is_admin === 'boolean');
    assert(all.rows.some((row) => row.licensed_at instanceof Date));
    for (let round = 0; round < 2; round++) {
        const one = await client.query({ name: 'one', text: 'SELECT count(*)::int AS seats FROM pluralsight_copy.seats WHERE user_id = $1', values: [holder.user_id] });
        assert.strictEqual(one.rows[0].seats, holder.product_ids.length);
    }
    console.log(all.rows.length);
    await client.end();
})().catch((error) => { console.error(error); process.exit(1); });
