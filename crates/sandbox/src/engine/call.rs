//! What the root fields of one request share.

use crate::{config::Config, organization::Snapshot, schema::Served};

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

/// Changes that a fault makes to how an answer is computed: see [`crate::Action`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tweaks {
    pub(crate) repeat_rows: u64,
    pub(crate) drop_rows: usize,
    pub(crate) repeat_cursor: bool,
    pub(crate) no_cursor: bool,
    pub(crate) empty_page: bool,
    pub(crate) last_page: bool,
    pub(crate) null_connection: bool,
    pub(crate) null_node: Option<usize>,
    pub(crate) total: Option<i64>,
}
