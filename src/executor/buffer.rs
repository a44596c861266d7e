//! Records kept for a second reader: a few in memory, more in a tuplestore, which spills to disk past `work_mem`.

use std::ffi::CString;

use pgrx::pg_sys::{self, Datum};
use serde_json::Value as Json;

use crate::error::{FdwError, Result};

/// Bytes of records that one buffer keeps itself; a look-up's answer fits, a table does not.
const IN_MEMORY: usize = 256 * 1024;

/// Records in the order in which they came, readable by several readers at their own pace.
pub struct Buffer {
    /// Where the tuplestore and its slot live: the query's memory context.
    context: pg_sys::MemoryContext,
    memory: Vec<Box<str>>,
    bytes: usize,
    spilled: Option<Spilled>,
    length: usize,
    /// Read pointers whose readers have gone: a tuplestore never frees one.
    free: Vec<i32>,
}

struct Spilled {
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
    descriptor: pg_sys::TupleDesc,
}

/// A reader's place in a buffer.
#[derive(Clone, Copy, Default)]
pub struct Place {
    position: usize,
    /// The tuplestore's read pointer, once the reader has come that far.
    pointer: Option<i32>,
}

impl Place {
    /// Back to the first record.
    pub fn rewind(&mut self, buffer: &Buffer) {
        self.position = 0;
        if let (Some(pointer), Some(spilled)) = (self.pointer, &buffer.spilled) {
            // SAFETY: the pointer was allocated in this very tuplestore.
            unsafe {
                pg_sys::tuplestore_select_read_pointer(spilled.store, pointer);
                pg_sys::tuplestore_rescan(spilled.store);
                pg_sys::tuplestore_select_read_pointer(spilled.store, 0);
            }
        }
    }
}

impl Buffer {
    /// An empty buffer that lives no longer than `context`.
    pub fn new(context: pg_sys::MemoryContext) -> Buffer {
        Buffer {
            context,
            memory: Vec::new(),
            bytes: 0,
            spilled: None,
            length: 0,
            free: Vec::new(),
        }
    }

    /// Takes back the place of a reader that is done.
    pub fn release(&mut self, place: Place) {
        self.free.extend(place.pointer);
    }

    pub fn push(&mut self, record: &Json) -> Result<()> {
        let text = record.to_string();
        self.length += 1;
        if self.spilled.is_none() && self.bytes + text.len() <= IN_MEMORY {
            self.bytes += text.len();
            self.memory.push(text.into_boxed_str());
            return Ok(());
        }
        let spilled = self
            .spilled
            .get_or_insert_with(|| Spilled::begin(self.context));
        // serde_json writes control characters as escapes, so there is no NUL in it.
        let text = CString::new(text).map_err(|_| FdwError::internal("a NUL in JSON text"))?;
        // SAFETY: the tuplestore copies the row; the text datum lives in the current, short-lived memory context.
        unsafe {
            let mut value = Datum::from(pg_sys::cstring_to_text_with_len(
                text.as_ptr(),
                text.as_bytes().len() as i32,
            ));
            let mut is_null = false;
            pg_sys::tuplestore_putvalues(
                spilled.store,
                spilled.descriptor,
                &mut value,
                &mut is_null,
            );
            pg_sys::pfree(value.cast_mut_ptr());
        }
        Ok(())
    }

    /// The record at the reader's place, which moves on; `None` at the end of what there is so far.
    pub fn next(&mut self, place: &mut Place) -> Result<Option<Json>> {
        if place.position >= self.length {
            return Ok(None);
        }
        let record = if let Some(text) = self.memory.get(place.position) {
            parse(text.as_bytes())?
        } else {
            let spilled = self
                .spilled
                .as_ref()
                .ok_or_else(|| FdwError::internal("a record that was not kept"))?;
            spilled.read(place, &mut self.free)?
        };
        place.position += 1;
        Ok(Some(record))
    }

    /// Forgets every record and gives back memory and temporary files; nobody may hold a [`Place`] in it any more. To be
    /// called at the normal end of a query; after an error the query's memory context and resource owner see to it.
    pub fn end(&mut self) {
        self.memory = Vec::new();
        self.bytes = 0;
        self.length = 0;
        self.free.clear();
        if let Some(spilled) = self.spilled.take() {
            // SAFETY: both were made by Spilled::begin and are used by nobody else.
            unsafe {
                pg_sys::ExecDropSingleTupleTableSlot(spilled.slot);
                pg_sys::tuplestore_end(spilled.store);
            }
        }
    }
}

impl Spilled {
    fn begin(context: pg_sys::MemoryContext) -> Spilled {
        // SAFETY: everything is allocated in the query's memory context, which outlives this buffer; the slot reads
        // what the store holds: minimal tuples of one text column.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(context);
            let descriptor = pg_sys::CreateTemplateTupleDesc(1);
            pg_sys::TupleDescInitEntry(descriptor, 1, c"record".as_ptr(), pg_sys::TEXTOID, -1, 0);
            let slot =
                pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
            // Read pointer 0 stays at the start, so that a new reader's copy of it starts there.
            let store = pg_sys::tuplestore_begin_heap(false, false, pg_sys::work_mem);
            pg_sys::MemoryContextSwitchTo(before);
            Spilled {
                store,
                slot,
                descriptor,
            }
        }
    }

    fn read(&self, place: &mut Place, free: &mut Vec<i32>) -> Result<Json> {
        // SAFETY: the read pointer belongs to this store; the tuple is copied out of the slot before it is cleared.
        unsafe {
            let (pointer, used) = match (place.pointer, free.pop()) {
                (Some(pointer), spare) => {
                    free.extend(spare);
                    (pointer, false)
                }
                (None, Some(pointer)) => (pointer, true),
                (None, None) => (
                    pg_sys::tuplestore_alloc_read_pointer(
                        self.store,
                        pg_sys::EXEC_FLAG_REWIND as i32,
                    ),
                    false,
                ),
            };
            place.pointer = Some(pointer);
            pg_sys::tuplestore_select_read_pointer(self.store, pointer);
            if used {
                pg_sys::tuplestore_rescan(self.store);
            }
            let found = pg_sys::tuplestore_gettupleslot(self.store, true, false, self.slot);
            let record = if found {
                pg_sys::slot_getsomeattrs_int(self.slot, 1);
                let packed =
                    pg_sys::pg_detoast_datum_packed((*(*self.slot).tts_values).cast_mut_ptr());
                parse(pgrx::varlena::varlena_to_byte_slice(packed))
            } else {
                Err(FdwError::internal("the tuplestore ended early"))
            };
            ((*(*self.slot).tts_ops)
                .clear
                .expect("every slot type can be cleared"))(self.slot);
            pg_sys::tuplestore_select_read_pointer(self.store, 0);
            record
        }
    }
}

fn parse(text: &[u8]) -> Result<Json> {
    serde_json::from_slice(text)
        .map_err(|error| FdwError::internal(format!("a kept record cannot be read: {error}")))
}
