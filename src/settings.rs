//! Session settings, all named `pluralsight_fdw.…`.

use std::ffi::CString;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

pub static PUSHDOWN_FILTER: GucSetting<bool> = GucSetting::<bool>::new(true);
pub static PUSHDOWN_LIMIT: GucSetting<bool> = GucSetting::<bool>::new(true);
pub static PUSHDOWN_COUNT: GucSetting<bool> = GucSetting::<bool>::new(true);
pub static PUSHDOWN_JOIN: GucSetting<bool> = GucSetting::<bool>::new(true);
pub static VERIFY_PUSHDOWN: GucSetting<bool> = GucSetting::<bool>::new(false);
/// Readings of one statement that are under way at once.
static PARALLEL_READINGS: GucSetting<i32> = GucSetting::<i32>::new(4);
/// Where the key of sealed tokens is.
pub static KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

pub fn parallel_readings() -> usize {
    usize::try_from(PARALLEL_READINGS.get()).unwrap_or(1)
}

/// Called once a backend, when the library is loaded.
pub fn define() {
    let switches = [
        (
            c"pluralsight_fdw.pushdown_filter",
            c"Let the API evaluate the conditions that it can.",
            c"Off, every condition is checked in PostgreSQL alone, at the price of reading whole tables.",
            &PUSHDOWN_FILTER,
        ),
        (
            c"pluralsight_fdw.pushdown_limit",
            c"Let a LIMIT set the size of the first page.",
            c"It is only ever used where nothing can discard a row on the way to the LIMIT.",
            &PUSHDOWN_LIMIT,
        ),
        (
            c"pluralsight_fdw.pushdown_count",
            c"Answer count(*) from the API's totalCount.",
            c"It is only ever used where the API evaluates every condition exactly as PostgreSQL does.",
            &PUSHDOWN_COUNT,
        ),
        (
            c"pluralsight_fdw.pushdown_join",
            c"Let a join ask the API for the keys of the other side.",
            c"Off, a join reads the whole table.",
            &PUSHDOWN_JOIN,
        ),
        (
            c"pluralsight_fdw.verify_pushdown",
            c"Run every scan that pushes something down a second time without, and fail on a difference.",
            c"Slow on purpose: it proves on a live API that pushing down changes no answer.",
            &VERIFY_PUSHDOWN,
        ),
    ];
    for (name, short, long, setting) in switches {
        GucRegistry::define_bool_guc(
            name,
            short,
            long,
            setting,
            GucContext::Userset,
            GucFlags::default(),
        );
    }
    GucRegistry::define_int_guc(
        c"pluralsight_fdw.parallel_readings",
        c"How many lists of one statement are read at once.",
        c"With 1 they are read one after the other. Only lists that the statement will surely read are begun early.",
        &PARALLEL_READINGS,
        1,
        16,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_string_guc(
        c"pluralsight_fdw.key_file",
        c"The file on the server's host under whose key tokens are sealed.",
        c"Absolute path; the file must be private to the operating-system user of the server, or owned by root.",
        &KEY_FILE,
        GucContext::Suset,
        GucFlags::SUPERUSER_ONLY,
    );
    crate::compat::reserve_prefix(c"pluralsight_fdw");
}
