//! A token in a file on the server's host, read anew at each scan, so that a rotated token needs no reconnect.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use pgrx::PgSqlErrorCode;

use crate::error::{FdwError, Result};

/// Bytes of a token file; anything longer is not one.
const LONGEST: u64 = 16 * 1024;
/// Read permission of the file's group and of everyone.
const OTHERS_MAY_READ: u32 = 0o044;

/// The file's text. The file must be private, unless it belongs to root: then it was put there by the system, as
/// Kubernetes and systemd do with credentials.
pub fn read(path: &str) -> Result<String> {
    let problem = |what: String| {
        FdwError::new(PgSqlErrorCode::ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION, format!("the API token cannot be read from file \"{path}\": {what}"))
            .hint("It must be a regular file that the operating-system user of the PostgreSQL server may read.")
    };
    // Without waiting: a pipe that nobody writes to would hold the backend up where nothing can interrupt it.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| problem(error.to_string()))?;
    // Of the open file, not of the path: nobody can swap it in between.
    let about = file
        .metadata()
        .map_err(|error| problem(error.to_string()))?;
    if !about.is_file() {
        return Err(problem("it is no regular file".to_owned()));
    }
    if about.mode() & OTHERS_MAY_READ != 0 && about.uid() != 0 {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("file \"{path}\", which holds the API token, can be read by others"),
        )
        .hint(format!("chmod 600 '{path}'")));
    }
    let mut text = String::new();
    file.take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| problem(error.to_string()))?;
    if text.len() as u64 > LONGEST {
        return Err(problem(format!("it is longer than {LONGEST} bytes")));
    }
    Ok(text)
}
