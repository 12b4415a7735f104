//! The ends of standard streams: the child's, which block, and this side's, which do not.
//!
//! Pipes, and not pairs of sockets as Node has them: a program may open `/dev/stdin` or `/dev/stdout`, which of a socket is
//! `ENXIO`, and one that asks what it writes to finds what it finds in a shell.

use std::{fs::OpenOptions, io, os::fd::OwnedFd};

use crate::{
    address::{Address, UnixName},
    streams::{Connection, StreamSocket},
    system::{self, Call},
};

/// What becomes of a standard stream.
#[derive(Debug)]
pub enum Standard {
    Pipe,
    Null,
    /// A copy of somebody's descriptor.
    Descriptor(OwnedFd),
    /// Of the error stream: it goes where the output goes.
    Output,
}

/// What the child reads from, and where this side writes.
pub(super) fn writing_end(standard: Standard) -> io::Result<(OwnedFd, Option<Connection>)> {
    match standard {
        Standard::Pipe => {
            let (theirs, ours) = system::call(Call::Open, io::pipe)?;
            rustix::io::ioctl_fionbio(&ours, true)?;
            Ok((theirs.into(), Some(connection(StreamSocket::writing(ours)?))))
        }
        other => Ok((plain(other)?, None)),
    }
}

/// What the child writes to, and where this side reads.
pub(super) fn reading_end(standard: Standard) -> io::Result<(OwnedFd, Option<Connection>)> {
    match standard {
        Standard::Pipe => {
            let (ours, theirs) = system::call(Call::Open, io::pipe)?;
            rustix::io::ioctl_fionbio(&ours, true)?;
            Ok((theirs.into(), Some(connection(StreamSocket::reading(ours)?))))
        }
        other => Ok((plain(other)?, None)),
    }
}

fn plain(standard: Standard) -> io::Result<OwnedFd> {
    match standard {
        Standard::Descriptor(descriptor) => Ok(descriptor),
        _ => {
            let null = system::call(Call::Open, || {
                OpenOptions::new().read(true).write(true).open("/dev/null")
            })?;
            Ok(null.into())
        }
    }
}

fn connection(socket: StreamSocket) -> Connection {
    Connection::new(socket, Address::Unix(UnixName::default()))
}
