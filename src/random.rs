//! Numbers that nobody can foresee.

use pgrx::pg_sys;

use crate::error::{FdwError, Result};

/// Any of them is as likely as any other.
pub fn number() -> Result<u64> {
    let mut bytes = [0_u8; 8];
    // SAFETY: writes as many bytes as there are.
    if !unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) } {
        return Err(FdwError::internal("no random numbers can be had"));
    }
    Ok(u64::from_le_bytes(bytes))
}
