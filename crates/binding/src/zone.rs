//! Network interfaces by name and by number: the zone of an IPv6 address (`fe80::1%eth0`).

#![expect(
    unsafe_code,
    reason = "two functions of libc without a safe wrapper for every system"
)]

use std::net::SocketAddr;

use napi_derive::napi;

/// The number of the interface with this name, or 0.
#[napi(catch_unwind)]
pub fn interface_index(name: String) -> u32 {
    index_of(name)
}

/// The name of the interface with this number, if there is one.
#[napi(catch_unwind)]
pub fn interface_name(index: u32) -> Option<String> {
    name_of(index)
}

/// The address without its port, with its zone: by name, or by number where the interface has none.
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
    // SAFETY: `name` has the `IF_NAMESIZE` bytes that the function may write.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: the function has written a string that ends with NUL inside `name`.
    let name = unsafe { std::ffi::CStr::from_ptr(name.as_ptr()) };
    name.to_str().ok().map(str::to_owned)
}

#[cfg(not(unix))]
fn name_of(_: u32) -> Option<String> {
    None
}
