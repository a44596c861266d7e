//! Queries over `{users}`, `{admins}`, `{teams}` and the local table `{hr}`, from a seed.

use behaviour::{Session, Stage};
use pluralsight_sandbox::Config;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Values that occur in the data, so that conditions hold for some rows and not for others. All are SQL literals.
pub struct Samples {
    pub emails: Vec<String>,
    pub user_ids: Vec<String>,
    pub notes: Vec<String>,
    pub names: Vec<String>,
    pub team_ids: Vec<String>,
    pub team_names: Vec<String>,
    pub products: Vec<String>,
}

pub struct Generator {
    dice: StdRng,
    samples: Samples,
}

impl Generator {
    pub fn new(seed: u64, samples: Samples) -> Generator {
        Generator {
            dice: StdRng::seed_from_u64(seed),
            samples,
        }
    }

    /// One query. Its rows are comparable as a set; where it limits them, it orders them by a key first.
    pub fn query(&mut self) -> String {
        match self.dice.random_range(0..26) {
            0..=5 => self.plain(),
            6 => self.limited(),
            7 => format!(
                "SELECT count(*) FROM {{users}} u WHERE {}",
                self.condition(2)
            ),
            8 => format!(
                "SELECT count(*), count(note), count(DISTINCT plan_id), min(created_on), max(last_login) FROM {{users}} u WHERE {}",
                self.condition(2)
            ),
            9 => format!(
                "SELECT is_on_account, sso_enabled, count(*) FROM {{users}} u WHERE {} GROUP BY 1, 2 HAVING count(*) > {}",
                self.condition(1),
                self.dice.random_range(0..20)
            ),
            10 => format!(
                "SELECT DISTINCT cardinality(team_ids), is_on_account FROM {{users}} u WHERE {}",
                self.condition(1)
            ),
            11 => format!(
                "SELECT u.email, h.cost FROM {{hr}} h {} {{users}} u ON u.email = h.email WHERE {}",
                self.join(),
                self.joined_condition()
            ),
            12 => format!(
                "SELECT u.user_id, h.cost FROM {{hr}} h {} {{users}} u ON u.user_id = h.user_id AND {}",
                self.join(),
                self.condition(1)
            ),
            13 => format!(
                "SELECT h.email FROM {{hr}} h WHERE {} (SELECT FROM {{users}} u WHERE u.email = h.email AND {})",
                self.one_of(&["EXISTS", "NOT EXISTS"]),
                self.condition(1)
            ),
            14 => format!(
                "SELECT h.email, (SELECT u.user_id FROM {{users}} u WHERE u.user_id = h.user_id) FROM {{hr}} h WHERE h.cost > {}",
                self.dice.random_range(0..90)
            ),
            15 => format!(
                "SELECT h.email, x.user_id, x.note FROM {{hr}} h, LATERAL (SELECT * FROM {{users}} u WHERE u.email = h.email OR {} ORDER BY u.user_id LIMIT {}) x WHERE h.cost < {}",
                self.condition(0),
                self.dice.random_range(1..4),
                self.dice.random_range(5..40)
            ),
            16 => format!(
                "SELECT a.email, b.email FROM {{users}} a JOIN {{users}} b ON a.user_id = b.user_id WHERE a.is_on_account AND {}",
                self.condition(1).replace("u.", "b.")
            ),
            17 => format!(
                "SELECT u.email, a.email FROM {{users}} u {} {{admins}} a ON a.user_id = u.user_id WHERE {}",
                self.join(),
                self.condition(1)
            ),
            18 => format!(
                "SELECT user_id, row_number() OVER (PARTITION BY is_on_account ORDER BY user_id), sum(cardinality(product_ids)) OVER (ORDER BY user_id) FROM {{users}} u WHERE {}",
                self.condition(1)
            ),
            19 => format!(
                "WITH chosen AS {} (SELECT * FROM {{users}} u WHERE {}) SELECT c.email, d.note FROM chosen c JOIN chosen d USING (user_id)",
                self.one_of(&["", "MATERIALIZED", "NOT MATERIALIZED"]),
                self.condition(1)
            ),
            20 => format!(
                "SELECT email FROM {{users}} u WHERE {} {} SELECT email FROM {{users}} u WHERE {}",
                self.condition(1),
                self.one_of(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]),
                self.condition(1)
            ),
            21 => format!("SELECT u FROM {{users}} u WHERE {}", self.condition(1)),
            22 => format!(
                "SELECT row_to_json(u) FROM {{users}} u WHERE {}",
                self.condition(1)
            ),
            23 => format!(
                "SELECT u.user_id, t.name FROM {{users}} u CROSS JOIN LATERAL unnest(u.team_ids) AS member (team_id) JOIN {{teams}} t USING (team_id) WHERE {}",
                self.condition(1)
            ),
            24 => format!(
                "SELECT t.name, t.parent_team_id, p.name FROM {{teams}} t LEFT JOIN {{teams}} p ON p.team_id = t.parent_team_id WHERE {}",
                self.team_condition()
            ),
            _ => format!(
                "SELECT status, billable, is_admin, count(*) FROM {{accounts}} a WHERE {} GROUP BY 1, 2, 3",
                self.account_condition()
            ),
        }
    }

    fn plain(&mut self) -> String {
        let columns = self.columns();
        format!(
            "SELECT {columns} FROM {{users}} u WHERE {}",
            self.condition(2)
        )
    }

    fn limited(&mut self) -> String {
        let (limit, offset) = (self.dice.random_range(0..30), self.dice.random_range(0..20));
        let direction = self.one_of(&["ASC", "DESC"]);
        format!(
            "SELECT user_id, email FROM {{users}} u WHERE {} ORDER BY user_id {direction} LIMIT {limit} OFFSET {offset}",
            self.condition(1)
        )
    }

    fn columns(&mut self) -> String {
        const COLUMNS: [&str; 17] = [
            "user_id",
            "email",
            "additional_emails",
            "first_name",
            "last_name",
            "is_on_account",
            "removed_on",
            "last_login",
            "created_on",
            "note",
            "team_names",
            "team_ids",
            "inherited_team_names",
            "product_ids",
            "sso_enabled",
            "mfa_enabled",
            "lower(email)",
        ];
        let chosen: Vec<&str> = (0..self.dice.random_range(1..5))
            .map(|_| self.one_of(&COLUMNS))
            .collect();
        chosen.join(", ")
    }

    fn join(&mut self) -> &'static str {
        self.one_of(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
    }

    /// A condition on `u`, with up to `depth` levels of AND, OR and NOT.
    fn condition(&mut self, depth: u32) -> String {
        if depth > 0 {
            match self.dice.random_range(0..6) {
                0 | 1 => {
                    return format!(
                        "({} AND {})",
                        self.condition(depth - 1),
                        self.condition(depth - 1)
                    );
                }
                2 => {
                    return format!(
                        "({} OR {})",
                        self.condition(depth - 1),
                        self.condition(depth - 1)
                    );
                }
                3 => return format!("NOT ({})", self.condition(depth - 1)),
                _ => {}
            }
        }
        self.leaf()
    }

    /// After an outer join, conditions on the null side must be harmless in a FULL JOIN's own restrictions.
    fn joined_condition(&mut self) -> String {
        let leaf = self.leaf();
        self.one_of_owned(vec![
            leaf,
            "true".to_owned(),
            "h.cost > 20".to_owned(),
            "u.email IS NULL".to_owned(),
        ])
    }

    fn leaf(&mut self) -> String {
        let email = self.email();
        let id = self.user_id();
        match self.dice.random_range(0..46) {
            0 => format!("u.email = {email}"),
            1 => format!("{email} = u.email"),
            2 => format!("u.email IN ({email}, {}, {})", self.email(), self.email()),
            3 => format!("u.email = ANY (ARRAY[{email}, NULL, {}])", self.email()),
            4 => format!("u.email = {email} OR u.email = {}", self.email()),
            5 => format!("lower(u.email) = lower({email})"),
            6 => format!("u.email = lower({email})"),
            7 => format!("u.email NOT IN ({email}, {})", self.email()),
            8 => format!("u.email <> {email}"),
            9 => format!("u.email IS DISTINCT FROM {email}"),
            10 => format!(
                "u.email LIKE {}",
                self.one_of(&["'a%'", "'%example%'", "'%_@%'", "'%Z%'"])
            ),
            11 => format!("u.email < {email}"),
            12 => format!("u.user_id = {id}"),
            13 => format!(
                "u.user_id IN ({id}, {}, {})",
                self.user_id(),
                self.user_id()
            ),
            14 => format!("u.user_id > {id}"),
            15 => format!(
                "u.user_id = ANY (ARRAY(SELECT user_id FROM {{hr}} WHERE cost < {}))",
                self.dice.random_range(0..60)
            ),
            16 => format!(
                "u.email = ANY (ARRAY(SELECT email FROM {{hr}} WHERE cost < {}))",
                self.dice.random_range(0..60)
            ),
            17 => format!(
                "u.email = (SELECT email FROM {{hr}} ORDER BY email LIMIT 1 OFFSET {})",
                self.dice.random_range(0..50)
            ),
            18 => format!(
                "u.email IN (SELECT email FROM {{hr}} WHERE cost < {})",
                self.dice.random_range(0..60)
            ),
            19 => "u.is_on_account".to_owned(),
            20 => "NOT u.is_on_account".to_owned(),
            21 => format!(
                "u.is_on_account IS {}",
                self.one_of(&[
                    "TRUE",
                    "NOT TRUE",
                    "FALSE",
                    "NOT FALSE",
                    "UNKNOWN",
                    "NOT UNKNOWN",
                    "NULL",
                    "NOT NULL"
                ])
            ),
            22 => format!(
                "u.is_on_account = {}",
                self.one_of(&["true", "false", "NULL"])
            ),
            23 => format!(
                "u.sso_enabled {}",
                self.one_of(&["", "IS NOT TRUE", "IS NULL"])
            ),
            24 => format!(
                "u.mfa_enabled {}",
                self.one_of(&["", "IS NOT TRUE", "IS NULL"])
            ),
            25 => format!(
                "u.last_login {} timestamptz '2026-06-01' - interval '{} days'",
                self.one_of(&["<", ">=", ">"]),
                self.dice.random_range(0..400)
            ),
            26 => format!("u.last_login IS {}", self.one_of(&["NULL", "NOT NULL"])),
            27 => format!(
                "u.created_on BETWEEN timestamptz '2021-01-01' AND timestamptz '2024-01-01' + interval '{} days'",
                self.dice.random_range(0..900)
            ),
            28 => format!("u.removed_on IS {}", self.one_of(&["NULL", "NOT NULL"])),
            29 => format!("u.note = {}", self.note()),
            30 => format!(
                "u.note {} '%{}%'",
                self.one_of(&["LIKE", "ILIKE", "NOT LIKE"]),
                self.one_of(&["1", "a", "-", "\"", "E"])
            ),
            31 => "u.note IS NULL".to_owned(),
            32 => format!("u.first_name = {}", self.name()),
            33 => format!("length(u.last_name) > {}", self.dice.random_range(0..12)),
            34 => format!("{} = ANY (u.team_ids)", self.team_id()),
            35 => format!(
                "u.team_ids && ARRAY[{}, {}]",
                self.team_id(),
                self.team_id()
            ),
            36 => format!("u.team_ids @> ARRAY[{}]", self.team_id()),
            37 => format!("{} = ANY (u.inherited_team_ids)", self.team_id()),
            38 => format!(
                "u.team_names = '{{}}' OR {} = ANY (u.team_names)",
                self.team_name()
            ),
            39 => format!(
                "cardinality(u.team_ids) {} {}",
                self.one_of(&["=", ">", "<="]),
                self.dice.random_range(0..5)
            ),
            40 => format!("{} = ANY (u.product_ids)", self.product()),
            41 => "u.product_ids = '{}'".to_owned(),
            42 => format!("(u.email = {email} AND u.email = {})", self.email()),
            43 => format!(
                "{} ? u.user_id",
                self.one_of(&[
                    "(SELECT jsonb_object_agg(user_id, 1) FROM {admins} WHERE user_id IS NOT NULL)",
                    "(SELECT jsonb_agg(user_id) FROM {admins})",
                    "(SELECT to_jsonb(min(user_id)) FROM {admins})",
                ])
            ),
            44 => format!(
                "{} (jsonb_build_array({email}::text, 7, {}::text) ? u.email)",
                self.one_of(&["", "NOT"]),
                self.email()
            ),
            _ => format!(
                "u.email = {}",
                self.one_of(&["NULL", "''", "'nobody@nowhere'"])
            ),
        }
    }

    fn team_condition(&mut self) -> String {
        let name = self.team_name();
        match self.dice.random_range(0..6) {
            0 => format!("t.name = {name}"),
            1 => format!("t.team_id = {}", self.team_id()),
            2 => format!("t.team_id IN ({}, {})", self.team_id(), self.team_id()),
            3 => format!("t.name LIKE {name} || '%'"),
            4 => "t.parent_team_id IS NULL".to_owned(),
            _ => "t.description IS NULL".to_owned(),
        }
    }

    fn account_condition(&mut self) -> String {
        let email = self.email();
        match self.dice.random_range(0..7) {
            0 => format!("a.email = {email}"),
            1 => format!("a.user_id = {}", self.user_id()),
            2 => "billable AND NOT is_admin".to_owned(),
            3 => "is_admin".to_owned(),
            4 => "status = 'admin without license'".to_owned(),
            5 => "last_sign_in_at IS NULL AND is_active".to_owned(),
            _ => "deleted_at > timestamptz '2025-06-01'".to_owned(),
        }
    }

    fn email(&mut self) -> String {
        self.dice_pick(|samples| &samples.emails)
    }

    fn user_id(&mut self) -> String {
        self.dice_pick(|samples| &samples.user_ids)
    }

    fn note(&mut self) -> String {
        self.dice_pick(|samples| &samples.notes)
    }

    fn name(&mut self) -> String {
        self.dice_pick(|samples| &samples.names)
    }

    fn team_id(&mut self) -> String {
        self.dice_pick(|samples| &samples.team_ids)
    }

    fn team_name(&mut self) -> String {
        self.dice_pick(|samples| &samples.team_names)
    }

    fn product(&mut self) -> String {
        self.dice_pick(|samples| &samples.products)
    }

    fn dice_pick(&mut self, of: impl Fn(&Samples) -> &Vec<String>) -> String {
        let values = of(&self.samples);
        values[self.dice.random_range(0..values.len())].clone()
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.dice.random_range(0..texts.len())]
    }

    fn one_of_owned(&mut self, mut texts: Vec<String>) -> String {
        let index = self.dice.random_range(0..texts.len());
        texts.swap_remove(index)
    }
}

