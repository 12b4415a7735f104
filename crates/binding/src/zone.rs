//! Network interfaces by name and by number: the zone of an IPv6 address (`fe80::1%eth0`).

#![expect(
    unsafe_code,
    reason = "two functions of libc that nobody wraps on every system"
)]

use std::net::SocketAddr;

use napi_derive::napi;

/// The number of an interface, or 0 where there is none of this name.
#[napi(catch_unwind)]
pub fn interface_index(name: String) -> u32 {
    index_of(name)
}

/// The name of an interface, if it is there.
#[napi(catch_unwind)]
pub fn interface_name(index: u32) -> Option<String> {
    name_of(index)
}

/// Without the port; with the zone, by its name where it has one.
pub fn with_zone(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            let zone = name_of(v6.scope_id()).unwrap_or_else(|| v6.scope_id().to_string());
            format!("{}%{zone}", v6.ip())
        }
        _ => address.ip().to_string(),
    }
}

#[cfg(unix)]
fn index_of(name: String) -> u32 {
    let Ok(name) = std::ffi::CString::new(name) else {
        return 0;
    };
    // SAFETY: a string that ends with NUL.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

#[cfg(not(unix))]
fn index_of(_: String) -> u32 {
    0
}

#[cfg(unix)]
fn name_of(index: u32) -> Option<String> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: as much room as the function wants.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: what was found ends with NUL, inside `name`.
    let name = unsafe { std::ffi::CStr::from_ptr(name.as_ptr()) };
    name.to_str().ok().map(str::to_owned)
}

#[cfg(not(unix))]
fn name_of(_: u32) -> Option<String> {
    None
}
