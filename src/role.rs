//! Roles: who somebody is, and work done as somebody else, the way PostgreSQL itself runs `REFRESH MATERIALIZED VIEW`.

use std::ffi::CStr;

use pgrx::pg_sys::{self, Oid};

use crate::error::Result;

/// The role whose rights count now.
pub fn current() -> Oid {
    // SAFETY: reads the backend's own state.
    unsafe { pg_sys::GetUserId() }
}

/// The role's name; its number if it is gone.
pub fn name(role: Oid) -> String {
    // SAFETY: with missing_ok the look-up answers null for a role that is gone; the name is copied.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() {
            role.to_u32().to_string()
        } else {
            CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    }
}

/// Whether `role` may do whatever `other` may: it is the same, a member of it with its rights, or a superuser.
pub fn has_rights_of(role: Oid, other: Oid) -> bool {
    // SAFETY: catalog look-ups; an unknown role is nobody's.
    unsafe { pg_sys::has_privs_of_role(role, other) }
}

/// Whether a role is the current one, or one that it belongs to by GRANT. That a superuser may act for everybody does not
/// count: what belongs to another role is in that role's hands.
pub fn is_own(role: Oid) -> bool {
    // SAFETY: look-ups in the role catalogs.
    unsafe { pg_sys::is_member_of_role_nosuper(current(), role) }
}

/// Runs `work` as `role` in a security-restricted operation: with that role's rights and no others, and unable to change
/// role. After an ERROR the abort of the surrounding transaction or subtransaction takes it back.
pub fn run_as<T>(role: Oid, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (mut caller, mut context) = (Oid::INVALID, 0);
    // SAFETY: reads the backend's own state, and sets it to a role that exists because it owns something.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut caller, &mut context);
        pg_sys::SetUserIdAndSecContext(
            role,
            context
                | (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION)
                    as i32,
        );
    }
    let result = work();
    // SAFETY: the state from before.
    unsafe { pg_sys::SetUserIdAndSecContext(caller, context) };
    result
}
