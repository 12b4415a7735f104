//! Socket options by name. Their numbers differ between platforms; these tables map the names that JavaScript uses.
//!
//! Called on the JavaScript thread by the addon's `getsockopt` and `setsockopt`. No system call is made here.

/// The number of a level or an option of `getsockopt` and `setsockopt`. `None` for a name that this platform does not
/// have.
pub fn number(name: &str) -> Option<i32> {
    TABLE
        .iter()
        .chain(ALIASES)
        .find(|(known, _)| *known == name)
        .map(|&(_, number)| number)
}

/// Every name that [`number`] knows on this platform.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().chain(ALIASES).map(|&(name, _)| name)
}

/// Pairs of a name and the constant of the libc crate with that name.
macro_rules! table {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), libc::$name)),*] };
}

#[cfg(target_os = "linux")]
const TABLE: &[(&str, i32)] = table![
    SOL_IP,
    SOL_IPV6,
    SOL_SOCKET,
    SOL_TCP,
    SOL_UDP,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPPROTO_UDP,
    SO_ACCEPTCONN,
    SO_BINDTODEVICE,
    SO_BROADCAST,
    SO_BUSY_POLL,
    SO_DOMAIN,
    SO_DONTROUTE,
    SO_ERROR,
    SO_INCOMING_CPU,
    SO_KEEPALIVE,
    SO_MARK,
    SO_OOBINLINE,
    SO_PASSCRED,
    SO_PRIORITY,
    SO_PROTOCOL,
    SO_RCVBUF,
    SO_RCVLOWAT,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SO_SNDBUF,
    SO_SNDLOWAT,
    SO_TYPE,
    IP_ADD_MEMBERSHIP,
    IP_ADD_SOURCE_MEMBERSHIP,
    IP_BIND_ADDRESS_NO_PORT,
    IP_BLOCK_SOURCE,
    IP_DROP_MEMBERSHIP,
    IP_DROP_SOURCE_MEMBERSHIP,
    IP_FREEBIND,
    IP_MTU,
    IP_MTU_DISCOVER,
    IP_MULTICAST_ALL,
    IP_MULTICAST_IF,
    IP_MULTICAST_LOOP,
    IP_MULTICAST_TTL,
    IP_RECVERR,
    IP_TOS,
    IP_TRANSPARENT,
    IP_TTL,
    IP_UNBLOCK_SOURCE,
    IPV6_ADD_MEMBERSHIP,
    IPV6_DROP_MEMBERSHIP,
    IPV6_FREEBIND,
    IPV6_MTU,
    IPV6_MTU_DISCOVER,
    IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_IF,
    IPV6_MULTICAST_LOOP,
    IPV6_RECVERR,
    IPV6_TCLASS,
    IPV6_UNICAST_HOPS,
    IPV6_V6ONLY,
    TCP_CORK,
    TCP_DEFER_ACCEPT,
    TCP_FASTOPEN,
    TCP_KEEPCNT,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_LINGER2,
    TCP_MAXSEG,
    TCP_NODELAY,
    TCP_NOTSENT_LOWAT,
    TCP_QUICKACK,
    TCP_SYNCNT,
    TCP_USER_TIMEOUT,
    TCP_WINDOW_CLAMP,
    UDP_CORK,
    UDP_SEGMENT,
];

/// The names of RFC 3493 for options that Linux calls otherwise.
#[cfg(target_os = "linux")]
const ALIASES: &[(&str, i32)] = &[
    ("IPV6_JOIN_GROUP", libc::IPV6_ADD_MEMBERSHIP),
    ("IPV6_LEAVE_GROUP", libc::IPV6_DROP_MEMBERSHIP),
];

#[cfg(not(target_os = "linux"))]
const ALIASES: &[(&str, i32)] = &[];

#[cfg(all(unix, not(target_os = "linux")))]
const TABLE: &[(&str, i32)] = table![
    SOL_SOCKET,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPPROTO_UDP,
    SO_BROADCAST,
    SO_DONTROUTE,
    SO_ERROR,
    SO_KEEPALIVE,
    SO_OOBINLINE,
    SO_RCVBUF,
    SO_RCVLOWAT,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SO_SNDBUF,
    SO_SNDLOWAT,
    SO_TYPE,
    IP_ADD_MEMBERSHIP,
    IP_DROP_MEMBERSHIP,
    IP_MULTICAST_IF,
    IP_MULTICAST_LOOP,
    IP_MULTICAST_TTL,
    IP_TOS,
    IP_TTL,
    IPV6_JOIN_GROUP,
    IPV6_LEAVE_GROUP,
    IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_IF,
    IPV6_MULTICAST_LOOP,
    IPV6_UNICAST_HOPS,
    IPV6_V6ONLY,
    TCP_KEEPCNT,
    TCP_KEEPINTVL,
    TCP_MAXSEG,
    TCP_NODELAY,
];

// Winsock's numbers, from its headers. The libc crate does not have them.
#[cfg(windows)]
const TABLE: &[(&str, i32)] = &[
    ("SOL_SOCKET", 0xffff),
    ("IPPROTO_IP", 0),
    ("IPPROTO_IPV6", 41),
    ("IPPROTO_TCP", 6),
    ("IPPROTO_UDP", 17),
    ("SO_BROADCAST", 0x20),
    ("SO_ERROR", 0x1007),
    ("SO_KEEPALIVE", 0x8),
    ("SO_RCVBUF", 0x1002),
    ("SO_REUSEADDR", 0x4),
    ("SO_SNDBUF", 0x1001),
    ("SO_TYPE", 0x1008),
    ("IP_ADD_MEMBERSHIP", 12),
    ("IP_DROP_MEMBERSHIP", 13),
    ("IP_MULTICAST_IF", 9),
    ("IP_MULTICAST_LOOP", 11),
    ("IP_MULTICAST_TTL", 10),
    ("IP_TTL", 4),
    ("IPV6_JOIN_GROUP", 12),
    ("IPV6_LEAVE_GROUP", 13),
    ("IPV6_MULTICAST_HOPS", 10),
    ("IPV6_MULTICAST_IF", 9),
    ("IPV6_MULTICAST_LOOP", 11),
    ("IPV6_UNICAST_HOPS", 4),
    ("IPV6_V6ONLY", 27),
    ("TCP_NODELAY", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_number_on_this_platform() {
        assert_eq!(number("TCP_NODELAY"), Some(1));
        assert_eq!(number("SO_NO_SUCH_OPTION"), None);
        assert!(number("IP_ADD_MEMBERSHIP").is_some() && number("IPV6_JOIN_GROUP").is_some());
        assert!(names().all(|name| number(name).is_some()));
    }
}
