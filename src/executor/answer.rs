//! One reading of the API, and what is kept of it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use pluralsight_api::{Batch, ColumnPlan, Stats};

use super::buffer::Buffer;
use super::fetch::Fetch;
use crate::error::Result;
use crate::options::TableOptions;

/// One reading of the API, and what is kept of it.
pub struct Answer {
    pub fetch: RefCell<Fetch>,
    /// What its records hold.
    pub columns: Vec<ColumnPlan>,
    /// `None` where the records go straight to the one reader.
    pub buffer: Option<RefCell<Buffer>>,
    /// Records may be handed out: nothing has to be read first to know that they will stand.
    pub is_steady: Cell<bool>,
    /// The counters of a reading that was begun before its turn, for the first scan that takes it.
    pub begun: Cell<Option<Arc<Stats>>>,
}

impl Answer {
    /// Adds records to the buffer, if there is one.
    pub fn keep(&self, records: &Batch) {
        if let Some(buffer) = &self.buffer {
            buffer.borrow_mut().push(records);
        }
    }

    /// Forgets what was read.
    pub fn restart(&self, options: &TableOptions) -> Result<()> {
        if let Some(buffer) = &self.buffer {
            buffer.borrow_mut().end();
        }
        self.fetch.borrow_mut().restart(options)
    }
}
