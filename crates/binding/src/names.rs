//! What TypeScript sees of `getaddrinfo` and `getnameinfo`.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the napi macro hands over owned values"
)]

use std::{net::SocketAddr, sync::Arc};

use napi::{Either, Result};
use napi_derive::napi;
use structio_core::resolve::{self, Family, Found, Kind};

use crate::{
    event_loop::Remote,
    facade::{EventLoop, socket_address},
};

#[napi(object)]
pub struct AddressQuery {
    pub host: Option<String>,
    pub service: Option<String>,
    /// 0, 4 or 6.
    pub family: u32,
    /// `'stream'`, `'dgram'` or `'raw'`.
    pub kind: Option<String>,
    /// Names of C constants.
    pub flags: Vec<String>,
}

#[napi(object)]
pub struct FoundAddress {
    pub address: String,
    pub port: u16,
    pub kind: Option<String>,
    pub protocol: i32,
    pub canonical_name: Option<String>,
}

#[napi(object)]
pub struct FoundName {
    pub host: String,
    pub service: String,
}

#[napi]
impl EventLoop {
    /// Starts a look-up by host and service. Returns its number, which `LookedUp` carries.
    #[napi(catch_unwind)]
    pub fn get_addr_info(&mut self, query: AddressQuery) -> u32 {
        let request = self.next_request();
        let remote = Arc::clone(self.driver.remote());
        let query = resolve::AddressQuery {
            host: query.host,
            service: query.service,
            family: match query.family {
                4 => Family::V4,
                6 => Family::V6,
                _ => Family::Any,
            },
            kind: match query.kind.as_deref() {
                Some(STREAM) => Kind::Stream,
                Some(DATAGRAM) => Kind::Datagram,
                Some(RAW) => Kind::Raw,
                _ => Kind::Any,
            },
            flags: query.flags,
        };
        resolve::address_info(self.pool, query, move |outcome| {
            remote.push(Remote::LookedUp(request, outcome));
        });
        request
    }

    /// Starts a look-up of the names of an address. Returns its number, as above.
    #[napi(catch_unwind)]
    pub fn get_name_info(&mut self, address: String, port: u16, flags: Vec<String>) -> Result<u32> {
        let address = socket_address(&address, port)?;
        let request = self.next_request();
        let remote = Arc::clone(self.driver.remote());
        resolve::name_info(self.pool, address, flags, move |outcome| {
            remote.push(Remote::LookedUp(request, outcome));
        });
        Ok(request)
    }

    /// The addresses that `getAddrInfo` has found, or the error code.
    #[napi(catch_unwind)]
    pub fn take_addresses(&self, request: u32) -> Either<Vec<FoundAddress>, String> {
        match self.driver.take_lookup(request) {
            Some(Ok(Found::Addresses(addresses))) => {
                Either::A(addresses.into_iter().map(FoundAddress::from).collect())
            }
            Some(Err(failure)) => Either::B(failure.code.to_owned()),
            Some(Ok(_)) | None => Either::B("EAI_FAIL".to_owned()),
        }
    }

    /// The names that `getNameInfo` has found, or the error code.
    #[napi(catch_unwind)]
    pub fn take_name(&self, request: u32) -> Either<FoundName, String> {
        match self.driver.take_lookup(request) {
            Some(Ok(Found::Name { host, service })) => Either::A(FoundName { host, service }),
            Some(Err(failure)) => Either::B(failure.code.to_owned()),
            Some(Ok(_)) | None => Either::B("EAI_FAIL".to_owned()),
        }
    }
}

const STREAM: &str = "stream";
const DATAGRAM: &str = "dgram";
const RAW: &str = "raw";

impl From<resolve::FoundAddress> for FoundAddress {
    fn from(found: resolve::FoundAddress) -> Self {
        let resolve::FoundAddress {
            address,
            kind,
            protocol,
            canonical_name,
        } = found;
        Self {
            address: with_scope(address),
            port: address.port(),
            kind: match kind {
                Kind::Stream => Some(STREAM.to_owned()),
                Kind::Datagram => Some(DATAGRAM.to_owned()),
                Kind::Raw => Some(RAW.to_owned()),
                Kind::Any => None,
            },
            protocol,
            canonical_name,
        }
    }
}

/// `fe80::1%2`: a link-local address means nothing without its interface.
fn with_scope(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}
