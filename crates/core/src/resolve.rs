//! Name look-ups, off the caller's thread.
//!
//! A look-up cannot be cancelled (the resolver is a blocking C function), only abandoned: the caller stops
//! listening, the thread's place in the pool stays taken until the resolver returns.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
};

use dns_lookup::{AddrInfoHints, LookupError, getaddrinfo, getnameinfo};

use crate::pool::Pool;

/// Which addresses to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Any,
    V4,
    V6,
}

/// For which kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Any,
    Stream,
    Datagram,
    Raw,
}

/// Why a name has no address: the system's `EAI_…` by the name that Node gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupFailure {
    pub code: &'static str,
}

/// What `getaddrinfo` is asked.
#[derive(Clone, Debug)]
pub struct AddressQuery {
    /// `None`: the own addresses, by the flags those to listen at or those of the loopback interface.
    pub host: Option<String>,
    /// A number or a name.
    pub service: Option<String>,
    pub family: Family,
    pub kind: Kind,
    /// By the names of the C constants; what this system does not have is left out.
    pub flags: Vec<String>,
}

/// One of its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAddress {
    pub address: SocketAddr,
    pub kind: Kind,
    /// The system's number.
    pub protocol: i32,
    /// Of the first answer, where it was asked for.
    pub canonical_name: Option<String>,
}

/// What a look-up has found.
#[derive(Debug)]
pub enum Found {
    /// Their ports mean nothing; an IPv6 one may have a scope.
    Ips(Vec<SocketAddr>),
    Addresses(Vec<FoundAddress>),
    Name {
        host: String,
        service: String,
    },
}

pub type Outcome = Result<Found, LookupFailure>;

/// Resolves `host` on the pool and calls `done`, on a thread of the pool.
pub fn lookup(
    pool: &'static Pool,
    host: String,
    family: Family,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    on_pool(pool, move || lookup_blocking(host, family), done);
}

/// `getaddrinfo` on the pool.
pub fn address_info(pool: &'static Pool, query: AddressQuery, done: impl FnOnce(Outcome) + Send + 'static) {
    on_pool(
        pool,
        move || address_info_blocking(&query).map(Found::Addresses),
        done,
    );
}

/// `getnameinfo` on the pool, with flags by the names of the C constants.
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

/// Whatever happens to `work`, `done` is called: somebody waits for it.
fn on_pool(
    pool: &'static Pool,
    work: impl FnOnce() -> Outcome + Send + 'static,
    done: impl FnOnce(Outcome) + Send + 'static,
) {
    pool.run_lookup(move || {
        // The crate below takes a canonical name for UTF-8, which a name server need not.
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
        // What the system says; the crate below has an error of its own.
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

/// Node calls both "the name does not exist" and "it has no address of this family" so.
const NOT_FOUND: &str = "ENOTFOUND";

/// glibc's, which the libc crate does not name: a numeric address of another family than was asked for.
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
        // A name with a NUL in it, of which there is none.
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
    fn localhost_has_its_ipv4_address() {
        assert_eq!(
            resolve("localhost", Family::V4),
            Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
        );
    }

    #[test]
    fn a_name_that_cannot_exist_is_reported_by_nodes_code() {
        let failure = resolve("no-such-host.invalid", Family::Any).expect_err("reserved by RFC 6761");
        assert!(["ENOTFOUND", "EAI_AGAIN"].contains(&failure.code), "{failure:?}");
        assert_eq!(
            resolve("a\0b", Family::Any),
            Err(LookupFailure { code: "ENOTFOUND" })
        );
    }

    #[test]
    fn an_address_with_a_service() {
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
    fn nothing_at_all_is_not_found() {
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
    fn an_address_by_its_numbers() {
        let address = (Ipv4Addr::LOCALHOST, 9).into();
        let flags = vec!["NI_NUMERICHOST".to_owned(), "NI_NUMERICSERV".to_owned()];
        let Ok(Found::Name { host, service }) = answer(|pool, done| name_info(pool, address, flags, done))
        else {
            panic!("found");
        };
        assert_eq!((host.as_str(), service.as_str()), ("127.0.0.1", "9"));
    }
}
