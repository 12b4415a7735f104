//! The ends of a child's standard streams. The child's ends block, as programs expect; this side's ends do not.
//!
//! They are pipes, and not pairs of sockets as in Node: opening `/dev/stdin` or `/dev/stdout` fails with `ENXIO` for
//! a socket, and a program that checks what it writes to finds the same as in a shell.

use std::{fs::OpenOptions, io, os::fd::OwnedFd};

use crate::{
    address::{Address, UnixName},
    streams::{Connection, StreamSocket},
    system::{self, Call},
};

/// Where a standard stream of the child leads.
#[derive(Debug)]
pub enum Standard {
    /// To this process, through a pipe.
    Pipe,
    /// To `/dev/null`.
    Null,
    /// To the file behind this descriptor, which is a copy and is closed after the start.
    Descriptor(OwnedFd),
    /// Only for the error stream: to the same place as the output.
    Output,
}

/// The child's reading end, and this side's writing end if there is a pipe.
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

/// The child's writing end, and this side's reading end if there is a pipe.
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

/// The child's end where there is no pipe.
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
