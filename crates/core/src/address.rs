//! The address of a socket, of whichever kind.

use std::{fmt, net::SocketAddr};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Ip(SocketAddr),
    Unix(UnixName),
}

/// The address that a text says: four numbers with dots, or IPv6, with the number of its zone if it has one (`fe80::1%2`).
/// `None` for anything else, a text with a port of its own included.
pub fn parse(address: &str, port: u16) -> Option<SocketAddr> {
    let text = if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    };
    text.parse().ok()
}

/// The name of a UNIX socket: the bytes of a path, an abstract name with its leading NUL, or none at all.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UnixName(Box<[u8]>);

impl UnixName {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is one of Linux's names that stand for no file.
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
