//! Running a scan: pages in, tuples out.

mod absent;
mod answer;
mod append;
mod arena;
mod buffer;
mod census;
mod count;
mod decode;
mod domain;
mod drift;
mod fetch;
mod filter;
mod generated;
mod handed;
mod instant;
mod json;
mod places;
mod proof;
mod refusal;
mod rescans;
mod scan;
mod session;
mod slot;
mod statement;
mod steady;
mod template;
mod trial;
mod trust;
mod verify;

pub use append::{
    foreign_async_configure_wait, foreign_async_notify, foreign_async_request,
    is_foreign_path_async_capable,
};
pub use arena::{Lifetime, Memory};
pub use decode::{ColumnReader, readers};
pub use drift::drifted_scans;
pub use fetch::{Fetch, incomplete_scans};
pub use filter::Asked;
pub use generated::{Generated, expression as generation_expression};
pub use places::Places;
pub use scan::{
    Scan, begin_foreign_scan, end_foreign_scan, iterate_foreign_scan, rescan_foreign_scan,
    with_scan,
};
pub use session::Session;
pub use template::Reading;
pub use trust::{distrusted, distrusted_filters};
