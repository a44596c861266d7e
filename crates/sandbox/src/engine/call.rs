//! What the root fields of one request share.

use crate::{config::Config, organization::Snapshot, schema::Served};

use super::tweaks::Tweaks;

/// What the root fields of one request share.
pub(super) struct Call<'a> {
    pub(super) config: &'a Config,
    pub(super) served: &'a Served,
    pub(super) snapshot: Snapshot,
    pub(super) tweaks: &'a Tweaks,
    pub(super) warnings: Vec<(&'static str, String)>,
}

impl Call<'_> {
    pub(super) fn warn(&mut self, code: &'static str, message: String) {
        let warning = (code, message);
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}
