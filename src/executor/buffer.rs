//! Records kept for a second reader: a few in memory, more in a tuplestore, which spills to disk past `work_mem`.

use pgrx::pg_sys::{self, Datum};
use pluralsight_api::{Batch, Problem, Row};

use super::slot;
use crate::error::{FdwError, Result};

/// Bytes of records that one buffer keeps itself; a look-up's answer fits, a table does not.
const IN_MEMORY: usize = 256 * 1024;

/// Records in the order in which they came, readable by several readers at their own pace.
pub struct Buffer {
    /// Where the tuplestore and its slot live: the query's memory context.
    context: pg_sys::MemoryContext,
    /// The first records, one after the other, and where each ends.
    memory: Vec<u8>,
    ends: Vec<usize>,
    /// What is wrong with a column where its cell says so.
    problems: Vec<Option<Problem>>,
    /// The record that was read last from disk.
    record: Vec<u8>,
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

/// A record, and what is wrong with each column where its cell says so.
pub type Kept<'a> = (Row<'a>, &'a [Option<Problem>]);

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
            ends: Vec::new(),
            problems: Vec::new(),
            record: Vec::new(),
            spilled: None,
            length: 0,
            free: Vec::new(),
        }
    }

    /// Takes back the place of a reader that is done.
    pub fn release(&mut self, place: Place) {
        self.free.extend(place.pointer);
    }

    /// Adds the records of a page.
    pub fn push(&mut self, batch: &Batch) {
        self.problems
            .resize(batch.problems().len().max(self.problems.len()), None);
        for (slot, problem) in self.problems.iter_mut().zip(batch.problems()) {
            if slot.is_none() {
                slot.clone_from(problem);
            }
        }
        for row in batch.rows() {
            self.push_row(row.bytes());
        }
    }

    fn push_row(&mut self, record: &[u8]) {
        self.length += 1;
        if self.spilled.is_none() && self.memory.len() + record.len() <= IN_MEMORY {
            self.memory.extend_from_slice(record);
            self.ends.push(self.memory.len());
            return;
        }
        let spilled = self
            .spilled
            .get_or_insert_with(|| Spilled::begin(self.context));
        // SAFETY: the tuplestore copies the row; the datum, which is a length and so many bytes, lives in the current,
        // short-lived memory context.
        unsafe {
            let mut value = Datum::from(pg_sys::cstring_to_text_with_len(
                record.as_ptr().cast(),
                record.len() as i32,
            ));
            let mut is_null = false;
            pg_sys::tuplestore_putvalues(
                spilled.store,
                spilled.descriptor,
                &raw mut value,
                &raw mut is_null,
            );
            pg_sys::pfree(value.cast_mut_ptr());
        }
    }

    /// The record at the reader's place, which moves on; `None` at the end of what there is so far.
    pub fn next(&mut self, place: &mut Place) -> Result<Option<Kept<'_>>> {
        if place.position >= self.length {
            return Ok(None);
        }
        let position = place.position;
        if let Some(&end) = self.ends.get(position) {
            place.position += 1;
            let start = match position.checked_sub(1) {
                Some(before) => self.ends.get(before).copied().unwrap_or(0),
                None => 0,
            };
            let record = self.memory.get(start..end).unwrap_or_default();
            return Ok(Some((Row::from_bytes(record), &self.problems)));
        }
        let spilled = self
            .spilled
            .as_ref()
            .ok_or_else(|| FdwError::internal("a record that was not kept"))?;
        spilled.read(place, &mut self.free, &mut self.record)?;
        place.position += 1;
        Ok(Some((Row::from_bytes(&self.record), &self.problems)))
    }

    /// Forgets every record and gives back memory and temporary files; nobody may hold a [`Place`] in it any more. To be
    /// called at the normal end of a query; after an error the query's memory context and resource owner see to it.
    pub fn end(&mut self) {
        self.memory = Vec::new();
        self.ends = Vec::new();
        self.problems = Vec::new();
        self.record = Vec::new();
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
        // what the store holds: minimal tuples of one bytea column.
        unsafe {
            let before = pg_sys::MemoryContextSwitchTo(context);
            let descriptor = pg_sys::CreateTemplateTupleDesc(1);
            pg_sys::TupleDescInitEntry(descriptor, 1, c"record".as_ptr(), pg_sys::BYTEAOID, -1, 0);
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

    fn read(&self, place: &mut Place, free: &mut Vec<i32>, record: &mut Vec<u8>) -> Result<()> {
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
            record.clear();
            let outcome = if found {
                pg_sys::slot_getsomeattrs_int(self.slot, 1);
                let packed =
                    pg_sys::pg_detoast_datum_packed((*(*self.slot).tts_values).cast_mut_ptr());
                record.extend_from_slice(pgrx::varlena::varlena_to_byte_slice(packed));
                Ok(())
            } else {
                Err(FdwError::internal("the tuplestore ended early"))
            };
            slot::clear(self.slot);
            // The pointer stays the active one: for another one, PostgreSQL would read the file's block again.
            outcome
        }
    }
}
