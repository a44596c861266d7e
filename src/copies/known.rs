//! What a set of copies that is there knows of itself.

use super::set::Set;
use super::source::Source;
use crate::error::Result;
use crate::namespace;
use crate::sql;

/// What a set that is there says of itself.
#[derive(Default)]
pub struct Known {
    pub tables: Vec<String>,
    pub source: Option<Source>,
    /// The name that the set remembers of it.
    pub remembered: String,
    /// The set has lost its rows, as after a dump without data was restored: its tables are there.
    pub is_bare: bool,
}

impl Known {
    pub fn of(set: &Set) -> Result<Known> {
        let rows = set.work(|| {
            sql::value::<i64>(
                include_str!("../../sql/copies/lookup/settings_rows.sql"),
                &[],
            )
        })?;
        if rows == Some(0) {
            return Ok(Known {
                is_bare: true,
                ..Known::default()
            });
        }
        let (remembered, source) = Source::remembered(set)?;
        Ok(Known {
            tables: set.tables()?,
            source,
            remembered,
            is_bare: false,
        })
    }

    /// Whether that name means the source that the set follows: its name of now, or the one from before it was renamed, as long
    /// as no other schema has that.
    pub fn is_of(&self, name: &str, followed: &Source) -> bool {
        name == followed.name || (name == self.remembered && namespace::find(name).is_none())
    }
}
