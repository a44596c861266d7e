//! What is read, and in pages of what size.

use serde_json::Value;

use crate::columns::ColumnPlan;
use crate::completeness::Completeness;
use crate::fingerprint::Fingerprints;
use crate::operation::Operation;
use crate::path::FieldPath;
use crate::selection::Selection;

/// How many records to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageSizes {
    /// On the first page.
    pub first: u32,
    /// On every further page.
    pub then: u32,
}

impl Default for PageSizes {
    /// 100 first, so that a look is quick; then 1,000, the size that the API recommends.
    fn default() -> PageSizes {
        PageSizes {
            first: 100,
            then: 1_000,
        }
    }
}

/// What to read. Made by [`PageQuery::new`] and changed by struct update.
#[derive(Clone, Debug)]
pub struct PageQuery {
    pub operation: Operation,
    /// Made by [`Operation::document`].
    pub document: String,
    /// What is taken out of each record. All of it must be in the selection.
    pub columns: Vec<ColumnPlan>,
    /// The value of the operation's filter, where one is used.
    pub filter: Option<Value>,
    pub sizes: PageSizes,
    /// Records to read at most; the first page then asks for no more than that. Whether the answer is whole is not
    /// checked once this many have come.
    pub limit: Option<u64>,
    /// The value that no two records share: a record that comes again is left out. It must be in the selection.
    pub key: Option<FieldPath>,
    /// The schema says that the key is never null.
    pub key_required: bool,
    pub check: Completeness,
    /// Paths that are `true` where a list inside a record was cut, such as `teams.pageInfo.hasNextPage`.
    pub truncated: Vec<FieldPath>,
    /// Pages to read at most.
    pub max_pages: u64,
    /// How keys become fingerprints: queries that share it have equal fingerprints for equal keys.
    pub fingerprints: Fingerprints,
}

impl PageQuery {
    /// A query for these fields of every record, whole or an error.
    pub fn new(operation: Operation, selection: &Selection) -> PageQuery {
        PageQuery {
            document: operation.document(selection, false),
            operation,
            columns: Vec::new(),
            filter: None,
            sizes: PageSizes::default(),
            limit: None,
            key: None,
            key_required: false,
            check: Completeness::Error,
            truncated: Vec::new(),
            max_pages: 100_000,
            fingerprints: Fingerprints::random(),
        }
    }
}
