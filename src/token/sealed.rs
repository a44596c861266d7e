//! A token that is encrypted where it stands: safe in a dump, in `pg_foreign_server`, in a log. It opens only under the
//! key file on this server's host, and only in the database, at the foreign server and for the role that it was sealed
//! for.

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pluralsight_catalog::quote_literal;
use serde::{Deserialize, Serialize};

use crate::error::{FdwError, Result};
use crate::{host_file, settings};

/// What every sealed token begins with; the number is that of the format: nonce (24 bytes) and XChaCha20-Poly1305
/// ciphertext of a JSON object, in Base64.
const PREFIX: &str = "sealed:1:";
/// Authenticated with each ciphertext, so that nothing else that the key may ever encrypt passes for a token.
const PURPOSE: &[u8] = b"pluralsight_fdw API token";
const NONCE: usize = 24;
const KEY: usize = 32;

/// Where a sealed token may be used. All of it is ids: a rename changes nothing, and an object of the same name in
/// another place is another object. A restored dump is another database, so the token has to be sealed again there.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Of the cluster: its physical copies, such as standbys, have the same.
    system: u64,
    database: u32,
    server: u32,
    /// The role whose mapping it stands in; 0 in the mapping for PUBLIC and on the server, where it counts for all.
    role: u32,
}

impl Bound {
    /// In this database.
    pub fn here(server: Oid, role: Oid) -> Bound {
        // SAFETY: reads of the backend's own state.
        let (system, database) = unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId) };
        Bound {
            system,
            database: database.to_u32(),
            server: server.to_u32(),
            role: role.to_u32(),
        }
    }

    /// What keeps a token that was sealed for `self` from being used at `place`.
    fn differs(self, place: Bound) -> Option<&'static str> {
        if (self.system, self.database) != (place.system, place.database) {
            Some("in another database")
        } else if self.server != place.server {
            Some("for another foreign server")
        } else if self.role != place.role {
            Some("for another role")
        } else {
            None
        }
    }
}

/// What is encrypted. That the place is inside, and not only authenticated beside it, is what lets an error say why a
/// token does not open.
#[derive(Serialize, Deserialize)]
struct Content {
    bound: Bound,
    token: String,
}

/// Encrypts a token under the key file, to be used at that place alone.
pub fn seal(token: &str, bound: Bound) -> Result<String> {
    let token = token.trim().to_owned();
    // Now, rather than when somebody needs it.
    pluralsight_api::Token::new(token.as_str()).map_err(|error| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("this cannot be an API token: {error}"),
        )
    })?;
    let content = serde_json::to_vec(&Content { bound, token })
        .map_err(|_| FdwError::internal("the token cannot be written"))?;
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let sealed = cipher()?
        .encrypt(
            &nonce,
            Payload {
                msg: &content,
                aad: PURPOSE,
            },
        )
        .map_err(|_| FdwError::internal("the token cannot be encrypted"))?;
    Ok(format!(
        "{PREFIX}{}",
        STANDARD.encode([nonce.as_slice(), &sealed].concat())
    ))
}

/// Decrypts what [`seal`] made for that place. `again` is the HINT that says how to seal it anew.
pub fn open(sealed: &str, place: Bound, again: &str) -> Result<String> {
    let refused = |message: String| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
            message,
        )
        .hint(again)
    };
    let bytes = decode(sealed).ok_or_else(|| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
            "the sealed API token is damaged",
        )
        .hint(again)
    })?;
    let (nonce, ciphertext) = bytes.split_at(NONCE);
    let opened = cipher()?
        .decrypt(
            XNonce::from_slice(nonce),
            Payload {
                msg: ciphertext,
                aad: PURPOSE,
            },
        )
        .map_err(|_| {
            refused("the sealed API token does not open under this server's key file".to_owned())
                .detail(
                    "It was sealed under another key, perhaps on another host; or it was changed.",
                )
        })?;
    let content: Content = serde_json::from_slice(&opened)
        .map_err(|_| FdwError::internal("a sealed token that is not what was sealed"))?;
    match content.bound.differs(place) {
        None => Ok(content.token),
        Some(difference) => Err(refused(format!(
            "the sealed API token was sealed {difference}"
        ))
        .detail(
            "A sealed token works only in the database, at the foreign server and for the role that it was sealed for. A dump that is restored is another database.",
        )),
    }
}

/// Whether the text has the form of a sealed token.
pub fn is_sealed(text: &str) -> bool {
    decode(text).is_some()
}

fn decode(sealed: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(sealed.trim().strip_prefix(PREFIX)?).ok()?;
    (bytes.len() > NONCE).then_some(bytes)
}

fn cipher() -> Result<XChaCha20Poly1305> {
    let path = key_file()?;
    let text = host_file::read_text(&path, &host_file::KEY).map_err(|error| {
        if error.code == PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE {
            return error;
        }
        error.hint("After a restore on another host, bring the key file along. Or make a new one, and seal the token again: SELECT pluralsight_fdw.create_key_file();")
    })?;
    let bytes = STANDARD
        .decode(text)
        .ok()
        .filter(|bytes| bytes.len() == KEY)
        .ok_or_else(|| {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
                format!(
                    "{} does not hold a key: {KEY} bytes in Base64",
                    host_file::shown(&path)
                ),
            )
            .hint("Bring back the file as it was. Or remove it, make another, and seal every token again: SELECT pluralsight_fdw.create_key_file();")
        })?;
    Ok(XChaCha20Poly1305::new(Key::from_slice(&bytes)))
}

fn key_file() -> Result<String> {
    settings::KEY_FILE
        .get()
        .and_then(|path| path.into_string().ok())
        .filter(|path| !path.is_empty())
        .ok_or_else(|| {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
                "sealed API tokens can be neither made nor opened: no key file is set",
            )
            .hint(set_key_file())
        })
}

/// How to set the key file and make it. The pause lets the session hear of the setting.
fn set_key_file() -> String {
    // SAFETY: reads of the backend's own state; the data directory is a NUL-terminated string that lasts.
    let data = unsafe {
        if !pg_sys::superuser() {
            return "A superuser has to set pluralsight_fdw.key_file.".to_owned();
        }
        CStr::from_ptr(pg_sys::DataDir)
            .to_string_lossy()
            .into_owned()
    };
    // Beside the data directory, because it must not be in a base backup of it.
    let path = Path::new(&data)
        .parent()
        .unwrap_or(Path::new("/"))
        .join("pluralsight_fdw.key");
    format!(
        "Set it and make it: ALTER SYSTEM SET pluralsight_fdw.key_file = {}; SELECT pg_reload_conf(); SELECT pg_sleep(1); SELECT pluralsight_fdw.create_key_file();",
        quote_literal(&path.display().to_string())
    )
}

/// Makes a new key file, which must not exist yet: another key would lock out every token sealed under the old one.
pub fn create_key_file() -> Result<String> {
    let path = key_file()?;
    let key = XChaCha20Poly1305::generate_key(&mut OsRng);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| {
            file.write_all(format!("{}\n", STANDARD.encode(key)).as_bytes())
                .and_then(|()| file.sync_all())
        });
    written.map_err(|error| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_IO_ERROR,
            format!("the key file \"{path}\" cannot be made: {error}"),
        )
    })?;
    Ok(path)
}
