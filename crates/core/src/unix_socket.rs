//! What UNIX sockets of every type have in common: making one, its name, and the file that a path is.
//!
//! Invariants:
//! 1. A file is replaced only where no socket is bound to it any more, and nothing but a socket ever is.
//! 2. The file that is removed in the end is the one that was made: whatever has taken its place stays.

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

/// A peer that has gone is an error of the call, and no signal. Apple's systems have no such flag, and Node ignores the signal.
#[cfg(not(target_vendor = "apple"))]
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
pub(crate) const SEND_FLAGS: SendFlags = SendFlags::empty();

/// Tells how long a datagram is that does not fit, where the system can.
#[cfg(target_os = "linux")]
pub(crate) const RECEIVE_FLAGS: RecvFlags = RecvFlags::TRUNC;
#[cfg(not(target_os = "linux"))]
pub(crate) const RECEIVE_FLAGS: RecvFlags = RecvFlags::empty();

/// A socket that does not block.
pub(crate) fn open(kind: Type) -> io::Result<Socket> {
    let socket = system::call(Call::Open, || Socket::new(Domain::UNIX, kind, None))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(crate) fn connect(socket: &Socket, name: &UnixName) -> io::Result<()> {
    socket.connect(&system_address(name)?)
}

/// The name in an address that the system gave.
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

/// The same, in another form.
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
    // A socket without a name has an empty one here.
    let name = address.abstract_name().filter(|name| !name.is_empty())?;
    Some(UnixName::new(&[&[0], name].concat()))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name_in(_: &SocketAddrUnix) -> Option<UnixName> {
    None
}

/// A file that is there because a socket of ours is bound to it. It goes when this is dropped (invariant 2).
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// Binds, and gives the file its permissions. Nobody can connect to a stream socket before it listens.
///
/// An abstract name has no file.
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
        // The working folder may be another one by then.
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
            // Failing leaves a stale file behind: the next one to bind there replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a file to which no socket is bound. A datagram socket asks: a stream server is not disturbed by it, and says that
/// its type is another, even before it listens.
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
