//! Makes a copy equal to what was read. Only rows that differ are written.

use pluralsight_catalog::CopiedTable;

use super::log::TableReport;
use crate::error::Result;
use crate::sql;

pub fn write(table: &CopiedTable, told: &mut TableReport) -> Result<()> {
    told.removed = sql::run(&table.delete_gone(), &[])?;
    if let Some(update) = table.update_changed() {
        told.changed = sql::run(&update, &[])?;
    }
    told.added = sql::run(&table.insert_new(), &[])?;
    if table.key.is_none() {
        told.changed = told.added.min(told.removed);
        told.added -= told.changed;
        told.removed -= told.changed;
    }
    sql::run(&table.unstage(), &[]).map(|_| ())
}
