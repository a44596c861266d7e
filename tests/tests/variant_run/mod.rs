//! One variant of the API, walked through from set-up to a refreshed copy.

pub mod truth;
mod untold;

use std::collections::{BTreeMap, BTreeSet};

use behaviour::{Refusal, Session};
use pluralsight_sandbox::{Introspection, Sandbox, User, Variant};
use serde_json::Value;

use truth::{COLUMNS, Rows};

/// A variant that is walked through.
pub struct Run<'a> {
    pub variant: &'a Variant,
    pub sandbox: &'a Sandbox,
    pub session: &'a mut Session,
    /// Of the tables; that of the copies ends in `_copy`.
    pub schema: String,
    pub server: String,
    /// Statements of HINTs that were executed.
    pub mended: Vec<String>,
}

/// More HINTs than any variant has mistakes.
const MOST_HINTS: usize = 14;

type Step<T> = Result<T, Trouble>;

/// Why a walk does not end in right rows.
#[derive(Debug)]
pub enum Trouble {
    /// An error without a HINT that mends it.
    Stuck(String),
    /// An answer that is not right, and no error.
    Wrong(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Stuck(what) => write!(f, "stuck: {what}"),
            Trouble::Wrong(what) => write!(f, "wrong: {what}"),
        }
    }
}