/// A foreign organization, local copies of its tables, the same views over both, and an HR table.
pub fn stage() -> Stage {
    stage_of(Config {
        users: 1_300,
        ..Config::default()
    })
}

/// The same over another API.
pub fn stage_of(config: Config) -> Stage {
    let mut stage = Stage::new(config);
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.create_copies(copies => 'copy')");
    session.run("ANALYZE copy.users, copy.admins, copy.teams, copy.plan");
    session.run(
        "CREATE TABLE hr AS
         SELECT email, user_id, (row_number() OVER (ORDER BY user_id)) % 97 AS cost FROM copy.users WHERE user_id < '28'
         UNION ALL SELECT 'stranger' || n || '@example.org', NULL, n FROM generate_series(1, 20) AS n;
         ANALYZE hr",
    );
    stage
}

pub fn samples(session: &mut Session) -> Samples {
    let mut literals = |expression: &str, from: &str| {
        let values = session.column(&format!("SELECT literal FROM (SELECT DISTINCT quote_literal({expression}) AS literal FROM {from} WHERE {expression} IS NOT NULL) AS distinct_values ORDER BY md5(literal) LIMIT 40"));
        assert!(!values.is_empty(), "{expression} of {from}");
        values
    };
    Samples {
        emails: literals("email", "copy.users"),
        user_ids: literals("user_id", "copy.users"),
        notes: literals("note", "copy.users"),
        names: literals("first_name", "copy.users"),
        team_ids: literals("team_id", "copy.teams"),
        team_names: literals("name", "copy.teams"),
        products: literals(
            "product",
            "(SELECT DISTINCT unnest(product_ids) AS product FROM copy.users) AS all_products",
        ),
    }
}

/// The query over one set of tables.
pub fn over(query: &str, schema: &str) -> String {
    ["users", "admins", "teams", "accounts"]
        .iter()
        .fold(query.replace("{hr}", "hr"), |query, table| {
            query.replace(&format!("{{{table}}}"), &format!("{schema}.{table}"))
        })
}

/// Rows as a set that counts, or the SQLSTATE of the error.
pub fn answer(session: &mut Session, query: &str) -> Result<Vec<String>, String> {
    let rows = session.try_rows(query).map_err(|refusal| refusal.code)?;
    let mut rows: Vec<String> = rows.into_iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    Ok(rows)
}
