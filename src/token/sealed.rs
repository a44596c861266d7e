//! A token that is encrypted where it stands: safe in a dump, in `pg_foreign_server`, in a log. It opens only under the
//! key file on this server's host.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use pgrx::PgSqlErrorCode;

use super::file;
use crate::error::{FdwError, Result};
use crate::settings;

/// What every sealed token begins with; the number is that of the format: nonce (24 bytes) and XChaCha20-Poly1305
/// ciphertext, in Base64.
const PREFIX: &str = "sealed:1:";
/// Bound to each ciphertext together with the server's name, so that who reads the text in `pg_foreign_server` cannot
/// use it at a server of another name.
const PURPOSE: &str = "pluralsight_fdw API token for server ";
const NONCE: usize = 24;
const KEY: usize = 32;

/// Encrypts a token under the key file, for the server of that name.
pub fn seal(token: &str, server: &str) -> Result<String> {
    let token = token.trim();
    // Now, rather than when somebody needs it.
    pluralsight_api::Token::new(token).map_err(|error| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("this cannot be an API token: {error}"),
        )
    })?;
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let sealed = cipher()?
        .encrypt(
            &nonce,
            Payload {
                msg: token.as_bytes(),
                aad: bound(server).as_bytes(),
            },
        )
        .map_err(|_| FdwError::internal("the token cannot be encrypted"))?;
    Ok(format!(
        "{PREFIX}{}",
        STANDARD.encode([nonce.as_slice(), &sealed].concat())
    ))
}

/// Decrypts what [`seal`] made for the server of that name.
pub fn open(sealed: &str, server: &str) -> Result<String> {
    let again = format!(
        "Seal the token again, SELECT pluralsight_fdw.seal('…', '{}'); or bring the key file of the server that sealed it.",
        server.replace('\'', "''")
    );
    let bytes = decode(sealed).ok_or_else(|| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
            "the sealed API token is damaged",
        )
        .hint(again.clone())
    })?;
    let (nonce, ciphertext) = bytes.split_at(NONCE);
    let opened = cipher()?
        .decrypt(XNonce::from_slice(nonce), Payload { msg: ciphertext, aad: bound(server).as_bytes() })
        .map_err(|_| {
            FdwError::new(PgSqlErrorCode::ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION, "the sealed API token does not open under this server's key file")
                .detail(format!("It was sealed under another key, as after a restore on another host; or for a foreign server of another name than \"{server}\"; or it was changed."))
                .hint(again)
        })?;
    String::from_utf8(opened).map_err(|_| FdwError::internal("a sealed token that is not UTF-8"))
}

fn bound(server: &str) -> String {
    format!("{PURPOSE}{server}")
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
    let text = file::read(&path).map_err(|mut error| {
        error.message = error.message.replace("the API token", "the key of sealed API tokens");
        if error.code == PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE {
            return error;
        }
        error.hint("SELECT pluralsight_fdw.create_key_file(); makes one, where there is none. After a restore on another host, bring the key file along or seal the token again.")
    })?;
    let bytes = STANDARD
        .decode(text.trim())
        .ok()
        .filter(|bytes| bytes.len() == KEY)
        .ok_or_else(|| {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR,
                format!("file \"{path}\" does not hold a key: {KEY} bytes in Base64"),
            )
            .hint("Bring back the file that SELECT pluralsight_fdw.create_key_file(); made; or make another, and seal every token again.")
        })?;
    Ok(XChaCha20Poly1305::new(Key::from_slice(&bytes)))
}

fn key_file() -> Result<String> {
    settings::KEY_FILE
        .get()
        .and_then(|path| path.into_string().ok())
        .filter(|path| !path.is_empty())
        .ok_or_else(|| {
            FdwError::new(PgSqlErrorCode::ERRCODE_CONFIG_FILE_ERROR, "sealed API tokens can be neither made nor opened: no key file is set")
                .hint("A superuser sets it: ALTER SYSTEM SET pluralsight_fdw.key_file = '/etc/postgresql/pluralsight_fdw.key'; SELECT pg_reload_conf(); SELECT pluralsight_fdw.create_key_file();")
        })
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
