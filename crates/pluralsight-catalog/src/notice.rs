//! What `set_up` says while it makes tables.

/// Something that a person should know about an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(pub String);