impl Run<'_> {
    /// Everything that users do, each step with right rows at the end.
    pub fn walk(&mut self) -> Step<()> {
        let (schema, server) = (self.schema.clone(), self.server.clone());
        self.call(&format!("set_up('{server}', '{schema}')"))?;
        self.counts_at_once()?;
        for (table, _) in COLUMNS {
            self.table(&schema, table)?;
        }
        self.keys()?;
        self.views()?;
        self.copies()
    }

    /// The rows of a statement, with what HINTs say done where it fails.
    fn run(&mut self, sql: &str) -> Step<Vec<Vec<Option<String>>>> {
        let mut tried = BTreeSet::new();
        loop {
            let refusal = match self.session.try_rows(sql) {
                Ok(rows) => return Ok(rows),
                Err(refusal) => refusal,
            };
            let hint = refusal.hint.as_deref().and_then(statement);
            let stuck = |why: &str| {
                let begin: String = sql.chars().take(160).collect();
                Err(Trouble::Stuck(format!(
                    "{why}\n    {begin}\n    {}",
                    shown(&refusal)
                )))
            };
            let Some(hint) = hint else {
                return stuck("no statement in the HINT");
            };
            if !tried.insert(hint.clone()) {
                return stuck("the HINT was followed and comes again");
            }
            if self.mended.len() >= MOST_HINTS {
                return stuck("no end of HINTs");
            }
            if let Err(other) = self.session.try_rows(&hint) {
                return stuck(&format!(
                    "the HINT's statement fails: {hint}: {}",
                    shown(&other)
                ));
            }
            self.mended.push(hint);
        }
    }

    /// A procedure. Its look-ups in the catalogs are planned anew each time: the order of joins as it is written will do.
    fn call(&mut self, call: &str) -> Step<()> {
        self.session
            .run("SET join_collapse_limit = 1; SET from_collapse_limit = 1");
        let outcome = self.run(&format!("CALL pluralsight_fdw.{call}"));
        self.session
            .run("RESET join_collapse_limit; RESET from_collapse_limit");
        outcome.map(drop)
    }

    fn value(&mut self, sql: &str) -> Step<String> {
        let rows = self.run(sql)?;
        let mut values = rows.into_iter().flatten();
        Ok(values.next().flatten().unwrap_or_default())
    }

    fn json(&mut self, sql: &str) -> Step<Rows> {
        let rows = self.run(&format!("SELECT to_jsonb(r) FROM ({sql}) AS r"))?;
        let texts = rows.into_iter().flatten().flatten();
        Ok(texts
            .map(|text| serde_json::from_str::<BTreeMap<String, Value>>(&text).expect("JSON"))
            .collect())
    }

    /// Why nobody can learn what the column holds, if that is so: `users.note`.
    fn untold(&self, column: &str) -> Option<&'static str> {
        untold::why(self.variant, self.sandbox.config().introspection, column)
    }

    /// A table read whole, and counted.
    fn table(&mut self, schema: &str, table: &str) -> Step<()> {
        let found = self.json(&format!("SELECT * FROM {schema}.{table}"))?;
        let count = self.run(&format!("SELECT count(*) FROM {schema}.{table}"))?;
        agree(table, found.len(), &count)?;
        let mut expected = truth::rows(self.sandbox, table);
        if !self.sandbox.serves(truth::query(table)) {
            let knows = found
                .iter()
                .flatten()
                .any(|(_, value)| !value.is_null() && *value != Value::Array(Vec::new()));
            return match knows || found.len() > 1 {
                true => wrong(format!(
                    "{schema}.{table} holds what nobody told: {found:?}"
                )),
                false => Ok(()),
            };
        }
        if schema.ends_with("_copy") && table == "users" {
            // Without a key nobody can be told from the next.
            expected.retain(|row| !row["user_id"].is_null());
        }
        let columns = COLUMNS
            .iter()
            .find(|(name, _)| *name == table)
            .map_or(&[][..], |(_, columns)| columns);
        if found.len() != expected.len() {
            return wrong(format!(
                "{schema}.{table} has {} rows, {} are right",
                found.len(),
                expected.len()
            ));
        }
        // By key, or by address where there is none; the order of rows is nobody's promise.
        let key = |row: &BTreeMap<String, Value>| {
            let parts = [
                "user_id",
                "team_id",
                "permission_set_id",
                "plan_id",
                "email",
            ]
            .map(|name| row.get(name).map(Value::to_string));
            format!("{parts:?}")
        };
        let sorted = |rows: Rows| {
            let mut rows: Vec<(String, BTreeMap<String, Value>)> =
                rows.into_iter().map(|row| (key(&row), row)).collect();
            rows.sort_by(|one, other| one.0.cmp(&other.0));
            rows
        };
        let (mut found, mut expected) = (sorted(found), sorted(expected));
        if table == "plan" {
            // One row, whose key may be unknown.
            found
                .iter_mut()
                .chain(&mut expected)
                .for_each(|row| row.0.clear());
        }
        for column in columns {
            let nothing = found
                .iter()
                .all(|(_, row)| row.get(*column).is_none_or(Value::is_null));
            match (self.untold(&format!("{table}.{column}")), nothing) {
                (Some(_), true) => continue,
                (Some(why), false) => {
                    return wrong(format!("{schema}.{table}.{column} is told, although {why}"));
                }
                (None, _) => {}
            }
            let gave_up = |hint: &String| hint.contains("absent") && hint.contains(column);
            if nothing && self.mended.iter().any(gave_up) {
                return Err(Trouble::Stuck(format!("a HINT gave {table}.{column} up")));
            }
            for ((_, row), (_, right)) in found.iter().zip(&expected) {
                let (is, should) = (row.get(*column).unwrap_or(&Value::Null), &right[*column]);
                if !same(is, should) && !self.is_all_that_is_told(column, is, right) {
                    return wrong(format!(
                        "{schema}.{table}.{column} is {is}, {should} is right"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Where memberships are told without saying which are direct, names and ids are those of all.
    fn is_all_that_is_told(
        &self,
        column: &str,
        is: &Value,
        right: &BTreeMap<String, Value>,
    ) -> bool {
        let edits = self.variant.schema;
        let unmarked =
            edits.contains(&"-TeamUserConnection.edges") || edits.contains(&"User.teams: [Team]");
        let inherited = format!("inherited_{column}");
        let (Some(direct), Some(inherited)) = (right.get(column), right.get(&inherited)) else {
            return false;
        };
        let all: Vec<&Value> = direct
            .as_array()
            .into_iter()
            .chain(inherited.as_array())
            .flatten()
            .collect();
        unmarked && is.as_array().is_some_and(|is| is.iter().eq(all))
    }

    fn people(&self) -> Vec<User> {
        self.sandbox.organization().users().collect()
    }

    /// Look-ups by key and by other conditions that the API may be asked to judge.
    fn keys(&mut self) -> Step<()> {
        let schema = self.schema.clone();
        let people = self.people();
        let literal = |text: &str| format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
        let known: Vec<&User> = people
            .iter()
            .filter(|user| !user.ps_user_id.is_empty())
            .collect();
        let ids = |users: &[&User]| {
            users
                .iter()
                .map(|user| literal(&user.ps_user_id))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let many: Vec<&User> = known.iter().copied().take(120).collect();
        let with_address = people
            .iter()
            .find(|user| user.email.is_some())
            .expect("somebody");
        let address = with_address.email.clone().unwrap_or_default();
        let active = |wanted: bool| {
            people
                .iter()
                .filter(|user| user.is_on_account == wanted)
                .count()
        };
        let team = self.sandbox.organization().teams()[1].clone();
        let members =
            |direct: &dyn Fn(&User) -> bool| people.iter().filter(|user| direct(user)).count();
        let in_team = members(&|user| user.direct_team_ids().contains(&team.id));
        let mut conditions = vec![
            ("users", format!("user_id = {}", ids(&known[3..4])), 1),
            ("users", format!("user_id IN ({})", ids(&known[5..8])), 3),
            (
                "users",
                format!("user_id = ANY (ARRAY[{}])", ids(&many)),
                many.len(),
            ),
            ("users", "user_id = 'nobody'".to_owned(), 0),
            ("users", format!("email = {}", literal(&address)), 1),
            ("users", format!("email = {}", literal(&address[..3])), 0),
            (
                "users",
                format!(
                    "user_id = {} AND email = {}",
                    ids(&known[3..4]),
                    literal("x@y.example")
                ),
                0,
            ),
            ("teams", format!("team_id = {}", literal(&team.id)), 1),
            ("teams", format!("name = {}", literal(&team.name)), 1),
            ("teams", format!("name = {}", literal(&team.name[..3])), 0),
        ];
        let has = |column: &str| self.untold(column).is_none();
        if has("users.is_on_account") {
            conditions.push((
                "users",
                format!("email = {} AND is_on_account", literal(&address)),
                usize::from(with_address.is_on_account),
            ));
            conditions.push(("users", "is_on_account".to_owned(), active(true)));
            conditions.push(("users", "NOT is_on_account".to_owned(), active(false)));
        }
        if has("users.team_ids") {
            conditions.push((
                "users",
                format!("{} = ANY (team_ids)", literal(&team.id)),
                in_team,
            ));
            let two = &self.sandbox.organization().teams()[2].id;
            let either = members(&|user| {
                let ids = user.direct_team_ids();
                ids.contains(&team.id) || ids.contains(two)
            });
            conditions.push((
                "users",
                format!("team_ids && ARRAY[{}, {}]", literal(&team.id), literal(two)),
                either,
            ));
        }
        for (table, condition, right) in conditions {
            if !self.sandbox.serves(truth::query(table)) {
                continue;
            }
            let rows = self
                .run(&format!("SELECT * FROM {schema}.{table} WHERE {condition}"))?
                .len();
            let count = self.value(&format!(
                "SELECT count(*) FROM {schema}.{table} WHERE {condition}"
            ))?;
            if (rows, count.as_str()) != (right, right.to_string().as_str()) {
                let condition: String = condition.chars().take(120).collect();
                return wrong(format!(
                    "{table} WHERE {condition}: {rows} rows, count {count}, {right} is right"
                ));
            }
        }
        Ok(())
    }

    /// `count(*)` and the rows agree, or one of them is an error, before any HINT was followed.
    fn counts_at_once(&mut self) -> Step<()> {
        for (table, _) in COLUMNS {
            let from = format!("{}.{table}", self.schema);
            let count = self
                .session
                .try_rows(&format!("SELECT count(*) FROM {from}"));
            let rows = self.session.try_rows(&format!("SELECT * FROM {from}"));
            if let (Ok(count), Ok(rows)) = (count, rows) {
                agree(table, rows.len(), &count)?;
            }
        }
        Ok(())
    }

    /// Every view answers, and those that say who is what say it rightly.
    fn views(&mut self) -> Step<()> {
        let schema = self.schema.clone();
        let views = format!(
            "SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'v' ORDER BY 1"
        );
        let views: Vec<String> = self.run(&views)?.into_iter().flatten().flatten().collect();
        if views.len() < 6 {
            return wrong(format!("only the views {views:?}"));
        }
        for view in &views {
            self.run(&format!("SELECT * FROM {schema}.{view}"))?;
        }
        let admins = self.sandbox.organization().admins();
        let people = self.people();
        let knows_admins = self.sandbox.serves("planAdmins");
        let is_user = |id: &str| people.iter().any(|user| user.ps_user_id == id);
        let strangers = admins
            .iter()
            .filter(|admin| !is_user(&admin.ps_user_id))
            .count();
        let right = people.len() + if knows_admins { strangers } else { 0 };
        let accounts = self.value(&format!("SELECT count(*) FROM {schema}.accounts"))?;
        if accounts != right.to_string() {
            return wrong(format!("accounts has {accounts} rows, {right} are right"));
        }
        let billable = people
            .iter()
            .filter(|user| {
                user.product_ids
                    .as_ref()
                    .is_some_and(|held| !held.is_empty())
            })
            .count();
        let told = self.value(&format!(
            "SELECT count(*) FILTER (WHERE billable) FROM {schema}.accounts"
        ))?;
        let unknown = self.untold("users.product_ids").is_some() && told == "0";
        if told != billable.to_string() && !unknown {
            return wrong(format!("{told} are billable, {billable} is right"));
        }
        let is_admin = self.value(&format!(
            "SELECT count(*) FILTER (WHERE is_admin) FROM {schema}.accounts"
        ))?;
        let right = if knows_admins { admins.len() } else { 0 };
        if is_admin != right.to_string() {
            return wrong(format!("{is_admin} are admins, {right} are right"));
        }
        if self.untold("users.last_login").is_some() {
            let idle = self.value(&format!(
                "SELECT count(*) FROM {schema}.idle_licenses WHERE never_signed_in"
            ));
            if idle.as_ref().is_ok_and(|idle| idle != "0") {
                return wrong(format!("{idle:?} never signed in, which nobody told"));
            }
        }
        Ok(())
    }

    /// Copies hold what the API has, also after it changed.
    fn copies(&mut self) -> Step<()> {
        let (schema, copy) = (self.schema.clone(), format!("{}_copy", self.schema));
        self.call(&format!("create_copies('{schema}')"))?;
        for (table, _) in COLUMNS {
            self.table(&copy, table)?;
        }
        let organization = self.sandbox.organization();
        let somebody = organization.user(20).ps_user_id;
        organization.forget_user(&somebody);
        organization.add_users(2, pluralsight_sandbox::Place::End);
        let faults: Vec<&str> = self
            .variant
            .faults
            .iter()
            .copied()
            .filter(|rule| rule.starts_with("users@"))
            .collect();
        self.sandbox.faults().clear();
        for rule in self.variant.faults {
            self.sandbox.faults().script(rule).expect(rule);
        }
        // Somebody may have vanished while the first set was read, and be told of in a second reading only.
        self.call(&format!("refresh('{copy}')"))?;
        if !faults.is_empty() {
            self.call(&format!("refresh('{copy}')"))?;
        }
        for (table, _) in COLUMNS {
            self.table(&copy, table)?;
        }
        Ok(())
    }
}

fn agree(table: &str, rows: usize, count: &[Vec<Option<String>>]) -> Step<()> {
    let count = count.iter().flatten().flatten().next();
    match count.is_some_and(|count| *count == rows.to_string()) {
        true => Ok(()),
        false => wrong(format!(
            "{table} has {rows} rows, and count(*) says {count:?}"
        )),
    }
}

fn wrong<T>(what: String) -> Step<T> {
    Err(Trouble::Wrong(what))
}

/// Equal, a date in whatever form.
fn same(is: &Value, should: &Value) -> bool {
    let date = |value: &Value| {
        value
            .as_str()
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
    };
    is == should || (date(is).is_some() && date(is) == date(should))
}

fn shown(refusal: &Refusal) -> String {
    let hint = refusal.hint.as_deref().unwrap_or("none");
    format!("{} {} HINT: {hint}", refusal.code, refusal.message)
}

/// The statement in a HINT: from its first word in capitals to the semicolon, or to the end.
pub fn statement(hint: &str) -> Option<String> {
    let begin = [
        "ALTER ", "CALL ", "CREATE ", "SELECT ", "SET ", "GRANT ", "DROP ",
    ]
    .iter()
    .filter_map(|word| hint.find(word))
    .min()?;
    let text = &hint[begin..];
    // A semicolon within quotes is no end.
    let mut quoted = false;
    for (place, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            ';' if !quoted => return Some(text[..place].to_owned()),
            _ => {}
        }
    }
    Some(text.trim_end_matches('.').to_owned())
}

/// In the order of the columns of the table in the documentation.
pub const TELLING: [(&str, Introspection); 3] = [
    ("told", Introspection::WithKey),
    ("partly told", Introspection::Partly),
    ("refused", Introspection::Off),
];
