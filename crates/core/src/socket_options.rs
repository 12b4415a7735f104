//! Socket options by name: the numbers differ between platforms, so this table is where they meet.

/// The number of a level or option of `getsockopt`/`setsockopt`, or `None` for a name this platform lacks.
pub fn number(name: &str) -> Option<i32> {
    TABLE
        .iter()
        .find(|(known, _)| *known == name)
        .map(|&(_, number)| number)
}

/// Every name [`number`] knows, for messages and documentation.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|&(name, _)| name)
}

macro_rules! table {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), libc::$name)),*] };
}

#[cfg(target_os = "linux")]
const TABLE: &[(&str, i32)] = table![
    SOL_SOCKET,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPPROTO_UDP,
    SO_ACCEPTCONN,
    SO_BROADCAST,
    SO_BUSY_POLL,
    SO_DOMAIN,
    SO_DONTROUTE,
    SO_ERROR,
    SO_INCOMING_CPU,
    SO_KEEPALIVE,
    SO_MARK,
    SO_OOBINLINE,
    SO_PRIORITY,
    SO_PROTOCOL,
    SO_RCVBUF,
    SO_RCVLOWAT,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SO_SNDBUF,
    SO_SNDLOWAT,
    SO_TYPE,
    IP_MULTICAST_LOOP,
    IP_MULTICAST_TTL,
    IP_TOS,
    IP_TTL,
    IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_LOOP,
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
];

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
    IP_MULTICAST_LOOP,
    IP_MULTICAST_TTL,
    IP_TOS,
    IP_TTL,
    IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_LOOP,
    IPV6_UNICAST_HOPS,
    IPV6_V6ONLY,
    TCP_KEEPCNT,
    TCP_KEEPINTVL,
    TCP_MAXSEG,
    TCP_NODELAY,
];

// Winsock's numbers, as its headers define them: the libc crate does not carry them.
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
    ("IP_TTL", 4),
    ("IPV6_V6ONLY", 27),
    ("TCP_NODELAY", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_to_the_numbers_of_the_platform() {
        assert_eq!(number("TCP_NODELAY"), Some(1));
        assert_eq!(number("SO_NO_SUCH_OPTION"), None);
        assert!(names().all(|name| number(name).is_some()));
    }
}
