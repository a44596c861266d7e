//! What became of a view.

/// What became of one view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Made,
    /// It is as it was.
    Unchanged,
    /// It was ours in an older version, or the user's and not wanted any longer.
    Renewed,
    /// The user has changed it, and it stays.
    Kept,
    /// Its tables are not there.
    Skipped,
    /// It cannot be made over what its owner has made of a view or a table that it reads; why.
    Misfit(String),
}
