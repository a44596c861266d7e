//! How the thread of the network tells the other side that something has happened.

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Makes the other side's descriptor readable.
#[derive(Debug)]
pub(crate) struct Wake(pub(crate) EventFd);

impl Wake {
    pub fn new() -> std::io::Result<Wake> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Wake(EventFd::from_value_and_flags(0, flags)?))
    }

    pub fn wake(&self) {
        // It can only fail if the counter is full, and then the descriptor is readable.
        let _ = self.0.write(1);
    }

    pub fn clear(&self) {
        // There is nothing to read if nothing was sent meanwhile.
        let _ = self.0.read();
    }
}
