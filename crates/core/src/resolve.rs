//! Name look-ups, off the caller's thread.
//!
//! A look-up cannot be cancelled (the resolver is a blocking C function), only abandoned: the caller stops
//! listening, the thread's place in the pool stays taken until the resolver returns.

use std::net::{IpAddr, SocketAddr};

use dns_lookup::{AddrInfoHints, LookupError, SockType, getaddrinfo};

use crate::pool::Pool;

/// Which addresses to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Any,
    V4,
    V6,
}

/// Why a name has no address: the system's `EAI_…` by the name that Node gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookupFailure {
    pub code: &'static str,
}

/// Resolves `host` on the pool and calls `done`, on a thread of the pool.
pub fn lookup(
    pool: &'static Pool,
    host: String,
    family: Family,
    done: impl FnOnce(Result<Vec<IpAddr>, LookupFailure>) + Send + 'static,
) {
    pool.run_lookup(move || done(lookup_blocking(&host, family)));
}

fn lookup_blocking(host: &str, family: Family) -> Result<Vec<IpAddr>, LookupFailure> {
    // One entry for each address instead of one for each socket type.
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        address: match family {
            Family::Any => 0,
            Family::V4 => libc::AF_INET,
            Family::V6 => libc::AF_INET6,
        },
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(host), None, Some(hints)).map_err(|error| failure(&error))?;
    let mut addresses = Vec::new();
    for entry in found.flatten() {
        let address = match entry.sockaddr {
            SocketAddr::V4(v4) => IpAddr::V4(*v4.ip()),
            SocketAddr::V6(v6) => IpAddr::V6(*v6.ip()),
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        Err(LookupFailure { code: "ENOTFOUND" })
    } else {
        Ok(addresses)
    }
}

fn failure(error: &LookupError) -> LookupFailure {
    let code = match error.error_num() {
        // Node calls both "the name does not exist" and "it has no address of this family" ENOTFOUND.
        libc::EAI_NONAME | libc::EAI_NODATA => "ENOTFOUND",
        libc::EAI_AGAIN => "EAI_AGAIN",
        libc::EAI_BADFLAGS => "EAI_BADFLAGS",
        libc::EAI_FAMILY => "EAI_FAMILY",
        libc::EAI_MEMORY => "EAI_MEMORY",
        libc::EAI_SERVICE => "EAI_SERVICE",
        libc::EAI_SOCKTYPE => "EAI_SOCKTYPE",
        _ => "EAI_FAIL",
    };
    LookupFailure { code }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, sync::mpsc};

    use super::*;
    use crate::pool::DEFAULT_LOOKUP_THREADS;

    fn resolve(host: &str, family: Family) -> Result<Vec<IpAddr>, LookupFailure> {
        let (sender, receiver) = mpsc::channel();
        let pool = Pool::get_or_start(DEFAULT_LOOKUP_THREADS).expect("a thread");
        lookup(pool, host.to_owned(), family, move |answer| {
            sender.send(answer).expect("the test waits");
        });
        receiver.recv().expect("an answer")
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
    }
}
