//! Addresses of sockets: IP and UNIX.

use std::{fmt, net::SocketAddr};

/// The address of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Of a TCP or UDP socket.
    Ip(SocketAddr),
    /// Of a UNIX socket; of a pipe, the empty name.
    Unix(UnixName),
}

/// Parses a numeric address: dotted IPv4, or IPv6 with an optional numeric zone (`fe80::1%2`). `None` for anything
/// else, also for a text that contains a port.
pub fn parse(address: &str, port: u16) -> Option<SocketAddr> {
    let text = if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    };
    text.parse().ok()
}

/// The name of a UNIX socket: the bytes of a path, an abstract name with its leading NUL byte, or nothing for an
/// unnamed socket.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UnixName(Box<[u8]>);

impl UnixName {
    /// A name of these bytes. They are not checked here.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes, an abstract name with its leading NUL.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is an abstract name: Linux's names without a file.
    pub fn is_abstract(&self) -> bool {
        self.0.first() == Some(&0)
    }
}

impl fmt::Debug for UnixName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl From<UnixName> for Address {
    fn from(name: UnixName) -> Self {
        Self::Unix(name)
    }
}
