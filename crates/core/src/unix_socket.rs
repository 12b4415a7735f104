//! What stream and datagram UNIX sockets share: opening one, converting names, and the socket file behind a path.
//!
//! Called on the JavaScript thread. Every call here is short: UNIX sockets bind and connect within the call.
//!
//! # Invariants
//!
//! 1. A file is replaced only if it is a socket file and no socket is bound to it any more. Any other file stays
//!    (CONNECT-4).
//! 2. On close, the file is removed only if it is the one that was made, by device and inode. A file that has taken
//!    its place stays.
//! 3. A stream socket gets its permissions before it listens, so that no client can connect under wider ones.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, SocketAddrUnix};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::unix::SocketAddr;

use crate::{
    address::UnixName,
    system::{self, Call},
};

/// A send to a closed peer is an error and not a `SIGPIPE`. Apple's systems lack the flag; Node ignores the signal
/// there.
#[cfg(not(target_vendor = "apple"))]
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::empty();

/// Linux returns the true length of a datagram that does not fit. Elsewhere truncation cannot be seen this way.
#[cfg(target_os = "linux")]
pub(crate) const RECEIVE_FLAGS: RecvFlags = RecvFlags::TRUNC;
#[cfg(not(target_os = "linux"))]
pub(crate) const RECEIVE_FLAGS: RecvFlags = RecvFlags::empty();

/// Opens a non-blocking socket.
///
/// # Errors
///
/// The system's, when it gives no more descriptors.
pub(crate) fn open(kind: Type) -> io::Result<Socket> {
    let socket = system::call(Call::Open, || Socket::new(Domain::UNIX, kind, None))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Connects to `name`, within the call.
///
/// # Errors
///
/// The system's; `ENAMETOOLONG` for a name that does not fit, `ENOTSUP` for an abstract one except on Linux.
pub(crate) fn connect(socket: &Socket, name: &UnixName) -> io::Result<()> {
    socket.connect(&system_address(name)?)
}

/// The name in an address of the standard library or tokio.
pub(crate) fn name_of(address: &SocketAddr) -> UnixName {
    if let Some(path) = address.as_pathname() {
        return UnixName::new(path.as_os_str().as_bytes());
    }
    abstract_name_of(address).unwrap_or_default()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name_of(address: &SocketAddr) -> Option<UnixName> {
    let name = address.as_abstract_name()?;
    Some(UnixName::new(&[&[0], name].concat()))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name_of(_: &SocketAddr) -> Option<UnixName> {
    None
}

/// The name in an address of rustix.
pub(crate) fn name_in(address: SocketAddrAny) -> UnixName {
    let Ok(address) = SocketAddrUnix::try_from(address) else {
        return UnixName::default();
    };
    if let Some(path) = address.path_bytes() {
        return UnixName::new(path);
    }
    abstract_name_in(&address).unwrap_or_default()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name_in(address: &SocketAddrUnix) -> Option<UnixName> {
    // rustix gives an unnamed socket an empty abstract name.
    let name = address.abstract_name().filter(|name| !name.is_empty())?;
    Some(UnixName::new(&[&[0], name].concat()))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name_in(_: &SocketAddrUnix) -> Option<UnixName> {
    None
}

/// The file that a socket of ours is bound to. Dropping this removes the file (invariant 2).
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Binds `socket` to `name`, replacing a stale file (invariant 1), and gives the file the permission bits `mode`
/// (invariant 3). Returns the file; an abstract name has none.
///
/// # Errors
///
/// The system's: `EADDRINUSE` if the name is taken; as for [`connect`].
pub(crate) fn bind(socket: &Socket, name: &UnixName, mode: Option<u32>) -> io::Result<Option<SocketFile>> {
    let address = system_address(name)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && !name.is_abstract() => {
            if !remove_stale(path_of(name), &address) {
                return Err(error);
            }
            socket.bind(&address)?;
        }
        outcome => outcome?,
    }
    if name.is_abstract() {
        return Ok(None);
    }
    let path = path_of(name);
    let found = fs::symlink_metadata(path)?;
    let file = SocketFile {
        // The working directory may have changed by the time the file is removed.
        path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        device: found.dev(),
        inode: found.ino(),
    };
    if let Some(mode) = mode
        && found.mode() & 0o777 != mode
    {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(Some(file))
}

impl SocketFile {
    fn is(&self, found: &fs::Metadata) -> bool {
        found.dev() == self.device && found.ino() == self.inode
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| self.is(&found)) {
            // A failure leaves a stale file. The next socket to bind there replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the file if no socket is bound to it (invariant 1). True if the name is free then.
///
/// A datagram socket probes it. It does not show up in the queue of a stream server, which answers "wrong type" even
/// before it listens.
fn remove_stale(path: &Path, address: &SockAddr) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else {
        return true;
    };
    if !found.file_type().is_socket() {
        return false;
    }
    let answer = open(Type::DGRAM).and_then(|probe| probe.connect(address));
    match answer {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            let still = fs::symlink_metadata(path)
                .is_ok_and(|now| now.dev() == found.dev() && now.ino() == found.ino());
            still && fs::remove_file(path).is_ok()
        }
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(()) => false,
    }
}

fn system_address(name: &UnixName) -> io::Result<SockAddr> {
    if name.is_abstract() && !cfg!(any(target_os = "linux", target_os = "android")) {
        return Err(io::Error::from_raw_os_error(libc::ENOTSUP));
    }
    SockAddr::unix(path_of(name)).map_err(|_| io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

fn path_of(name: &UnixName) -> &Path {
    Path::new(OsStr::from_bytes(name.bytes()))
}
