//! The queries: which records each answers, and on which page.

use std::ops::Range;

use apollo_compiler::ast::Type;

use crate::{
    cursor::Start,
    organization::Team,
    switches::{Cursors, ListEnd, Totals},
};

use super::{
    arguments::Arguments,
    call::Call,
    record::{Page, Record},
    selection::{Selection, made},
};

/// A query, by its name in the schema file, and what is asked of it.
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: Arguments,
    pub(super) selection: Selection,
    pub(super) ty: &'a Type,
}

/// Writes the answer of one query.
pub(super) fn answer(
    call: &mut Call<'_>,
    asked: &Asked<'_>,
    to: &mut Vec<u8>,
) -> Result<(), String> {
    let snapshot = call.snapshot.clone();
    let filters = call.config.filters;
    match asked.name {
        "users" => {
            let users = &snapshot.users;
            match snapshot.places(asked.arguments.user_query(filters)?) {
                None => {
                    let everybody = |place: usize| Record::User(&users[place]);
                    list(call, asked, users.len(), everybody, to)
                }
                Some(places) => {
                    let found = |place: usize| Record::User(&users[places[place]]);
                    list(call, asked, places.len(), found, to)
                }
            }
        }
        "planAdmins" => {
            let admin = |place: usize| Record::Admin(&snapshot.admins[place]);
            list(call, asked, snapshot.admins.len(), admin, to)
        }
        "teams" => {
            let query = asked.arguments.team_query(filters)?;
            let teams = snapshot.teams.iter().map(AsRef::as_ref);
            let teams: Vec<&Team> = teams
                .filter(|team| query.allows(&team.id, &team.name, filters))
                .collect();
            list(
                call,
                asked,
                teams.len(),
                |place| Record::Team(teams[place]),
                to,
            )
        }
        "planPermissionSets" => {
            let sets = snapshot.permission_sets();
            let set = |place: usize| Record::PermissionSet(&sets[place]);
            list(call, asked, sets.len(), set, to)
        }
        "planInfo" => {
            let products = snapshot.products();
            match call.served.original_type(asked.ty.inner_named_type()) {
                "Product" | "ProductConnection" => {
                    let product = |place: usize| Record::Product(&products[place]);
                    list(call, asked, products.len(), product, to)
                }
                _ => list(
                    call,
                    asked,
                    1,
                    |_| Record::Plan(&snapshot.plan, &products),
                    to,
                ),
            }
        }
        name => {
            let made = made(name, asked.ty, &snapshot.plan.plan_id);
            to.extend_from_slice(made.to_string().as_bytes());
            Ok(())
        }
    }
}

/// Writes records as the query's type wants them: as a page, as a plain list, or the only one.
fn list<'a>(
    call: &mut Call<'_>,
    asked: &Asked<'a>,
    len: usize,
    record: impl Fn(usize) -> Record<'a>,
    to: &mut Vec<u8>,
) -> Result<(), String> {
    let ty = call.served.original_type(asked.ty.inner_named_type());
    if asked.ty.is_list() {
        asked.selection.list((0..len).map(record), to);
    } else if !ty.ends_with("Connection") {
        let only = if len > 0 { record(0) } else { Record::Nothing };
        asked.selection.write(only, to);
    } else {
        let page = page(call, asked, len, record)?;
        asked.selection.write(Record::Page(&page), to);
    }
    Ok(())
}

fn page<'a>(
    call: &mut Call<'_>,
    asked: &Asked<'a>,
    len: usize,
    record: impl Fn(usize) -> Record<'a>,
) -> Result<Page<'a>, String> {
    let range = range(call, asked, len, &record)?;
    let mut page = Page {
        list: asked.name,
        after: asked.arguments.after().map(str::to_owned),
        begin: range.start,
        is_keyed: call.config.cursors == Cursors::Keyed,
        rows: range.clone().map(record).collect(),
        end: None,
        has_next: range.end < len,
        total: match call.config.totals {
            Totals::True => Some(len as i64),
            Totals::Null => None,
            Totals::Rough => Some(len as i64 * 4 / 5),
            Totals::Page => Some(range.len() as i64),
        },
    };
    page.end = range.len().checked_sub(1).map(|last| page.cursor(last));
    match call.config.list_end {
        ListEnd::NullCursor if !page.has_next => page.end = None,
        ListEnd::EmptyPage => page.has_next = !range.is_empty(),
        _ => {}
    }
    for tweak in &call.tweaks.pages {
        tweak(&mut page);
    }
    Ok(page)
}

/// Which part of a list the page is, with a warning when it is not what was asked for.
fn range<'a>(
    call: &mut Call<'_>,
    asked: &Asked<'_>,
    len: usize,
    record: &impl Fn(usize) -> Record<'a>,
) -> Result<Range<usize>, String> {
    let (size, over) = asked.arguments.size(call.config)?;
    if let Some(over) = over {
        call.warn("PAGE_SIZE_CAPPED", format!("The requested page size of {over} is over the maximum of {size}; at most {size} records are returned."));
    }
    let begin = match asked.arguments.start(asked.name, call.config)? {
        Start::Skip(count) => usize::try_from(count).unwrap_or(usize::MAX),
        Start::After(key) => {
            let (mut low, mut high) = (0, len);
            while low < high {
                let middle = (low + high) / 2;
                match record(middle) {
                    Record::User(entry) if entry.order <= key => low = middle + 1,
                    _ => high = middle,
                }
            }
            low
        }
    };
    let begin = begin.saturating_sub(call.tweaks.repeat_rows).min(len);
    Ok(begin..begin.saturating_add(size).min(len))
}
