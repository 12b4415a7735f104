//! Name look-ups on the pool.
//!
//! The addon asks on the JavaScript thread; `done` is called on a thread of the pool.
//!
//! # Invariants
//!
//! 1. `done` is called exactly once, also when the resolver's wrapper panics: a caller waits for it.
//! 2. A look-up cannot be cancelled, for the resolver is a blocking C function. The caller can ignore the outcome;
//!    the place in the pool stays taken until the resolver returns.
//! 3. Failures have the codes that Node gives them.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
};

use dns_lookup::{AddrInfoHints, LookupError, getaddrinfo, getnameinfo};

use crate::pool::Pool;

/// The address family to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Both.
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

/// The kind of socket that the addresses are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any kind; one answer for each.
    Any,
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`.
    Datagram,
    /// `SOCK_RAW`.
    Raw,
}

/// Why a look-up failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupFailure {
    /// Node's name of the system's `EAI_…` number, such as `ENOTFOUND`.
    pub code: &'static str,
}

/// A question for `getaddrinfo`.
#[derive(Clone, Debug)]
pub struct AddressQuery {
    /// A name or an address. `None`: addresses to listen on with `AI_PASSIVE`, the loopback addresses without.
    pub host: Option<String>,
    /// A port number or a service name.
    pub service: Option<String>,
    /// The family of the answers.
    pub family: Family,
    /// The kind of socket of the answers.
    pub kind: Kind,
    /// Names of C constants, such as `AI_CANONNAME`. A name that this system does not know is ignored.
    pub flags: Vec<String>,
}

/// One answer of `getaddrinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAddress {
    /// The address with the port of the service, or port 0.
    pub address: SocketAddr,
    /// The kind of socket that it is for.
    pub kind: Kind,
    /// The system's protocol number, such as `IPPROTO_TCP`.
    pub protocol: i32,
    /// In the first answer only, and only with `AI_CANONNAME`.
    pub canonical_name: Option<String>,
}

/// The answer of a look-up.
#[derive(Debug)]
pub enum Found {
    /// Of [`lookup`]. Ports are 0; an IPv6 address may have a scope.
    Ips(Vec<SocketAddr>),
    /// Of [`address_info`]; at least one.
    Addresses(Vec<FoundAddress>),
    /// Of [`name_info`].
    Name {
        /// The host name, or the address as text.
        host: String,
        /// The service name, or the port as text.
        service: String,
    },
}

/// What `done` is called with.
pub type Outcome = Result<Found, LookupFailure>;

/// Resolves `host` to addresses without duplicates, in the system's order.
pub fn lookup(
    pool: &'static Pool,
    host: String,
    family: Family,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    on_pool(pool, move || lookup_blocking(host, family), done);
}

/// Asks `getaddrinfo`.
pub fn address_info(pool: &'static Pool, query: AddressQuery, done: impl FnOnce(Outcome) + Send + 'static) {
    on_pool(
        pool,
        move || address_info_blocking(&query).map(Found::Addresses),
        done,
    );
}

/// Asks `getnameinfo` for the names of an address and its port. `flags` are names of C constants, such as
/// `NI_NUMERICHOST`.
pub fn name_info(
    pool: &'static Pool,
    address: SocketAddr,
    flags: Vec<String>,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    on_pool(
        pool,
        move || {
            let (host, service) =
                getnameinfo(&address, bits(&flags, name_flag)).map_err(|error| failure(&error))?;
            Ok(Found::Name { host, service })
        },
        done,
    );
}

/// Runs `work` on the pool, then `done` (invariant 1).
fn on_pool(
    pool: &'static Pool,
    work: impl FnOnce() -> Outcome + Send + 'static,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    pool.run_lookup(move || {
        // dns-lookup panics on a canonical name that is not UTF-8. Name servers may send one.
        let outcome = catch_unwind(AssertUnwindSafe(work));
        done(outcome.unwrap_or(Err(LookupFailure { code: "EAI_FAIL" })));
    });
}

