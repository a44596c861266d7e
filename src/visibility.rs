//! Whether what a scan handles may be shown to the one who runs the statement.
//!
//! A view shows its readers what it selects, and no more; but `EXPLAIN`, warnings and errors come from below it. Keys and
//! values in them may be rows that the view hides, or rows of another table of the view that a join looks up by. So they
//! are for those who may read every table of the statement themselves.

use std::cell::Cell;

use pgrx::pg_sys::{self, Oid};

use crate::list::members;

thread_local! {
    /// Values are for nobody now.
    static HIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, whose errors show no values: others than those who may read the tables will read them.
pub fn without_values<T>(work: impl FnOnce() -> T) -> T {
    let _before = Before(HIDDEN.replace(true));
    work()
}

/// Puts the state from before back, however the work ends.
struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        HIDDEN.set(self.0);
    }
}

/// Whether the current user may read every table of the statement, by rights of their own and not only through a view.
///
/// # Safety
/// `estate` must be the executor state of a statement that is being executed or explained.
pub unsafe fn of_values(estate: *mut pg_sys::EState) -> bool {
    if HIDDEN.get() {
        return false;
    }
    // SAFETY: the caller vouches for the state; its range table lists every relation of the statement, those below
    // views included.
    unsafe {
        let user = pg_sys::GetUserId();
        members::<pg_sys::RangeTblEntry>((*estate).es_range_table)
            .into_iter()
            .filter(|&entry| {
                (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
                    && (*entry).relkind as u8 != pg_sys::RELKIND_VIEW
            })
            .all(|entry| may_read((*entry).relid, user))
    }
}

unsafe fn may_read(table: Oid, user: Oid) -> bool {
    let select = pg_sys::ACL_SELECT as pg_sys::AclMode;
    // SAFETY: catalog look-ups by id.
    unsafe {
        let granted = pg_sys::pg_class_aclcheck(table, user, select)
            == pg_sys::AclResult::ACLCHECK_OK
            || pg_sys::pg_attribute_aclcheck_all(
                table,
                user,
                select,
                pg_sys::AclMaskHow::ACLMASK_ALL,
            ) == pg_sys::AclResult::ACLCHECK_OK;
        // Under row-level security it is some of the rows.
        granted
            && pg_sys::check_enable_rls(table, user, true)
                != pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
    }
}
