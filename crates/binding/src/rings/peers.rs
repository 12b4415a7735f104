//! Peer records: the sender before a received datagram, the target before one to be sent. Words are in the machine's
//! order, and both directions have the same layout: TypeScript moves a received peer to the send slab without
//! decoding it.
//!
//! | words | IP, 8 words | UNIX, 32 words |
//! |---|---|---|
//! | 0 | 4, 6, or 0 for no peer | the length of the name, or [`NO_PEER`] |
//! | 1 | the port | |
//! | 2… | the address, as it is in packets: 1 word or 4 | the name, 27 words |
//! | 6 | the scope of an IPv6 address | |
//! | last | the length of a datagram to be sent | the same |

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use structio_core::address::{Address, UnixName};

const WORD: usize = 4;

pub const IP_BYTES: usize = 8 * WORD;
pub const UNIX_BYTES: usize = 32 * WORD;

/// Words of the record.
pub const FAMILY: usize = 0;
pub const PORT: usize = 1;
pub const ADDRESS: usize = 2;
pub const SCOPE: usize = 6;

/// Stands in place of the length of a UNIX name: the datagram has no target.
pub const NO_PEER: i32 = -1;

/// Where the bytes of an address or a name begin.
const NAME: usize = ADDRESS * WORD;

/// The length of `sun_path`.
const MOST_NAME: usize = UNIX_BYTES - NAME - WORD;

pub fn write(place: &mut [u8], from: &Address) {
    match from {
        Address::Ip(SocketAddr::V4(v4)) => {
            set(place, FAMILY, 4);
            set(place, PORT, i32::from(v4.port()));
            put(place, &v4.ip().octets());
        }
        Address::Ip(SocketAddr::V6(v6)) => {
            set(place, FAMILY, 6);
            set(place, PORT, i32::from(v6.port()));
            put(place, &v6.ip().octets());
            set(place, SCOPE, v6.scope_id().cast_signed());
        }
        Address::Unix(name) => {
            let bytes = name.bytes();
            let bytes = &bytes[..bytes.len().min(MOST_NAME)];
            set(place, FAMILY, i32::try_from(bytes.len()).unwrap_or(0));
            put(place, bytes);
        }
    }
}

/// The target of an IP datagram; `None` for no peer and for nonsense.
pub fn ip_target(place: &[u8]) -> Option<SocketAddr> {
    let port = u16::try_from(get(place, PORT)).ok()?;
    match get(place, FAMILY) {
        4 => {
            let octets: [u8; 4] = place.get(NAME..NAME + 4)?.try_into().ok()?;
            Some((Ipv4Addr::from(octets), port).into())
        }
        6 => {
            let octets: [u8; 16] = place.get(NAME..NAME + 16)?.try_into().ok()?;
            let scope = get(place, SCOPE).cast_unsigned();
            Some(SocketAddrV6::new(Ipv6Addr::from(octets), port, 0, scope).into())
        }
        _ => None,
    }
}

pub fn unix_target(place: &[u8]) -> Option<UnixName> {
    let length = usize::try_from(get(place, FAMILY)).ok()?;
    Some(UnixName::new(place.get(NAME..NAME + length.min(MOST_NAME))?))
}

/// The length of a datagram to be sent.
pub fn length(place: &[u8]) -> usize {
    let words = place.len() / WORD;
    words
        .checked_sub(1)
        .and_then(|last| usize::try_from(get(place, last)).ok())
        .unwrap_or(usize::MAX)
}

fn get(place: &[u8], word: usize) -> i32 {
    place
        .get(word * WORD..(word + 1) * WORD)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, i32::from_ne_bytes)
}

fn set(place: &mut [u8], word: usize, value: i32) {
    if let Some(bytes) = place.get_mut(word * WORD..(word + 1) * WORD) {
        bytes.copy_from_slice(&value.to_ne_bytes());
    }
}

fn put(place: &mut [u8], name: &[u8]) {
    if let Some(bytes) = place.get_mut(NAME..NAME + name.len()) {
        bytes.copy_from_slice(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_was_received_can_be_sent_to() {
        for text in ["127.0.0.1:53", "[fe80::1%7]:65535", "255.255.255.255:1"] {
            let address: SocketAddr = text.parse().expect("an address");
            let mut place = [0; IP_BYTES];
            write(&mut place, &Address::Ip(address));
            assert_eq!(ip_target(&place), Some(address));
        }
        for name in [&b""[..], b"/run/x", b"\0abstract", &[0xff; MOST_NAME]] {
            let name = UnixName::new(name);
            let mut place = [0; UNIX_BYTES];
            write(&mut place, &Address::Unix(name.clone()));
            assert_eq!(unix_target(&place), Some(name));
        }
    }

    #[test]
    fn no_peer_and_nonsense_are_no_targets() {
        assert_eq!(ip_target(&[0; IP_BYTES]), None);
        assert_eq!(ip_target(&[0xff; IP_BYTES]), None);
        assert_eq!(unix_target(&[0xff; UNIX_BYTES]), None);
        assert_eq!(unix_target(&[]), None);
    }

    /// Found by the fuzz target `addresses`.
    #[test]
    fn a_place_without_a_word_has_no_length_that_fits() {
        for bytes in 0..WORD {
            assert_eq!(length(&[1; WORD][..bytes]), usize::MAX);
        }
        assert_eq!(length(&7i32.to_ne_bytes()), 7);
        assert_eq!(length(&(-1i32).to_ne_bytes()), usize::MAX);
    }
}
