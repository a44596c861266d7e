//! The files of `sql/views/`, and what each of them reads.

/// One file of `sql/views/`.
pub struct File {
    /// The view that it makes.
    pub name: &'static str,
    pub text: &'static str,
    /// The relations of the schema that it reads.
    pub reads: &'static [&'static str],
    /// What it shows names nobody, so that it can be granted to those who may not see names.
    pub anonymous: bool,
}

macro_rules! view_file {
    ($name:literal, $file:literal, reads $reads:expr, anonymous $anonymous:literal) => {
        File {
            name: $name,
            text: include_str!(concat!("../../sql/views/", $file, ".sql")),
            reads: &$reads,
            anonymous: $anonymous,
        }
    };
    ($name:literal, reads $reads:expr, anonymous $anonymous:literal) => {
        view_file!($name, $name, reads $reads, anonymous $anonymous)
    };
}

/// Tables that users fill in, each in the file that makes it: what a seat costs, and who works here.
pub const FILLED_IN: [(&str, &str); 2] = [
    ("prices", include_str!("../../sql/views/prices.sql")),
    ("hr_staff", include_str!("../../sql/views/hr_staff.sql")),
];

/// The tables that the views, and with them history, rest on.
pub const BASE_TABLES: [&str; 3] = ["plan", "users", "admins"];

/// The view that only stored copies have.
pub const FRESHNESS: &str = "data_freshness";

/// The secret of `accounts_anonymous`: two sequences.
pub const SALT: [&str; 2] = ["accounts_anonymous_salt_1", "accounts_anonymous_salt_2"];

/// In the order in which they need one another.
pub static FILES: [File; 26] = [
    view_file!("accounts", reads ["users", "admins", "plan"], anonymous false),
    view_file!("current_prices", reads ["prices"], anonymous false),
    view_file!("licenses", reads ["plan", "users", "current_prices"], anonymous true),
    view_file!("product_licenses", reads ["licenses"], anonymous true),
    view_file!("accounts_anonymous", reads ["accounts"], anonymous true),
    view_file!("account_keys", reads ["users", "admins"], anonymous false),
    view_file!("idle_licenses", reads ["accounts", "users"], anonymous false),
    view_file!("seats", reads ["idle_licenses", "current_prices"], anonymous false),
    view_file!("memberships", reads ["users"], anonymous false),
    view_file!("team_tree", reads ["teams", "users"], anonymous false),
    view_file!("team_utilization", reads ["users"], anonymous false),
    view_file!("admins_without_use", reads ["accounts", "users"], anonymous false),
    view_file!("duplicate_people", reads ["users"], anonymous false),
    view_file!("seats_derived", reads ["users", "product_licenses"], anonymous true),
    view_file!("seats_recorded", reads ["license_history"], anonymous true),
    view_file!("seats_by_month", reads ["seats_derived", "seats_recorded", "product_licenses"], anonymous true),
    view_file!("license_forecast", reads ["product_licenses", "seats_by_month"], anonymous true),
    view_file!("seat_costs", reads ["seats", "account_keys", "hr_staff"], anonymous false),
    view_file!("report_known", reads ["users", "hr_staff"], anonymous true),
    view_file!("report_summary", reads ["licenses", "seat_costs", "report_known"], anonymous true),
    view_file!("report_products", reads ["product_licenses", "seat_costs", "report_known"], anonymous true),
    view_file!("report_reasons", reads ["seat_costs"], anonymous true),
    view_file!("report_cost_centers", reads ["seat_costs"], anonymous false),
    view_file!("report_people", reads ["seat_costs"], anonymous false),
    view_file!("report_managers", reads ["report_people"], anonymous false),
    view_file!("data_freshness", reads ["settings", "refresh_log"], anonymous true),
];

/// Stands for `seats_recorded` where there is no history.
pub static WITHOUT_HISTORY: File =
    view_file!("seats_recorded", "seats_recorded_live", reads ["product_licenses"], anonymous true);

impl File {
    /// The file of that view.
    pub fn of(name: &str) -> Option<&'static File> {
        FILES.iter().find(|file| file.name == name)
    }

    /// The view's query.
    pub fn query(&self) -> &'static str {
        let statement = &self.text[self.start()..];
        let query = statement.split_once(" AS\n").map_or("", |(_, query)| query);
        query.split_once(";\n").map_or(query, |(query, _)| query)
    }

    /// Where the statement begins that makes the view.
    fn start(&self) -> usize {
        self.text
            .find(&format!("CREATE OR REPLACE VIEW {} ", self.name))
            .unwrap_or(0)
    }

    /// The statement that makes the view, for a view of another name.
    pub fn statement_for(&self, name: &str) -> String {
        let statement = &self.text[self.start()..];
        let statement = statement
            .find("\n\nCOMMENT ON VIEW ")
            .map_or(statement, |end| &statement[..end]);
        statement.replacen(
            &format!("CREATE OR REPLACE VIEW {} ", self.name),
            &format!("CREATE VIEW {name} "),
            1,
        )
    }
}
