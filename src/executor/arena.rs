//! Texts and lists of texts in PostgreSQL's own form, those of a row in one piece of memory.
//!
//! Most of a row is text. A call into PostgreSQL for each of them would take longer than to copy them does. A short text
//! comes as PostgreSQL stores it, so that it is not even copied, where the record stays as long as the row.

use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::set_varsize_4b;
use pluralsight_api::{Cell, Cells, Text};

/// Bytes in front of a text.
const TEXT_HEADER: usize = pg_sys::VARHDRSZ;
/// Bytes of a list without elements, which has no dimension.
const EMPTY_LIST: usize = size_of::<pg_sys::ArrayType>();
/// Bytes in front of the elements of a list of one dimension without nulls: behind the same header come the number of
/// elements and that of the first.
const LIST_HEADER: usize = EMPTY_LIST + 2 * size_of::<i32>();
/// The alignment of every datum, and that of a text in a list.
const DATUM_ALIGNMENT: usize = 8;
const ELEMENT_ALIGNMENT: usize = 4;
/// Memory taken where a row needs more than was expected, at least.
const MORE: usize = 256;

/// Bytes of memory that a scan keeps for its next row at most.
const KEPT: usize = 64 * 1024;

/// Memory of one scan, which its rows use one after the other.
#[derive(Default)]
pub struct Memory(Vec<u64>);

impl Memory {
    /// Its start and its size, which is at least as asked for, or nothing.
    fn room(&mut self, size: usize) -> (*mut u8, usize) {
        if size > KEPT {
            return (std::ptr::null_mut(), 0);
        }
        let words = size.div_ceil(size_of::<u64>());
        if self.0.capacity() < words {
            self.0 = Vec::with_capacity(words.next_power_of_two());
        }
        let bytes = self.0.capacity() * size_of::<u64>();
        (self.0.as_mut_ptr().cast(), bytes)
    }
}

/// The memory of a row: that of its scan, and further one of the memory context that is current.
pub struct Arena {
    next: *mut u8,
    left: usize,
    expected: usize,
    lifetime: Lifetime,
}

/// How long a record stays where it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as its row: until the scan is asked for another one, is begun again, or ends.
    OfRow,
    Shorter,
}

impl Arena {
    /// For a row that takes about so many bytes.
    pub fn new(expected: usize, lifetime: Lifetime, memory: &mut Memory) -> Arena {
        let (next, left) = memory.room(expected);
        Arena {
            next,
            left,
            expected,
            lifetime,
        }
    }

    fn take(&mut self, size: usize) -> *mut u8 {
        let size = size.next_multiple_of(DATUM_ALIGNMENT);
        if self.left < size {
            // What is left of the scan's own memory is lost to this row.
            let expected = match self.next.is_null() {
                true => std::mem::replace(&mut self.expected, MORE),
                false => MORE,
            };
            self.left = size.max(expected.next_multiple_of(DATUM_ALIGNMENT));
            // SAFETY: palloc brings that much aligned memory of the current context, or raises an error.
            self.next = unsafe { pg_sys::palloc(self.left) }.cast();
        }
        let taken = self.next;
        self.left -= size;
        // SAFETY: so much of the memory was left, so this is in it or just behind it.
        self.next = unsafe { taken.add(size) };
        taken
    }

    /// A text of the record in the database's own encoding; `None` if it holds a NUL.
    pub fn text(&mut self, text: Text<'_>) -> Option<Datum> {
        match text.stored().filter(|_| cfg!(target_endian = "little")) {
            Some(stored) if self.lifetime == Lifetime::OfRow => {
                // SAFETY: a header of one byte is part of it, so there is no alignment; PostgreSQL changes no value in
                // place, and the record stays as long as the row.
                unsafe {
                    debug_assert_eq!(
                        pgrx::varlena::varsize_1b(stored.as_ptr().cast()),
                        stored.len()
                    );
                }
                Some(Datum::from(stored.as_ptr()))
            }
            Some(_) => Some(self.plain(text.as_str())),
            None if text.as_str().contains('\0') => None,
            None => Some(self.plain(text.as_str())),
        }
    }

    /// A text, which holds no NUL.
    pub fn plain(&mut self, text: &str) -> Datum {
        let taken = self.take(TEXT_HEADER + text.len());
        // SAFETY: the header and the text fit into what was taken.
        unsafe { write_text(taken, text) };
        Datum::from(taken)
    }

    /// A list of the type that the elements have, which must be one that is stored as a text is; `None` if not all of them
    /// are texts without NUL.
    pub fn texts(&mut self, elements: Cells<'_>, of_type: Oid) -> Option<Datum> {
        let (mut count, mut size) = (0, LIST_HEADER);
        for element in elements {
            let Cell::Text(text) = element else {
                return None;
            };
            if text.stored().is_none() && text.as_str().contains('\0') {
                return None;
            }
            count += 1;
            size += element_size(text.as_str());
        }
        if count == 0 {
            return Some(self.empty_list(of_type));
        }
        let list = self.take(size);
        // SAFETY: as much was taken as the header and all elements need.
        unsafe {
            write_header(list, size, 1, of_type);
            let mut place = list.add(EMPTY_LIST);
            for number in [count, 1] {
                place.cast::<i32>().write(number);
                place = place.add(size_of::<i32>());
            }
            for element in elements {
                if let Cell::Text(text) = element {
                    let text = text.as_str();
                    let size = element_size(text);
                    // What the text does not fill up is zero, as PostgreSQL has it.
                    place.add(size - ELEMENT_ALIGNMENT).cast::<u32>().write(0);
                    write_text(place, text);
                    place = place.add(size);
                }
            }
        }
        Some(Datum::from(list))
    }

    /// A list without elements.
    pub fn empty_list(&mut self, of_type: Oid) -> Datum {
        let list = self.take(EMPTY_LIST);
        // SAFETY: as much was taken as the header needs.
        unsafe { write_header(list, EMPTY_LIST, 0, of_type) };
        Datum::from(list)
    }
}

fn element_size(text: &str) -> usize {
    (TEXT_HEADER + text.len()).next_multiple_of(ELEMENT_ALIGNMENT)
}

/// # Safety
/// `place` must be aligned for an integer, and there must be room for the header and the text.
unsafe fn write_text(place: *mut u8, text: &str) {
    // SAFETY: as the caller vouches. A length that is too much for the header was too much for palloc.
    unsafe {
        set_varsize_4b(place.cast(), (TEXT_HEADER + text.len()) as i32);
        std::ptr::copy_nonoverlapping(text.as_ptr(), place.add(TEXT_HEADER), text.len());
    }
}

/// # Safety
/// `list` must be aligned as a datum is, with room for the header of an array.
unsafe fn write_header(list: *mut u8, size: usize, dimensions: i32, of_type: Oid) {
    // SAFETY: as the caller vouches.
    unsafe {
        let header = list.cast::<pg_sys::ArrayType>();
        set_varsize_4b(header.cast(), size as i32);
        (*header).ndim = dimensions;
        (*header).dataoffset = 0;
        (*header).elemtype = of_type;
    }
}
