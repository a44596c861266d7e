//! A stand-in for Supabase Vault: an extension of its name, with the schema and the view that it has.

use std::path::PathBuf;

use crate::Session;

const CONTROL: &str = "comment = 'A stand-in for Supabase Vault'\ndefault_version = '1'\nschema = vault\nrelocatable = false\n";
const SCRIPT: &str = "CREATE TABLE vault.stand_in (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, secret text);
CREATE VIEW vault.decrypted_secrets AS SELECT id, name, secret AS decrypted_secret FROM vault.stand_in;
";

/// Makes the extension available to the servers of the tests, whose files are their own.
pub fn offer() {
    let folder = PathBuf::from(
        Session::connect(&crate::cluster::shared())
            .value("SELECT setting FROM pg_config WHERE name = 'SHAREDIR'"),
    )
    .join("extension");
    for (name, text) in [
        ("supabase_vault--1.sql", SCRIPT),
        ("supabase_vault.control", CONTROL),
    ] {
        // Whole at once: other tests may do the same at the same time.
        let fresh = folder.join(format!("{name}.{}", std::process::id()));
        std::fs::write(&fresh, text).expect("the folder is ours");
        std::fs::rename(&fresh, folder.join(name)).expect("the folder is ours");
    }
}

/// Installs it in the session's database; it holds nothing yet.
pub fn install(session: &mut Session) {
    offer();
    session.run("CREATE EXTENSION supabase_vault");
}
