//! Changes that a fault makes to how an answer is computed: see `faults/grammar.txt`.

use std::sync::Arc;

use super::record::Page;

/// All of them.
#[derive(Default)]
pub(crate) struct Tweaks {
    pub(crate) repeat_rows: usize,
    pub(crate) null_connection: bool,
    pub(crate) pages: Vec<PageTweak>,
}

/// A change of a page before it is written.
pub(crate) type PageTweak = Arc<dyn Fn(&mut Page<'_>) + Send + Sync>;
