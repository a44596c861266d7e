//! PostgreSQL's lists.

use pgrx::pg_sys;

/// The pointers that a list holds.
///
/// # Safety
/// `list` must be NIL or a list of pointers to `T`.
pub unsafe fn members<T>(list: *mut pg_sys::List) -> Vec<*mut T> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: the caller vouches for the list, whose cells are `length` many.
    unsafe {
        let cells = std::slice::from_raw_parts((*list).elements, (*list).length as usize);
        cells.iter().map(|cell| cell.ptr_value.cast()).collect()
    }
}

/// The first integer that a list holds.
///
/// # Safety
/// `list` must be a list of integers with at least one.
pub unsafe fn first_integer(list: *mut pg_sys::List) -> i32 {
    // SAFETY: the caller vouches for the list.
    unsafe { (*(*list).elements).int_value }
}
