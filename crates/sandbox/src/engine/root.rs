//! The queries: which records each answers.

use std::sync::Arc;

use async_graphql::{Error, dynamic::TypeRef};

use crate::{
    config::Cursors,
    organisation::{Need, Start, User},
    sdl::FieldShape,
};

use super::{
    Call,
    arguments::Arguments,
    extra,
    json::Json,
    page::{Mark, Page, Row},
    read::{PlanView, Source},
    selection::{Findings, Selection},
    warnings::Warning,
};

/// The answer of one query, as JSON text.
pub(super) fn answer(
    call: &Call,
    field: &FieldShape,
    arguments: &Arguments<'_>,
    selection: &Selection,
    findings: &Findings,
) -> Result<Vec<u8>, Error> {
    let mut json = Json::default();
    match field.original.as_str() {
        "users" if !field.is_extra => users(
            call,
            arguments,
            selection,
            findings.need.unwrap_or(Need::NOTHING),
            &mut json,
        )?,
        "planAdmins" if !field.is_extra => admins(call, arguments, selection, &mut json)?,
        "teams" if !field.is_extra => teams(call, arguments, selection, &mut json)?,
        "planInfo" if !field.is_extra => plan(call, field, arguments, selection, &mut json)?,
        name => {
            let nothing = PlanView {
                plan: call.snapshot.plan().clone(),
                products: Vec::new(),
            };
            json.value(&extra::value(name, &field.ty, Source::Plan(&nothing)));
        }
    }
    Ok(json.into_bytes())
}

fn users(
    call: &Call,
    arguments: &Arguments<'_>,
    selection: &Selection,
    need: Need,
    json: &mut Json,
) -> Result<(), Error> {
    let query = arguments.user_query(&call.config)?;
    let size = size(call, arguments)?;
    let mut start = arguments.start("users", &call.config)?;
    if call.tweaks.repeat_rows > 0 {
        start = call
            .snapshot
            .rewound(&query, start, call.tweaks.repeat_rows);
    }
    let total = || call.snapshot.count(&query) as i64;
    if !selection.asks("nodes") && !selection.asks("edges") && !selection.asks("pageInfo") {
        let mut page = Page {
            rows: Vec::new(),
            end: None,
            has_next: false,
            total: Box::new(total),
        };
        page.tweak(&call.tweaks, arguments.after());
        selection.write(Source::Page(&page), json);
        return Ok(());
    }
    let stretch = call.snapshot.stretch(&query, start, size);
    let has_rows = selection.asks("nodes") || selection.asks("edges");
    let given: Vec<User> = match has_rows {
        true => stretch
            .positions
            .iter()
            .map(|position| call.snapshot.user(*position, need))
            .collect(),
        false => Vec::new(),
    };
    let before = match start {
        Start::Skip(count) => count,
        Start::After(_) => 0,
    };
    let mark = |place: usize| match (call.config.cursors, stretch.positions.get(place)) {
        (Cursors::Keyed, Some(position)) => Mark::User(*position),
        _ => Mark::Offset("users", before + place as u64 + 1),
    };
    let rows = given.iter().enumerate().map(|(place, user)| Row {
        node: Source::User(user),
        cursor: mark(place),
    });
    let end = stretch
        .positions
        .len()
        .checked_sub(1)
        .map(|last| mark(last).text());
    let mut page = Page {
        rows: rows.collect(),
        end,
        has_next: stretch.has_next,
        total: Box::new(total),
    };
    page.tweak(&call.tweaks, arguments.after());
    selection.write(Source::Page(&page), json);
    Ok(())
}

fn admins(
    call: &Call,
    arguments: &Arguments<'_>,
    selection: &Selection,
    json: &mut Json,
) -> Result<(), Error> {
    let admins = call.snapshot.admins();
    list(
        "planAdmins",
        admins.iter().map(Source::Admin).collect(),
        call,
        arguments,
        selection,
        json,
    )
}

fn teams(
    call: &Call,
    arguments: &Arguments<'_>,
    selection: &Selection,
    json: &mut Json,
) -> Result<(), Error> {
    let query = arguments.team_query(&call.config)?;
    let teams = call
        .snapshot
        .teams()
        .iter()
        .filter(|team| query.allows(&team.id, &team.name, &call.config));
    list(
        "teams",
        teams.map(|team| Source::Team(team)).collect(),
        call,
        arguments,
        selection,
        json,
    )
}

fn plan(
    call: &Call,
    field: &FieldShape,
    arguments: &Arguments<'_>,
    selection: &Selection,
    json: &mut Json,
) -> Result<(), Error> {
    let view = PlanView {
        plan: call.snapshot.plan().clone(),
        products: call.snapshot.products(),
    };
    let original = call
        .shape
        .get(field.ty.type_name())
        .map_or("", |ty| ty.original.as_str());
    let records: Vec<Source<'_>> = match original {
        "Product" | "ProductConnection" => view.products.iter().map(Source::Product).collect(),
        _ => vec![Source::Plan(&view)],
    };
    if original.ends_with("Connection") {
        return list("planInfo", records, call, arguments, selection, json);
    }
    if !matches!(field.ty, TypeRef::List(_)) {
        selection.write(Source::Plan(&view), json);
        return Ok(());
    }
    json.raw(b"[");
    for (place, record) in records.into_iter().enumerate() {
        if place > 0 {
            json.raw(b",");
        }
        selection.write(record, json);
    }
    json.raw(b"]");
    Ok(())
}

/// A page of a list that is short enough to be in memory.
fn list(
    name: &'static str,
    all: Vec<Source<'_>>,
    call: &Call,
    arguments: &Arguments<'_>,
    selection: &Selection,
    json: &mut Json,
) -> Result<(), Error> {
    let size = size(call, arguments)?;
    let skipped = match arguments.start(name, &call.config)? {
        Start::Skip(count) => count.saturating_sub(call.tweaks.repeat_rows),
        Start::After(_) => 0,
    };
    let total = all.len() as u64;
    let rest = all
        .into_iter()
        .enumerate()
        .skip(usize::try_from(skipped).unwrap_or(usize::MAX));
    let rows: Vec<Row<'_>> = rest
        .take(size)
        .map(|(place, node)| Row {
            node,
            cursor: Mark::Offset(name, place as u64 + 1),
        })
        .collect();
    let has_next = skipped.saturating_add(rows.len() as u64) < total;
    let end = rows.last().map(|row| row.cursor.text());
    let mut page = Page {
        rows,
        end,
        has_next,
        total: Box::new(move || total as i64),
    };
    page.tweak(&call.tweaks, arguments.after());
    selection.write(Source::Page(&page), json);
    Ok(())
}

/// The size of the page, with a warning when it is not what was asked for.
fn size(call: &Call, arguments: &Arguments<'_>) -> Result<usize, Error> {
    let size = arguments.size(&call.config)?;
    if let Some(asked) = size.refused {
        call.warn(Warning {
            code: "PAGE_SIZE_CAPPED",
            message: format!("The requested page size of {asked} is over the maximum of {0}; at most {0} records are returned.", size.records),
        });
    }
    Ok(size.records)
}

/// Shared with the resolvers of one request.
pub(super) type SharedCall = Arc<Call>;
