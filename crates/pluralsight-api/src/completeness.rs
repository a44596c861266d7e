//! Whether an answer is whole. What cannot be shown to be whole is an error, or a finding where the caller prefers that.

use std::fmt;

use crate::path::FieldPath;
use crate::text::counted;

/// What an answer that is not whole leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// [`crate::Error::Incomplete`].
    #[default]
    Error,
    /// A [`Finding`]; reading goes on where it can, and ends where it cannot.
    Warn,
}

/// Something that an answer lacks, found while [`Completeness::Warn`] was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The root field.
    pub operation: String,
    /// The page, from 1.
    pub page: u32,
    pub gap: Gap,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "reading {}, page {}: {}",
            self.operation, self.page, self.gap
        )
    }
}

/// What is missing from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// The page leads back to one that was read.
    RepeatedCursor,
    /// There are more pages, but nothing that leads to them.
    MissingCursor,
    /// The cursor has more bytes than any real one.
    LongCursor(usize),
    /// There are more pages, but this one is empty.
    EmptyPage,
    /// The root field is null.
    NullConnection,
    /// The list of records is null.
    NullNodes,
    /// Records are null.
    NullRecords { first: usize, number: usize },
    /// A field that the schema says is never null is null.
    NullKeys {
        path: FieldPath,
        first: usize,
        number: usize,
    },
    /// The page holds more records than its own total says there are.
    TotalBelowPage { total: u64, got: usize },
    /// The number of records is not one that the API named while they were read.
    Total { least: u64, most: u64, got: u64 },
    /// A list inside records was cut.
    CutList {
        path: FieldPath,
        first: usize,
        number: usize,
    },
    /// The page is as long as it was asked to be, and nothing says whether more records follow.
    FullPage(u32),
    /// There are more pages than one scan may read.
    TooManyPages(u64),
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::RepeatedCursor => f.write_str("its cursor (pageInfo.endCursor) is that of an earlier page: a new one was expected"),
            Gap::MissingCursor => f.write_str("hasNextPage is true, but there is no cursor (pageInfo.endCursor) to go on from"),
            Gap::LongCursor(bytes) => write!(f, "its cursor (pageInfo.endCursor) has {bytes} bytes: at most {LONGEST_CURSOR} were expected"),
            Gap::EmptyPage => f.write_str("hasNextPage is true, but the page is empty: records were expected"),
            Gap::NullConnection => f.write_str("the answer is null: records were expected"),
            Gap::NullNodes => f.write_str("nodes is null: a list of records was expected"),
            Gap::NullRecords { first, number } => write!(f, "{} null, the first of them nodes[{first}]: every record was expected to be there", are(*number, "record")),
            Gap::NullKeys { path, first, number } => {
                write!(f, "{path} is null in {}, the first of them nodes[{first}]: the schema says that it never is", counted(*number as u64, "record"))
            }
            Gap::TotalBelowPage { total, got } => write!(f, "totalCount is {total}, but this page alone holds {}: a total that counts them was expected", counted(*got as u64, "record")),
            Gap::Total { least, most, got } if least == most => write!(f, "expected {} (totalCount), got {got}", counted(*most, "record")),
            Gap::Total { least, most, got } => write!(f, "expected {least} to {} (totalCount changed while they were read), got {got}", counted(*most, "record")),
            Gap::CutList { path, first, number } => {
                write!(f, "{path} is true in {}, the first of them nodes[{first}]: the whole list was expected", counted(*number as u64, "record"))
            }
            Gap::FullPage(asked) => write!(f, "it holds as many records as were asked for ({asked}), and the API does not say whether more follow"),
            Gap::TooManyPages(most) => write!(f, "there are more than {most} pages"),
        }
    }
}

/// The longest cursor that is followed, in bytes.
pub(crate) const LONGEST_CURSOR: usize = 4096;

fn are(number: usize, noun: &str) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(number as u64, noun))
}

impl Gap {
    /// Whether the API named a total that is too low, which a record that was missed does not explain.
    pub fn is_of_the_total(&self) -> bool {
        match self {
            Gap::TotalBelowPage { .. } => true,
            Gap::Total { most, got, .. } => got > most,
            _ => false,
        }
    }

    /// Where a list inside records says that it was cut, if that is the gap.
    pub fn cut_list(&self) -> Option<&FieldPath> {
        match self {
            Gap::CutList { path, .. } => Some(path),
            _ => None,
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Gap::Total { .. } | Gap::TotalBelowPage { .. } => {
                "Run the query again: the data may have changed while it was read. on_incomplete = 'warning' returns what came."
            }
            Gap::CutList { .. } => {
                "The API hands out only the start of that list. on_incomplete = 'warning' returns what came."
            }
            Gap::TooManyPages(_) => "Ask for larger pages (page_size), or for fewer records.",
            _ => {
                "This is a defect of the API or of something in between. on_incomplete = 'warning' returns what came."
            }
        }
    }
}

/// The totals that the API named, page after page, against the records that came.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    range: Option<(u64, u64)>,
}

impl Totals {
    /// Notes the `totalCount` of one page.
    pub fn note(&mut self, total: u64) {
        self.range = Some(match self.range {
            None => (total, total),
            Some((least, most)) => (least.min(total), most.max(total)),
        });
    }

    /// Whether two different totals were named.
    pub fn moved(&self) -> bool {
        self.range.is_some_and(|(least, most)| least != most)
    }

    /// Whether no other total than this one was named so far.
    pub fn are_all(&self, total: u64) -> bool {
        self.range
            .is_none_or(|(least, most)| least == total && most == total)
    }

    /// The gap between what came and every total that was named; none where none was named. A total that changed while
    /// the pages were read is accepted anywhere between its bounds.
    pub fn check(&self, got: u64) -> Option<Gap> {
        let (least, most) = self.range?;
        (!(least..=most).contains(&got)).then_some(Gap::Total { least, most, got })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_records_as_any_total_between_first_and_last_are_enough() {
        let mut totals = Totals::default();
        assert_eq!(totals.check(7), None);
        totals.note(2_345);
        assert!(!totals.moved());
        assert_eq!(totals.check(2_345), None);
        assert_eq!(
            totals.check(2_344),
            Some(Gap::Total {
                least: 2_345,
                most: 2_345,
                got: 2_344
            })
        );
        totals.note(2_350);
        totals.note(2_347);
        assert!(totals.moved());
        for (got, whole) in [
            (2_344, false),
            (2_345, true),
            (2_348, true),
            (2_350, true),
            (2_351, false),
        ] {
            assert_eq!(totals.check(got).is_none(), whole, "{got}");
        }
    }

    #[test]
    fn a_gap_says_what_was_expected_and_what_came() {
        let text = Gap::Total {
            least: 1,
            most: 1,
            got: 0,
        }
        .to_string();
        assert_eq!(text, "expected 1 record (totalCount), got 0");
        assert_eq!(
            Gap::NullRecords {
                first: 3,
                number: 1
            }
            .to_string(),
            "1 record is null, the first of them nodes[3]: every record was expected to be there"
        );
    }
}
