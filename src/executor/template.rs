//! What the requests of one reading have in common.

use std::collections::BTreeSet;

use pluralsight_api::{
    ColumnPlan, Completeness, FieldPath, Fingerprints, Operation, PageQuery, PageSizes, Selection,
    Shape,
};
use pluralsight_catalog::Table;
use serde_json::Value as Json;

use super::filter::Asked;
use super::json::as_json;
use super::trust::fields_without_key;
use crate::error::{FdwError, Result};
use crate::options::TableOptions;

/// What a reading is for.
pub struct Reading<'a> {
    pub options: &'a TableOptions,
    /// What is taken out of each record. A row may hold further columns behind these.
    pub columns: &'a [ColumnPlan],
    pub asked: &'a Asked,
    /// Size of the first page, where a LIMIT sets it.
    pub limit: Option<u64>,
    /// Everything will be read, unless the query fails.
    pub reads_to_end: bool,
}

/// Pages that one scan reads at most.
const MAX_PAGES: u64 = 100_000;

/// What every request's pages have in common.
pub struct Template {
    operation: Operation,
    selection: Selection,
    sizes: PageSizes,
    /// Size of the first page, where a LIMIT sets it.
    limit: Option<u32>,
    key: Option<FieldPath>,
    key_required: bool,
    check: Completeness,
    truncated: Vec<FieldPath>,
    columns: Vec<ColumnPlan>,
    pub watched: Watched,
    fingerprints: Fingerprints,
}

/// Columns behind those that were asked for, by which a filter is judged.
#[derive(Default)]
pub struct Watched {
    /// What the filter compares.
    pub compared: Option<usize>,
    /// Whether a list in the record was cut.
    pub cut: Vec<usize>,
    /// Fields that hold a key to remember.
    pub keys: Vec<(usize, String)>,
}

impl Template {
    /// `compared` is what the reading's filter looks at.
    pub fn new(reading: &Reading<'_>, compared: Option<&FieldPath>) -> Result<Template> {
        let options = reading.options;
        let operation = options.operation.clone();
        let key = (operation.shape == Shape::Connection)
            .then(|| options.key.clone())
            .flatten();
        let fields = fields(reading.columns);
        let mut paths: Vec<FieldPath> = fields.iter().cloned().collect();
        // The key tells a record that moved between two pages from a new one.
        paths.extend(key.clone());
        // A truncated list only matters where the list itself is read.
        let truncated: Vec<FieldPath> = options
            .truncated
            .iter()
            .filter(|path| {
                let is_of_record = path
                    .segments()
                    .first()
                    .is_some_and(|name| name == "pageInfo");
                is_of_record
                    || fields.iter().any(|field| {
                        field.segments().len() > 1
                            && field.segments().first() == path.segments().first()
                    })
            })
            .cloned()
            .collect();
        paths.extend(truncated.iter().cloned());
        paths.extend(compared.cloned());
        let mut columns = reading.columns.to_vec();
        let mut watch = |plan: ColumnPlan| {
            let known = columns.iter().position(|column| *column == plan);
            known.unwrap_or_else(|| {
                columns.push(plan);
                columns.len() - 1
            })
        };
        let mut watched = Watched::default();
        if let Some(field) = compared {
            watched.compared = Some(watch(as_json(field)));
            watched.cut = truncated.iter().map(as_json).map(&mut watch).collect();
        }
        for field in fields_without_key(options) {
            if let Some(path) = paths.iter().find(|path| path.segments() == [field]) {
                let column = watch(ColumnPlan::one(path.clone()));
                watched.keys.push((column, field.to_owned()));
            }
        }
        if paths.is_empty() {
            // A selection cannot be empty; every record of every type answers its own type's name.
            paths.push(
                FieldPath::parse("__typename")
                    .map_err(|error| FdwError::internal(error.to_string()))?,
            );
        }
        Ok(Template {
            operation,
            selection: Selection::from_paths(&paths),
            sizes: page_sizes(options),
            limit: reading
                .limit
                .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
            key,
            key_required: Table::over(&options.query).is_some_and(|table| table.key_required),
            check: options.completeness,
            truncated,
            columns,
            watched,
            fingerprints: Fingerprints::random(),
        })
    }

    /// The pages of one request, with this filter or none.
    pub fn query(&self, filter: Option<Json>) -> PageQuery {
        let mut sizes = self.sizes;
        // Where one page has to hold everything, a short one would seem to be short of records.
        let is_one_page = self.operation.after.is_none() || !self.operation.page_info;
        if let Some(limit) = self.limit.filter(|_| !is_one_page) {
            sizes.first = limit.min(sizes.first.max(sizes.then)).max(1);
        } else if filter.is_some() {
            // Looking up keys: one page holds them all, if the API lets it.
            sizes.first = sizes.first.max(sizes.then);
        }
        PageQuery {
            document: self.operation.document(&self.selection, filter.is_some()),
            operation: self.operation.clone(),
            columns: self.columns.clone(),
            filter,
            sizes,
            limit: None,
            key: self.key.clone(),
            key_required: self.key_required,
            check: self.check,
            truncated: self.truncated.clone(),
            max_pages: MAX_PAGES,
            fingerprints: self.fingerprints,
        }
    }
}

/// Where the API takes no filter, a table is mostly read whole: in one request, unless it is known to fill more pages. Where
/// there is no second page, the first one has to hold everything.
fn page_sizes(options: &TableOptions) -> PageSizes {
    let mut sizes = options.page_sizes;
    let fits = |rows: f64| rows <= f64::from(sizes.then);
    if options.operation.after.is_none() || !options.operation.page_info {
        sizes.first = sizes.first.max(sizes.then);
    }
    if options.filters.is_empty() && options.rows.is_none_or(fits) {
        sizes.first = sizes.then;
    }
    sizes
}

/// The paths that these columns read.
fn fields(columns: &[ColumnPlan]) -> BTreeSet<FieldPath> {
    let conditions = columns
        .iter()
        .filter_map(|column| column.condition.as_ref());
    columns
        .iter()
        .map(|column| column.field.clone())
        .chain(conditions.map(|condition| condition.path.clone()))
        .collect()
}
