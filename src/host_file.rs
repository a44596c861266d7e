//! Files on the server's host that options and settings name: tokens, keys, certificate authorities.
//!
//! Whoever set the option may read the host's files, but not everybody who runs a query that needs them. So nothing of a
//! file's content is ever shown, and its path only to those who may read such files anyway.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};

use crate::error::{FdwError, Result};

/// What a file is for, and what follows from it.
pub struct Kind {
    /// As messages call it.
    holds: &'static str,
    /// Bytes; anything longer is not such a file.
    longest: u64,
    /// Permission bits of the group and of everyone that must not be set.
    forbidden: u32,
    /// Whether root's files are exempt: the system put them there, as Kubernetes and systemd do with credentials.
    trusts_root: bool,
    /// What those bits allow.
    allows: &'static str,
    /// The change of mode that takes them away.
    chmod: &'static str,
}

pub const TOKEN: Kind = Kind {
    holds: "the API token",
    ..SECRET
};
pub const KEY: Kind = Kind {
    holds: "the key of sealed API tokens",
    ..SECRET
};
const SECRET: Kind = Kind {
    holds: "",
    longest: 16 * 1024,
    forbidden: 0o044,
    trusts_root: true,
    allows: "read",
    chmod: "600",
};
/// They are public. But whoever can add one can read what is sent.
pub const AUTHORITIES: Kind = Kind {
    holds: "the certificate authorities",
    longest: 4 * 1024 * 1024,
    forbidden: 0o022,
    trusts_root: false,
    allows: "written",
    chmod: "go-w",
};

const PIECE: usize = 64 * 1024;

/// The file's bytes.
pub fn read(path: &str, kind: &Kind) -> Result<Vec<u8>> {
    let problem = |what: String| {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
            format!("{} cannot be read from {}: {what}", kind.holds, shown(path)),
        )
        .hint("It must be a regular file that the operating-system user of the PostgreSQL server may read.")
    };
    // Without waiting: a pipe that nobody writes to would hold the backend up where nothing can interrupt it.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| problem(error.to_string()))?;
    // Of the open file, not of the path: nobody can swap it in between.
    let about = file
        .metadata()
        .map_err(|error| problem(error.to_string()))?;
    if !about.is_file() {
        return Err(problem("it is not a regular file".to_owned()));
    }
    if about.mode() & kind.forbidden != 0 && !(kind.trusts_root && about.uid() == 0) {
        return Err(too_open(path, kind));
    }
    let too_long = || problem(format!("it is longer than {} bytes", kind.longest));
    if about.len() > kind.longest {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    loop {
        // A network file system can be slow.
        pgrx::check_for_interrupts!();
        let read = Read::by_ref(&mut file)
            .take(PIECE as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| problem(error.to_string()))?;
        if bytes.len() as u64 > kind.longest {
            return Err(too_long());
        }
        if read == 0 {
            return Ok(bytes);
        }
    }
}

/// The file's text, without the white space around it: a file ends in a line break, more often than not.
pub fn read_text(path: &str, kind: &Kind) -> Result<String> {
    let bytes = read(path, kind)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
            format!(
                "{} cannot be read from {}: it is not a text file",
                kind.holds,
                shown(path)
            ),
        )),
    }
}

fn too_open(path: &str, kind: &Kind) -> FdwError {
    let error = FdwError::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!(
            "{}, which holds {}, can be {} by others",
            shown(path),
            kind.holds,
            kind.allows
        ),
    );
    if may_see_paths() {
        error.hint(format!(
            "chmod {} '{}'",
            kind.chmod,
            path.replace('\'', r"'\''")
        ))
    } else {
        error.hint(format!(
            "An administrator of the server can run chmod {} on it.",
            kind.chmod
        ))
    }
}

/// The file, as a message may name it to the current user.
pub fn shown(path: &str) -> String {
    if may_see_paths() {
        format!("file \"{path}\"")
    } else {
        "the file that an administrator has set".to_owned()
    }
}

fn may_see_paths() -> bool {
    // SAFETY: reads of the backend's own state and of the role catalogs.
    unsafe {
        pg_sys::superuser()
            || pg_sys::has_privs_of_role(
                pg_sys::GetUserId(),
                Oid::from(pg_sys::ROLE_PG_READ_SERVER_FILES),
            )
    }
}
