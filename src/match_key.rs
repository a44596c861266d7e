//! `match_key(text)`: the form in which addresses, identifiers and names compare.

use pgrx::pg_sys;
use pgrx::prelude::*;

/// The function itself works on bytes, because a text is in the database's encoding, which need not be UTF-8.
#[pg_extern(sql = r#"
CREATE FUNCTION match_key(text)
RETURNS text
LANGUAGE c
IMMUTABLE STRICT PARALLEL SAFE
COST 10
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON FUNCTION match_key(text) IS
    'The form in which addresses, identifiers and names compare: without invisible characters and blanks at the ends, letters folded by Unicode''s rules whatever the locale. Null if nothing is left.';
"#)]
fn match_key(text: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: called from a query, with a text of the database, whose bytes are laid out as those of a bytea are.
    unsafe { key_of(text) }
}

/// The key of a text of the database's encoding, in the same encoding.
///
/// # Safety
/// To be called within a query; `bytes` must be valid in the database's encoding.
unsafe fn key_of(bytes: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: reads the backend's own state.
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    if encoding == pg_sys::pg_enc::PG_UTF8 as i32 {
        return Some(
            pluralsight_catalog::match_key(std::str::from_utf8(bytes).ok()?)?.into_bytes(),
        );
    }
    if encoding == pg_sys::pg_enc::PG_SQL_ASCII as i32 {
        // The encoding is not known. It is almost always UTF-8.
        return match std::str::from_utf8(bytes) {
            Ok(text) => Some(pluralsight_catalog::match_key(text)?.into_bytes()),
            Err(_) => Some(bytes.trim_ascii().to_ascii_lowercase()),
        };
    }
    // SAFETY: the caller vouches for the bytes.
    let text = unsafe { converted(bytes, encoding, pg_sys::pg_enc::PG_UTF8 as i32)? };
    let text = String::from_utf8(text).ok()?;
    let key = pluralsight_catalog::match_key(&text)?;
    // SAFETY: UTF-8.
    let in_encoding =
        unsafe { converted(key.as_bytes(), pg_sys::pg_enc::PG_UTF8 as i32, encoding) };
    if in_encoding.is_some() {
        return in_encoding;
    }
    // Some letter folds to one that the encoding lacks, as the micro sign of LATIN1 does. Such a letter is spelled by its number: any two spellings of it still have one key.
    let mut kept = Vec::with_capacity(bytes.len());
    for character in key.chars() {
        let mut buffer = [0; 4];
        let one = character.encode_utf8(&mut buffer);
        // SAFETY: UTF-8.
        match unsafe { converted(one.as_bytes(), pg_sys::pg_enc::PG_UTF8 as i32, encoding) } {
            Some(one) => kept.extend(one),
            None => kept.extend(format!("\\u{:04x}", character as u32).bytes()),
        }
    }
    Some(kept)
}

/// `bytes` in another encoding; `None` if that cannot say them.
///
/// # Safety
/// To be called within a query; `bytes` must be valid in encoding `from`.
unsafe fn converted(bytes: &[u8], from: i32, to: i32) -> Option<Vec<u8>> {
    // SAFETY: a catalog look-up, and a conversion that writes no more than the buffer holds and raises no error.
    unsafe {
        let procedure = pg_sys::FindDefaultConversionProc(from, to);
        if procedure == pg_sys::InvalidOid {
            return None;
        }
        // PostgreSQL takes no more of the source than could grow to fill the room.
        let mut room = vec![0u8; (bytes.len() + 2) * 4];
        let mut source = bytes.to_vec();
        source.push(0);
        let taken = pg_sys::pg_do_encoding_conversion_buf(
            procedure,
            from,
            to,
            source.as_mut_ptr(),
            i32::try_from(bytes.len()).ok()?,
            room.as_mut_ptr().cast(),
            i32::try_from(room.len()).ok()?,
            true,
        );
        if usize::try_from(taken).ok()? != bytes.len() {
            return None;
        }
        let length = room.iter().position(|&byte| byte == 0)?;
        room.truncate(length);
        Some(room)
    }
}