fn lookup_blocking(host: String, family: Family) -> Outcome {
    let found = address_info_blocking(&AddressQuery {
        host: Some(host),
        service: None,
        family,
        // One entry for each address instead of one for each socket type.
        kind: Kind::Stream,
        flags: Vec::new(),
    })?;
    let mut addresses = Vec::new();
    for FoundAddress { mut address, .. } in found {
        address.set_port(0);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(Found::Ips(addresses))
}

fn address_info_blocking(query: &AddressQuery) -> Result<Vec<FoundAddress>, LookupFailure> {
    let AddressQuery {
        host,
        service,
        family,
        kind,
        flags,
    } = query;
    if host.is_none() && service.is_none() {
        // dns-lookup has an error of its own for this; the system says EAI_NONAME.
        return Err(LookupFailure { code: NOT_FOUND });
    }
    let hints = AddrInfoHints {
        flags: bits(flags, address_flag),
        address: match family {
            Family::Any => 0,
            Family::V4 => libc::AF_INET,
            Family::V6 => libc::AF_INET6,
        },
        socktype: number_of(*kind),
        protocol: 0,
    };
    let found =
        getaddrinfo(host.as_deref(), service.as_deref(), Some(hints)).map_err(|error| failure(&error))?;
    let addresses: Vec<FoundAddress> = found
        .flatten()
        .map(|entry| FoundAddress {
            address: entry.sockaddr,
            kind: kind_of(entry.socktype),
            protocol: entry.protocol,
            canonical_name: entry.canonname,
        })
        .collect();
    if addresses.is_empty() {
        Err(LookupFailure { code: NOT_FOUND })
    } else {
        Ok(addresses)
    }
}

fn number_of(kind: Kind) -> i32 {
    match kind {
        Kind::Any => 0,
        Kind::Stream => libc::SOCK_STREAM,
        Kind::Datagram => libc::SOCK_DGRAM,
        Kind::Raw => libc::SOCK_RAW,
    }
}

fn kind_of(number: i32) -> Kind {
    match number {
        libc::SOCK_STREAM => Kind::Stream,
        libc::SOCK_DGRAM => Kind::Datagram,
        libc::SOCK_RAW => Kind::Raw,
        _ => Kind::Any,
    }
}

fn bits(names: &[String], number: impl Fn(&str) -> i32) -> i32 {
    names.iter().fold(0, |all, name| all | number(name))
}

fn address_flag(name: &str) -> i32 {
    match name {
        "AI_PASSIVE" => libc::AI_PASSIVE,
        "AI_CANONNAME" => libc::AI_CANONNAME,
        "AI_NUMERICHOST" => libc::AI_NUMERICHOST,
        "AI_NUMERICSERV" => libc::AI_NUMERICSERV,
        "AI_V4MAPPED" => libc::AI_V4MAPPED,
        "AI_ALL" => libc::AI_ALL,
        "AI_ADDRCONFIG" => libc::AI_ADDRCONFIG,
        _ => 0,
    }
}

fn name_flag(name: &str) -> i32 {
    match name {
        "NI_NUMERICHOST" => libc::NI_NUMERICHOST,
        "NI_NUMERICSERV" => libc::NI_NUMERICSERV,
        "NI_NOFQDN" => libc::NI_NOFQDN,
        "NI_NAMEREQD" => libc::NI_NAMEREQD,
        "NI_DGRAM" => libc::NI_DGRAM,
        _ => 0,
    }
}

/// Node's code for both "the name does not exist" and "the name has no address of this family".
const NOT_FOUND: &str = "ENOTFOUND";

/// glibc: a numeric address of another family than was asked for. The libc crate does not have it.
#[cfg(target_os = "linux")]
const EAI_ADDRFAMILY: i32 = -9;

fn failure(error: &LookupError) -> LookupFailure {
    let code = match error.error_num() {
        libc::EAI_NONAME | libc::EAI_NODATA => NOT_FOUND,
        #[cfg(target_os = "linux")]
        EAI_ADDRFAMILY => "EAI_ADDRFAMILY",
        libc::EAI_AGAIN => "EAI_AGAIN",
        libc::EAI_BADFLAGS => "EAI_BADFLAGS",
        libc::EAI_FAMILY => "EAI_FAMILY",
        libc::EAI_MEMORY => "EAI_MEMORY",
        libc::EAI_SERVICE => "EAI_SERVICE",
        libc::EAI_SOCKTYPE => "EAI_SOCKTYPE",
        // dns-lookup refuses a name with a NUL byte without asking the system. Such a name does not exist.
        0 => NOT_FOUND,
        _ => "EAI_FAIL",
    };
    LookupFailure { code }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        sync::mpsc,
    };

    use super::*;
    use crate::pool::Bounds;

    fn answer(ask: impl FnOnce(&'static Pool, Box<dyn FnOnce(Outcome) + Send>)) -> Outcome {
        let (sender, receiver) = mpsc::channel();
        let pool = Pool::get_or_start(Bounds::default()).expect("a thread");
        ask(
            pool,
            Box::new(move |answer| sender.send(answer).expect("the test waits")),
        );
        receiver.recv().expect("an answer")
    }

    fn resolve(host: &str, family: Family) -> Result<Vec<IpAddr>, LookupFailure> {
        match answer(|pool, done| lookup(pool, host.to_owned(), family, done))? {
            Found::Ips(addresses) => Ok(addresses.iter().map(SocketAddr::ip).collect()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn localhost_resolves_to_the_ipv4_loopback_address() {
        assert_eq!(
            resolve("localhost", Family::V4),
            Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
        );
    }

    #[test]
    fn a_name_that_does_not_exist_fails_with_nodes_code() {
        let failure = resolve("no-such-host.invalid", Family::Any).expect_err("reserved by RFC 6761");
        assert!(["ENOTFOUND", "EAI_AGAIN"].contains(&failure.code), "{failure:?}");
        assert_eq!(
            resolve("a\0b", Family::Any),
            Err(LookupFailure { code: "ENOTFOUND" })
        );
    }

    #[test]
    fn a_numeric_host_and_service_give_one_address_and_unknown_flags_are_ignored() {
        let query = AddressQuery {
            host: Some("127.0.0.1".to_owned()),
            service: Some("8080".to_owned()),
            family: Family::Any,
            kind: Kind::Datagram,
            flags: vec!["AI_NUMERICHOST".to_owned(), "AI_NO_SUCH".to_owned()],
        };
        let Ok(Found::Addresses(found)) = answer(|pool, done| address_info(pool, query, done)) else {
            panic!("found");
        };
        assert_eq!(
            found,
            [FoundAddress {
                address: (Ipv4Addr::LOCALHOST, 8080).into(),
                kind: Kind::Datagram,
                protocol: libc::IPPROTO_UDP,
                canonical_name: None,
            }]
        );
    }

    #[test]
    fn a_question_without_host_and_service_is_not_found() {
        let query = AddressQuery {
            host: None,
            service: None,
            family: Family::Any,
            kind: Kind::Any,
            flags: Vec::new(),
        };
        let failure = answer(|pool, done| address_info(pool, query, done)).expect_err("nothing was asked");
        assert_eq!(failure.code, "ENOTFOUND");
    }

    #[test]
    fn numeric_flags_give_the_address_and_port_as_text() {
        let address = (Ipv4Addr::LOCALHOST, 9).into();
        let flags = vec!["NI_NUMERICHOST".to_owned(), "NI_NUMERICSERV".to_owned()];
        let Ok(Found::Name { host, service }) = answer(|pool, done| name_info(pool, address, flags, done))
        else {
            panic!("found");
        };
        assert_eq!((host.as_str(), service.as_str()), ("127.0.0.1", "9"));
    }
}
