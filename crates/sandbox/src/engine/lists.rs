//! The queries: which records each answers, and on which page.

use std::ops::Range;

use apollo_compiler::ast::Type;

use crate::{
    cursor::Start,
    organization::User,
    switches::{Cursors, ListEnd, Totals},
};

use super::{
    arguments::Arguments,
    call::Call,
    record::{Mark, Page, Record, Row},
    selection::{Selection, made},
};

/// Writes the answer of one query.
pub(super) fn answer(
    call: &mut Call<'_>,
    name: &str,
    arguments: &Arguments,
    selection: &Selection,
    ty: &Type,
    to: &mut Vec<u8>,
) -> Result<(), String> {
    let snapshot = call.snapshot.clone();
    let filters = call.config.filters;
    match name {
        "users" => {
            let found = snapshot.found(&arguments.user_query(filters)?);
            let order = |place| found.order(place);
            let range = match ty.is_list() {
                true => 0..found.len(),
                false => range(call, arguments, "users", found.len(), &order)?,
            };
            let has_rows = ty.is_list() || selection.asks("nodes") || selection.asks("edges");
            let users: Vec<User> = match has_rows {
                true => range
                    .clone()
                    .map(|place| found.user(place, selection.need))
                    .collect(),
                false => Vec::new(),
            };
            let mark = |place: usize| match call.config.cursors {
                Cursors::Keyed => Mark::Key(order(place)),
                Cursors::Offset => Mark::Offset("users", place as u64 + 1),
            };
            let records = users.iter().map(Record::User).collect();
            finish(
                call,
                arguments,
                selection,
                ty,
                records,
                range,
                found.len(),
                &mark,
                to,
            );
        }
        "planAdmins" => {
            let records = snapshot.admins().iter().map(Record::Admin).collect();
            short("planAdmins", records, call, arguments, selection, ty, to)?;
        }
        "teams" => {
            let query = arguments.team_query(filters)?;
            let teams = snapshot.teams().iter();
            let teams = teams.filter(|team| query.allows(&team.id, &team.name, filters));
            let records = teams.map(|team| Record::Team(team)).collect();
            short("teams", records, call, arguments, selection, ty, to)?;
        }
        "planPermissionSets" => {
            let sets = snapshot.permission_sets();
            let records = sets.iter().map(Record::PermissionSet).collect();
            short(
                "planPermissionSets",
                records,
                call,
                arguments,
                selection,
                ty,
                to,
            )?;
        }
        "planInfo" => {
            let products = snapshot.products();
            let plan = Record::Plan(snapshot.plan(), &products);
            let records = match call.served.original_type(ty.inner_named_type()) {
                "Product" | "ProductConnection" => products.iter().map(Record::Product).collect(),
                _ => vec![plan],
            };
            short("planInfo", records, call, arguments, selection, ty, to)?;
        }
        name => {
            let made = made(name, ty, snapshot.plan().plan_id.as_str());
            to.extend_from_slice(made.to_string().as_bytes());
        }
    }
    Ok(())
}

/// A list that is short enough to be in memory.
fn short(
    name: &'static str,
    mut records: Vec<Record<'_>>,
    call: &mut Call<'_>,
    arguments: &Arguments,
    selection: &Selection,
    ty: &Type,
    to: &mut Vec<u8>,
) -> Result<(), String> {
    let len = records.len();
    let range = match ty.is_list() || !is_connection(call, ty) {
        true => 0..len,
        false => range(call, arguments, name, len, &|place| place as u64)?,
    };
    records.truncate(range.end);
    records.drain(..range.start);
    let mark = |place: usize| Mark::Offset(name, place as u64 + 1);
    finish(
        call, arguments, selection, ty, records, range, len, &mark, to,
    );
    Ok(())
}

/// Which part of a list the page is, with a warning when it is not what was asked for.
fn range(
    call: &mut Call<'_>,
    arguments: &Arguments,
    list: &str,
    len: usize,
    order: &dyn Fn(usize) -> u64,
) -> Result<Range<usize>, String> {
    let (size, asked) = arguments.size(call.config)?;
    if let Some(asked) = asked {
        call.warn("PAGE_SIZE_CAPPED", format!("The requested page size of {asked} is over the maximum of {size}; at most {size} records are returned."));
    }
    let begin = match arguments.start(list, call.config)? {
        Start::Skip(count) => usize::try_from(count).unwrap_or(usize::MAX),
        Start::After(key) => {
            let (mut low, mut high) = (0, len);
            while low < high {
                let middle = (low + high) / 2;
                match order(middle) <= key {
                    true => low = middle + 1,
                    false => high = middle,
                }
            }
            low
        }
    };
    let begin = begin
        .saturating_sub(call.tweaks.repeat_rows as usize)
        .min(len);
    Ok(begin..begin.saturating_add(size).min(len))
}

/// Writes the records as the query's type wants them: as a page, as a plain list, or the only one.
#[expect(clippy::too_many_arguments, reason = "a page has many sides")]
fn finish<'a>(
    call: &Call<'_>,
    arguments: &Arguments,
    selection: &Selection,
    ty: &Type,
    records: Vec<Record<'a>>,
    range: Range<usize>,
    len: usize,
    mark: &dyn Fn(usize) -> Mark,
    to: &mut Vec<u8>,
) {
    if ty.is_list() {
        return selection.list(records, to);
    }
    if !is_connection(call, ty) {
        return selection.write(records.first().copied().unwrap_or(Record::Nothing), to);
    }
    let rows = records.into_iter().zip(range.clone());
    let mut has_next = range.end < len;
    let mut end = (!range.is_empty()).then(|| mark(range.end - 1).text());
    match call.config.list_end {
        ListEnd::NullCursor if !has_next => end = None,
        ListEnd::EmptyPage => has_next = !range.is_empty(),
        _ => {}
    }
    let mut page = Page {
        rows: rows
            .map(|(node, place)| Row {
                node,
                cursor: mark(place),
            })
            .collect(),
        end,
        has_next,
        total: match call.config.totals {
            Totals::True => Some(len as i64),
            Totals::Null => None,
            Totals::Rough => Some(len as i64 * 4 / 5),
            Totals::Page => Some(range.len() as i64),
        },
    };
    tweak(&mut page, call, arguments.after());
    selection.write(Record::Page(&page), to);
}

fn is_connection(call: &Call<'_>, ty: &Type) -> bool {
    let name = call.served.original_type(ty.inner_named_type());
    name.ends_with("Connection")
}

/// The page as a fault wants it. `after` is the cursor that was given.
fn tweak(page: &mut Page<'_>, call: &Call<'_>, after: Option<&str>) {
    let tweaks = call.tweaks;
    if tweaks.empty_page {
        page.rows.clear();
    }
    page.rows
        .truncate(page.rows.len().saturating_sub(tweaks.drop_rows));
    if let Some(row) = tweaks.null_node.and_then(|place| page.rows.get_mut(place)) {
        row.node = Record::Nothing;
    }
    if let (true, Some(after)) = (tweaks.repeat_cursor, after) {
        page.end = Some(after.to_owned());
    }
    if tweaks.no_cursor {
        page.end = None;
    }
    if tweaks.repeat_cursor || tweaks.no_cursor || tweaks.empty_page {
        page.has_next = true;
    }
    if tweaks.last_page {
        page.has_next = false;
    }
    page.total = tweaks.total.or(page.total);
}
