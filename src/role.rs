//! Roles: who somebody is, and work done as somebody else.

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
    // SAFETY: a catalog look-up; the name is copied.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() {
            role.to_u32().to_string()
        } else {
            CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    }
}

/// Whether `role` may do whatever `other` may: it is the same, a member of it, or a superuser.
pub fn has_rights_of(role: Oid, other: Oid) -> bool {
    // SAFETY: catalog look-ups.
    unsafe { pg_sys::has_privs_of_role(role, other) }
}

/// Runs `work` as `role`, and restricted as PostgreSQL restricts what it runs for somebody else.
pub fn run_as<T>(role: Oid, work: impl FnOnce() -> Result<T>) -> Result<T> {
    if role == current() {
        return work();
    }
    let (mut caller, mut context) = (Oid::INVALID, 0);
    // SAFETY: the two are restored below; after an error the end of the transaction or subtransaction does it.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut caller, &mut context);
        pg_sys::SetUserIdAndSecContext(
            role,
            context
                | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32
                | pg_sys::SECURITY_RESTRICTED_OPERATION as i32,
        );
    }
    let result = work();
    // SAFETY: as above.
    unsafe { pg_sys::SetUserIdAndSecContext(caller, context) };
    result
}
