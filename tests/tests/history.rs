//! History of stored copies: 400 days of joins, leaves, returns, renames and moves, read through lists that move, compared with
//! a record of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use behaviour::copies::REFRESH;
use behaviour::{Session, Stage};
use chrono::{DateTime, Days, Utc};
use pluralsight_sandbox::{Config, Cursors, Membership, Organization, Place, Team, User};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

const DAYS: u64 = 400;

/// What history should know of a person: the same facts as `account_history`, worked out from the organization itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Person {
    email: String,
    full_name: String,
    status: &'static str,
    is_admin: bool,
    billable: bool,
    deleted_at: Option<i64>,
    /// By id, with the names of the moment.
    teams: BTreeMap<String, String>,
    products: BTreeSet<String>,
    forgotten: bool,
}

type Everyone = BTreeMap<String, Person>;

fn full_name(first: &Option<String>, last: &Option<String>) -> String {
    [first, last]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The organization as it is now, with those whom it forgot since `before`.
fn observe(organization: &Organization, before: &Everyone, now: DateTime<Utc>) -> Everyone {
    let admins = organization.admins();
    let is_admin = |id: &str| admins.iter().any(|admin| admin.ps_user_id == id);
    let mut everyone: Everyone = organization
        .users()
        .map(|user| {
            let admin = is_admin(&user.ps_user_id);
            let products: BTreeSet<String> = user
                .product_ids
                .clone()
                .unwrap_or_default()
                .into_iter()
                .collect();
            let person = Person {
                email: user.email.clone().unwrap_or_default(),
                full_name: full_name(&user.first_name, &user.last_name),
                status: match (user.is_on_account, admin) {
                    (true, _) => "active",
                    (false, true) => "admin without license",
                    (false, false) => "removed",
                },
                is_admin: admin,
                billable: !products.is_empty(),
                deleted_at: user.removed_on.map(|at| at.timestamp_millis()),
                teams: user
                    .direct_team_ids()
                    .into_iter()
                    .zip(user.direct_team_names())
                    .collect(),
                products,
                forgotten: false,
            };
            (user.ps_user_id, person)
        })
        .collect();
    for admin in &admins {
        everyone
            .entry(admin.ps_user_id.clone())
            .or_insert_with(|| Person {
                email: admin.email.clone().unwrap_or_default(),
                full_name: full_name(&admin.first_name, &admin.last_name),
                status: "admin without license",
                is_admin: true,
                billable: false,
                deleted_at: None,
                teams: BTreeMap::new(),
                products: BTreeSet::new(),
                forgotten: false,
            });
    }
    for (id, person) in before {
        everyone.entry(id.clone()).or_insert_with(|| Person {
            status: "removed",
            is_admin: false,
            billable: false,
            deleted_at: person.deleted_at.or(Some(now.timestamp_millis())),
            teams: BTreeMap::new(),
            products: BTreeSet::new(),
            forgotten: true,
            ..person.clone()
        });
    }
    everyone
}

/// One day in the life of the organization: up to four things happen.
fn live(organization: &Organization, random: &mut StdRng, renamed: &Renamed, now: DateTime<Utc>) {
    for _ in 0..random.random_range(0..=4) {
        let people: Vec<_> = organization.users().collect();
        let Some(user) = people.choose(random) else {
            return;
        };
        let id = user.ps_user_id.as_str();
        match random.random_range(0..10) {
            0 => {
                organization.add_users(1, Place::End);
            }
            1 => {
                organization.deactivate_user(id, now);
            }
            2 if people.len() > 40 => {
                organization.forget_user(id);
            }
            3 => {
                let product = organization.products()[0].id.clone();
                organization.edit_user(id, |user| {
                    user.is_on_account = true;
                    user.removed_on = None;
                    user.product_ids = Some(vec![product]);
                });
            }
            4 => {
                let name = format!("Renamed {}", random.random::<u16>());
                organization.edit_user(id, |user| user.last_name = Some(name));
            }
            5 => {
                let team = organization.teams().choose(random).cloned();
                organization.edit_user(id, |user| {
                    user.teams = team
                        .map(|team| Membership {
                            team,
                            is_direct: true,
                        })
                        .into_iter()
                        .collect();
                });
            }
            6 => {
                let product = organization
                    .products()
                    .choose(random)
                    .map(|product| product.id.clone());
                organization.edit_user(id, |user| {
                    let mut held: BTreeSet<String> = user
                        .product_ids
                        .take()
                        .unwrap_or_default()
                        .into_iter()
                        .collect();
                    held.extend(product);
                    // In another order than before, which is no change.
                    user.product_ids = Some(held.into_iter().rev().collect());
                });
            }
            7 => organization.edit_admins(|admins| {
                if admins.len() > 3 && random.random_bool(0.5) {
                    admins.remove(random.random_range(0..admins.len()));
                } else if admins.iter().all(|admin| admin.ps_user_id != id) {
                    let mut admin = admins[0].clone();
                    admin.ps_user_id = id.to_owned();
                    admin.email = user.email.clone();
                    admins.push(admin);
                }
            }),
            8 => rename_team(user, random, renamed),
            _ => {
                let email = format!("moved{}@meridian.example", random.random::<u32>());
                organization.edit_user(id, |user| user.email = Some(email));
            }
        }
    }
}

/// One of the person's teams gets another name.
fn rename_team(user: &User, random: &mut StdRng, renamed: &Renamed) {
    if let Some(membership) = user.teams.choose(random) {
        let team = Team {
            name: format!("Team {}", random.random::<u16>()),
            ..Team::clone(&membership.team)
        };
        renamed
            .lock()
            .expect("nobody panicked")
            .insert(team.id.clone(), Arc::new(team));
    }
}

/// Teams that have another name than at first.
type Renamed = Arc<Mutex<BTreeMap<String, Arc<Team>>>>;

/// Whoever joins the organization or a team comes with the name that the team had at first, and gets that of now.
fn names_agree(organization: &Organization, renamed: &Renamed) {
    let renamed = renamed.lock().expect("nobody panicked");
    let stale: Vec<String> = organization
        .users()
        .filter(|user| {
            user.teams.iter().any(|membership| {
                renamed
                    .get(&membership.team.id)
                    .is_some_and(|team| team.name != membership.team.name)
            })
        })
        .map(|user| user.ps_user_id)
        .collect();
    for person in stale {
        organization.edit_user(&person, |user| {
            for membership in &mut user.teams {
                if let Some(team) = renamed.get(&membership.team.id) {
                    membership.team = Arc::clone(team);
                }
            }
        });
    }
}

/// The first of the list vanishes, and somebody joins at its end.
fn exchange(organization: &Organization, renamed: &Renamed) {
    let first = organization.user(0).ps_user_id;
    organization.add_users(1, Place::End);
    names_agree(organization, renamed);
    organization.forget_user(&first);
}

/// Refreshes, and makes history of it that happened at another moment.
fn refresh_at(session: &mut Session, moment: DateTime<Utc>) {
    session.run(REFRESH);
    session.run(&format!(
        "SELECT move_last_refresh('{}')",
        moment.to_rfc3339()
    ));
}

const MOVE_LAST_REFRESH: &str = "
CREATE FUNCTION move_last_refresh(moved timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path = pluralsight_copy, pg_temp
AS $$
DECLARE
    run bigint := (SELECT max(id) FROM refresh_log);
    moment timestamptz := (SELECT started_at FROM refresh_log WHERE id = run);
BEGIN
    UPDATE account_history SET deleted_at = moved WHERE deleted_at = moment AND forgotten;
    UPDATE account_history SET valid_to = moved WHERE valid_to = moment;
    UPDATE account_history SET valid_from = moved WHERE valid_from = moment;
    UPDATE team_history SET valid_to = moved WHERE valid_to = moment;
    UPDATE team_history SET valid_from = moved WHERE valid_from = moment;
    UPDATE license_history SET day = (moved AT TIME ZONE 'UTC')::date WHERE day = (moment AT TIME ZONE 'UTC')::date;
    UPDATE settings SET history_from = moved WHERE history_from = moment;
    UPDATE refresh_log SET started_at = moved, finished_at = moved WHERE id = run;
END
$$";

/// Everyone as the database knew them at a moment.
fn recorded(session: &mut Session, moment: DateTime<Utc>) -> Everyone {
    let pairs = |text: Option<String>| -> BTreeMap<String, String> {
        let (ids, names): (Vec<String>, Vec<String>) =
            serde_json::from_str(&text.expect("two arrays")).expect("two arrays of texts");
        assert_eq!(ids.len(), names.len());
        ids.into_iter().zip(names).collect()
    };
    let set = |text: Option<String>| -> BTreeSet<String> {
        serde_json::from_str(&text.expect("an array")).expect("an array of texts")
    };
    session
        .rows(&format!(
            "SELECT user_id, email, full_name, status, is_admin, billable, (extract(epoch FROM deleted_at) * 1000)::bigint,
                    json_build_array(to_json(team_ids), to_json(team_names)), to_json(product_ids), forgotten, is_active
             FROM pluralsight_copy.accounts_at('{}')",
            moment.to_rfc3339()
        ))
        .into_iter()
        .map(|row| {
            let [id, email, name, status, admin, billable, deleted, teams, products, forgotten, active]: [Option<String>; 11] =
                row.try_into().expect("eleven columns");
            let status = match status.as_deref() {
                Some("active") => "active",
                Some("removed") => "removed",
                Some("admin without license") => "admin without license",
                other => panic!("{other:?}"),
            };
            assert_eq!(active.as_deref() == Some("t"), status == "active");
            let person = Person {
                email: email.unwrap_or_default(),
                full_name: name.unwrap_or_default(),
                status,
                is_admin: admin.as_deref() == Some("t"),
                billable: billable.as_deref() == Some("t"),
                deleted_at: deleted.map(|at| at.parse().expect("milliseconds")),
                teams: pairs(teams),
                products: set(products),
                forgotten: forgotten.as_deref() == Some("t"),
            };
            (id.expect("a key"), person)
        })
        .collect()
}

#[test]
fn four_hundred_days_are_replayed_as_they_were() {
    let mut stage = Stage::new(Config {
        users: 50,
        cursors: Cursors::Offset,
        ..Config::default()
    });
    let session = &mut stage.session;
    // To compile the queries takes longer than to run them over so few people.
    session.run("ALTER SERVER pluralsight OPTIONS (ADD page_size '25'); SET jit = off");
    session.run("CALL pluralsight_fdw.create_copies(max_shrink => 1, fill => false)");
    session.run(MOVE_LAST_REFRESH);
    let organization = stage.sandbox.organization();
    let mut random = StdRng::seed_from_u64(400);
    let renamed = Renamed::default();
    let start = DateTime::from_timestamp((Utc::now() - Days::new(DAYS + 10)).timestamp(), 0)
        .expect("a moment");
    let mut days: Vec<Everyone> = Vec::new();
    let mut members = BTreeSet::new();
    let mut events: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut moved = 0;
    for day in 0..DAYS {
        let now = start + Days::new(day);
        live(organization, &mut random, &renamed, now);
        names_agree(organization, &renamed);
        // Now and then somebody who was on the first page vanishes while the second one is asked for, so that another person
        // slips through between the two; somebody who joins at the end makes up for it in the total.
        let vanishing = (day > 0 && random.random_bool(0.2)).then(|| organization.user(0));
        let known = observe(organization, days.last().unwrap_or(&Everyone::new()), now);
        if vanishing.is_some() {
            moved += 1;
            let renamed = Arc::clone(&renamed);
            let exchange = move |organization: &Organization| exchange(organization, &renamed);
            stage
                .sandbox
                .faults()
                .run("users@2", exchange)
                .expect("a valid target");
        }
        stage.sandbox.reset();
        refresh_at(&mut stage.session, now);
        stage.sandbox.faults().clear();
        let before = days.last().cloned().unwrap_or_default();
        let mut after = observe(organization, &before, now);
        if let Some(vanished) = vanishing {
            // The refresh has read this person, and the next one will find out.
            let id = vanished.ps_user_id;
            assert!(
                organization.find(&id).is_none(),
                "day {day}: nobody vanished"
            );
            after.insert(id.clone(), known[&id].clone());
        }
        for (team, name) in after.values().flat_map(|person| &person.teams) {
            if names
                .insert(team.clone(), name.clone())
                .is_some_and(|old| old != *name)
            {
                *events.entry("renamed team").or_default() += 1;
            }
        }
        if day > 0 {
            for (id, new) in &after {
                let old = before.get(id);
                let mut count = |what, happened: bool| {
                    *events.entry(what).or_default() += usize::from(happened);
                };
                let was = |status: fn(&Person) -> bool| old.is_some_and(status);
                let active: fn(&Person) -> bool = |person| person.status == "active";
                let was_here = members.contains(id);
                count("joined", active(new) && !was(active) && !was_here);
                count("came back", active(new) && !was(active) && was_here);
                count("left", !active(new) && was(active));
                count(
                    "became admin",
                    new.is_admin && !was(|person| person.is_admin),
                );
                count(
                    "stopped being admin",
                    !new.is_admin && was(|person| person.is_admin),
                );
                count(
                    "changed name",
                    old.is_some_and(|old| old.full_name != new.full_name),
                );
                count(
                    "changed e-mail",
                    old.is_some_and(|old| old.email != new.email),
                );
                let nothing = BTreeSet::new();
                let teams = |person: Option<&Person>| -> BTreeSet<String> {
                    person
                        .map(|person| person.teams.keys().cloned().collect())
                        .unwrap_or_default()
                };
                let (old_teams, new_teams) = (teams(old), teams(Some(new)));
                let old_products = old.map_or(&nothing, |old| &old.products);
                *events.entry("joined team").or_default() +=
                    new_teams.difference(&old_teams).count();
                *events.entry("left team").or_default() += old_teams.difference(&new_teams).count();
                *events.entry("gained product").or_default() +=
                    new.products.difference(old_products).count();
                *events.entry("lost product").or_default() +=
                    old_products.difference(&new.products).count();
            }
        }
        for (id, person) in &after {
            if person.status == "active" || person.deleted_at.is_some() {
                members.insert(id.clone());
            }
        }
        days.push(after);
    }

    let session = &mut stage.session;
    for (day, everyone) in days.iter().enumerate() {
        // At the refresh itself on even days, and just before the next one on odd days.
        let moment = match day % 2 {
            0 => start + Days::new(day as u64),
            _ => start + Days::new(day as u64 + 1) - chrono::Duration::milliseconds(1),
        };
        let found = recorded(session, moment);
        for (id, person) in everyone {
            assert_eq!(found.get(id), Some(person), "day {day}, {id}");
        }
        assert_eq!(found.len(), everyone.len(), "day {day}");
    }
    assert!(moved > 30, "{moved}");
    // Before the first refresh nothing is known, and that is not the same as nobody.
    let error = session.error(&format!(
        "SELECT * FROM pluralsight_copy.accounts_at('{}')",
        (start - chrono::Duration::milliseconds(1)).to_rfc3339()
    ));
    assert_eq!(error.code, "22023");
    assert!(
        error.message.starts_with("history does not reach back to "),
        "{error:?}"
    );

    let told: BTreeMap<String, usize> = session.rows("SELECT change, count(*) FROM pluralsight_copy.changes_between('-infinity', 'infinity') GROUP BY change")
        .into_iter()
        .map(|row| {
            let [change, number]: [Option<String>; 2] = row.try_into().expect("two columns");
            (
                change.expect("a change"),
                number.and_then(|number| number.parse().ok()).expect("a number"),
            )
        })
        .collect();
    let expected: BTreeMap<String, usize> = events
        .iter()
        .map(|(change, number)| ((*change).to_owned(), *number))
        .collect();
    assert_eq!(told, expected);
    assert!(
        expected.values().all(|number| *number > 3),
        "not much happens in this organization: {expected:?}"
    );
    // A part of the time holds the changes of that part.
    let middle = start + Days::new(DAYS / 2);
    assert_eq!(
        session.value(&format!(
            "SELECT (SELECT count(*) FROM pluralsight_copy.changes_between('-infinity', '{0}')) + (SELECT count(*) FROM pluralsight_copy.changes_between('{0}', 'infinity'))",
            middle.to_rfc3339()
        )),
        told.values().sum::<usize>().to_string()
    );
    // No version says the same as the one before it, and no two of a person overlap.
    assert_eq!(
        session.value(
            "SELECT count(*) FROM (
                SELECT to_jsonb(h) - '{valid_from,valid_to}'::text[] AS facts, h.valid_from, h.user_id,
                       lag(to_jsonb(h) - '{valid_from,valid_to}'::text[]) OVER person AS facts_before, lag(h.valid_to) OVER person AS end_before
                FROM pluralsight_copy.account_history h WINDOW person AS (PARTITION BY user_id ORDER BY valid_from)
             ) AS version WHERE facts = facts_before OR end_before <> valid_from OR (end_before IS NULL AND facts_before IS NOT NULL)"
        ),
        "0"
    );
    // A row a day a product.
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_copy.license_history"),
        (DAYS as usize * organization.products().len()).to_string()
    );
}
