//! What is done to the slot of every row.

use pgrx::pg_sys;

/// Empties a slot.
///
/// # Safety
/// It must be one of PostgreSQL's, and whole.
pub unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: as the caller vouches.
    unsafe {
        ((*(*slot).tts_ops)
            .clear
            .expect("every slot type can be cleared"))(slot);
    }
}

/// Says that a slot's values have been written: `ExecStoreVirtualTuple`, without the guard that every call into PostgreSQL
/// has, since nothing here can fail.
///
/// # Safety
/// It must be an empty slot of virtual tuples, with as many values as columns.
pub unsafe fn store(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: as the caller vouches.
    unsafe {
        (*slot).tts_flags &= !(pg_sys::TTS_FLAG_EMPTY as u16);
        (*slot).tts_nvalid = (*(*slot).tts_tupleDescriptor).natts as pg_sys::AttrNumber;
    }
}
