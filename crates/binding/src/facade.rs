//! What TypeScript sees: one [`EventLoop`] for each JavaScript thread, and two functions. This file converts and
//! decides nothing.
//!
//! Threads: an `EventLoop` belongs to the JavaScript thread that made it, as every object of JavaScript does. Only
//! the pool is shared by the process.
//!
//! Invariants:
//! 1. Every method that uses a handle goes through [`Driver::with_turn`]. A handle that has ended, or an environment
//!    that has, is no error: the call does nothing, or answers `EBADF`.
//! 2. System errors cross as numbers, and TypeScript makes Node's errors of them. A handle below zero is `-errno`; so
//!    is any result whose own values are never negative. Results with values of their own below zero use
//!    [`ERROR_BASE`](crate::rings::ERROR_BASE).
//! 3. No method keeps a borrow of the caller's memory after it has returned.
//! 4. Requests (look-ups, work on files, child processes) have numbers of 27 bits, which a record's head has room for.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the napi macro hands over owned values"
)]
#![expect(
    unsafe_code,
    reason = "what the napi macro generates, the pinned regions, and one view of the caller's memory"
)]

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::Arc,
    task::Poll,
};

use napi::{Env, Error, JsValue, Result, Status, bindgen_prelude::*};
use napi_derive::napi;
use structio_core::{
    address,
    pool::{Bounds, Pool},
    resolve::{self, Family, Found},
    socket_options,
    streams::{ConnectRequest, ConnectionOptions, ListenRequest},
};

use crate::{
    event_loop::{Dispatch, Driver, DriverKind, Remote, pin},
    rings::{self, ERROR_BASE, Entry, HandleId, Regions, Turn, WOULD_BLOCK, errno},
    sockopt,
    zone::with_zone,
};

#[napi(object)]
pub struct EventLoopOptions {
    /// Nests the reactor in libuv where that works; otherwise a helper thread wakes.
    pub nested: bool,
    /// Uses libuv's symbols. False for hosts that only imitate them.
    pub uv: bool,
    /// Most look-ups at once, in the whole process. The first `EventLoop` of the process decides.
    pub lookup_threads: Option<u32>,
    /// Most file operations at once, likewise.
    pub file_threads: Option<u32>,
}

#[napi(object)]
pub struct Address {
    pub address: String,
    pub port: u16,
    pub family: String,
}

#[napi(object)]
pub struct TcpOptions {
    pub no_delay: bool,
    pub keep_alive: bool,
}

/// The event loop of one JavaScript thread: its driver, its rings, its sockets.
#[napi]
pub struct EventLoop {
    pub(crate) driver: Rc<Driver>,
    pub(crate) pool: &'static Pool,
    next_request: u32,
}

#[napi]
impl EventLoop {
    /// The regions are `Uint8Array`s (slabs) and `Int32Array`s (rings); `dispatch` is called once a batch.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        receive_slab: Unknown<'_>,
        completions: Unknown<'_>,
        send_slab: Unknown<'_>,
        submissions: Unknown<'_>,
        dispatch: Unknown<'_>,
        options: EventLoopOptions,
    ) -> Result<Self> {
        let defaults = Bounds::default();
        let bounds = Bounds {
            lookup_threads: options
                .lookup_threads
                .map_or(defaults.lookup_threads, |count| count as usize),
            file_threads: options
                .file_threads
                .map_or(defaults.file_threads, |count| count as usize),
        };
        let pool = Pool::get_or_start(bounds).map_err(|error| failure(&error))?;
        // SAFETY: live values of the current environment, as arguments of this call.
        let driver = unsafe {
            let regions = Regions {
                receive_slab: pin(env.raw(), receive_slab.raw())?,
                completions: pin(env.raw(), completions.raw())?,
                send_slab: pin(env.raw(), send_slab.raw())?,
                submissions: pin(env.raw(), submissions.raw())?,
            };
            let dispatch = Dispatch::new(env.raw(), dispatch.raw())?;
            let kind = if options.nested {
                DriverKind::Nested
            } else {
                DriverKind::Thread
            };
            Driver::start(env.raw(), dispatch, regions, kind, options.uv)?
        };
        Ok(Self {
            driver,
            pool,
            next_request: 0,
        })
    }

    /// `'nested'` or `'thread'`: the driver in use, which need not be the one asked for.
    #[napi(getter, catch_unwind)]
    pub fn driver(&self) -> &'static str {
        match self.driver.kind() {
            DriverKind::Nested => "nested",
            DriverKind::Thread => "thread",
        }
    }

    #[napi(getter, catch_unwind)]
    pub fn lookup_threads(&self) -> u32 {
        u32::try_from(self.pool.lookup_threads()).unwrap_or(u32::MAX)
    }

    #[napi(getter, catch_unwind)]
    pub fn file_threads(&self) -> u32 {
        u32::try_from(self.pool.file_threads()).unwrap_or(u32::MAX)
    }

    /// Carries out the submission ring and delivers what that completes, inside this call.
    #[napi(catch_unwind)]
    pub fn flush(&self) {
        self.driver.flush();
    }

    /// Delivers I/O that is ready now. False: it comes later, and the completion `Settled` follows.
    #[napi(catch_unwind)]
    pub fn settle(&self) -> bool {
        self.driver.settle()
    }

    /// Starts a connection attempt. Returns its handle, or `-errno`.
    #[napi(catch_unwind)]
    pub fn connect(
        &self,
        address: String,
        port: u16,
        bind_address: Option<String>,
        bind_port: Option<u16>,
        options: TcpOptions,
    ) -> Result<f64> {
        let address = socket_address(&address, port)?;
        let bind = match (bind_address, bind_port) {
            (None, None) => None,
            (Some(host), bind_port) => Some(socket_address(&host, bind_port.unwrap_or(0))?),
            (None, Some(bind_port)) => Some(SocketAddr::new(unspecified_like(address), bind_port)),
        };
        let request = ConnectRequest {
            address,
            bind,
            options: options.into(),
        };
        Ok(self.handle(|turn| turn.connect(request)))
    }

    /// Binds and listens. Returns a handle, or `-errno`. Without an address: both families.
    #[napi(catch_unwind)]
    pub fn listen(
        &self,
        address: Option<String>,
        port: u16,
        backlog: i32,
        reuse_port: bool,
        options: TcpOptions,
    ) -> Result<f64> {
        let address = address
            .map(|address| socket_address(&address, port))
            .transpose()?;
        let request = ListenRequest {
            address,
            port,
            backlog,
            reuse_port,
            options: options.into(),
        };
        Ok(self.handle(|turn| turn.listen(&request)))
    }

    /// Writes `data` after the bytes that the connection has taken already. Returns how many bytes it took of `data`,
    /// or `-1 - taken` where bytes taken are unsent or sending has failed; a completion says which.
    #[napi(catch_unwind)]
    pub fn send(&self, handle: f64, data: &[u8]) -> i64 {
        let (taken, unsent) = self
            .driver
            .with_turn(|turn| turn.send_direct(HandleId::from_number(handle), data))
            .unwrap_or((data.len(), false));
        let taken = i64::try_from(taken).unwrap_or(i64::MAX);
        if unsent { -1 - taken } else { taken }
    }

    /// The error number that sending has failed with, or 0; known before `SendFailed` is delivered.
    #[napi(catch_unwind)]
    pub fn send_failure(&self, handle: f64) -> i32 {
        self.driver
            .with_turn(|turn| turn.send_failure(HandleId::from_number(handle)))
            .unwrap_or(0)
    }

    /// Reads into `view`. Returns a number of bytes, 0 at the end, [`WOULD_BLOCK`] (`Readable` follows), or
    /// [`ERROR_BASE`]` - errno`.
    #[napi(catch_unwind)]
    pub fn receive_into(&self, handle: f64, mut view: Uint8ArraySlice<'_>) -> i32 {
        // SAFETY: the caller's own memory, for the length of this call, in which no JavaScript runs.
        let view = unsafe { view.as_mut() };
        match self
            .driver
            .with_turn(|turn| turn.receive_into(HandleId::from_number(handle), view))
        {
            None => 0,
            Some(Poll::Pending) => WOULD_BLOCK,
            Some(Poll::Ready(Ok(count))) => i32::try_from(count).unwrap_or(i32::MAX),
            Some(Poll::Ready(Err(error))) => ERROR_BASE - errno(&error),
        }
    }

    /// Closes a handle at once. With `reset`, a connection ends with `RST`.
    #[napi(catch_unwind)]
    pub fn close(&self, handle: f64, reset: bool) {
        self.driver
            .with_turn(|turn| turn.close(HandleId::from_number(handle), reset));
        self.driver.sync_keep_alive();
    }

    #[napi(catch_unwind)]
    pub fn local_address(&self, handle: f64) -> Option<Either<Address, Buffer>> {
        self.entry(handle, |entry| match entry {
            Entry::Stream(stream) => stream.connection.local_address().ok(),
            Entry::Datagrams(datagrams) => datagrams.socket.local_address().ok(),
            Entry::Listener { listener, .. } => listener.local_address().ok(),
            _ => None,
        })
        .flatten()
        .map(to_address)
    }

    #[napi(catch_unwind)]
    pub fn remote_address(&self, handle: f64) -> Option<Either<Address, Buffer>> {
        self.entry(handle, |entry| match entry {
            Entry::Stream(stream) => Some(stream.connection.remote_address().clone()),
            _ => None,
        })
        .flatten()
        .map(to_address)
    }

    /// The value of an integer option, as `[errno, value]`.
    #[napi(catch_unwind)]
    pub fn getsockopt(&self, handle: f64, level: i32, name: i32) -> Vec<i32> {
        match self.with_socket(handle, |socket| sockopt::get(socket, level, name)) {
            Ok(value) => vec![0, value],
            Err(error) => vec![errno(&error), 0],
        }
    }

    /// Sets an option to an integer, or to bytes. Returns the error number, or 0.
    #[napi(catch_unwind)]
    pub fn setsockopt(&self, handle: f64, level: i32, name: i32, value: Either<i32, &[u8]>) -> i32 {
        let outcome = self.with_socket(handle, |socket| match value {
            Either::A(value) => sockopt::set(socket, level, name, &value.to_ne_bytes()),
            Either::B(bytes) => sockopt::set(socket, level, name, bytes),
        });
        outcome.err().as_ref().map_or(0, errno)
    }

    /// Starts a look-up (family 0, 4 or 6). Returns its number, which `LookedUp` carries.
    #[napi(catch_unwind)]
    pub fn lookup(&mut self, host: String, family: u32) -> u32 {
        let request = self.next_request();
        let family = match family {
            4 => Family::V4,
            6 => Family::V6,
            _ => Family::Any,
        };
        let remote = Arc::clone(self.driver.remote());
        resolve::lookup(self.pool, host, family, move |outcome| {
            remote.push(Remote::LookedUp(request, outcome));
        });
        request
    }

    /// The addresses that a look-up has found, or its error code.
    #[napi(catch_unwind)]
    pub fn take_lookup(&self, request: u32) -> Either<Vec<String>, String> {
        match self.driver.take_lookup(request) {
            Some(Ok(Found::Ips(addresses))) => Either::A(addresses.into_iter().map(with_zone).collect()),
            Some(Err(failure)) => Either::B(failure.code.to_owned()),
            Some(Ok(_)) | None => Either::B("EAI_FAIL".to_owned()),
        }
    }
}

impl EventLoop {
    /// A number for a request (invariant 4).
    pub(crate) fn next_request(&mut self) -> u32 {
        let request = self.next_request;
        self.next_request = (request + 1) % rings::NUMBERS;
        request
    }

    pub(crate) fn handle(&self, make: impl FnOnce(&mut Turn) -> io::Result<HandleId>) -> f64 {
        match self.driver.with_turn(make) {
            Some(Ok(id)) => id.to_number(),
            Some(Err(error)) => f64::from(-errno(&error)),
            None => f64::from(-libc::EBADF),
        }
    }

    pub(crate) fn entry<T>(&self, handle: f64, read: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.driver
            .with_turn(|turn| turn.entry(HandleId::from_number(handle)).map(read))
            .flatten()
    }

    /// Runs `work` with the socket behind a handle.
    fn with_socket<T>(
        &self,
        handle: f64,
        work: impl FnOnce(&sockopt::AnySocket<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        let outcome = self.entry(handle, |entry| match entry {
            Entry::Stream(stream) => work(&sockopt::any(stream.connection.socket())),
            Entry::Datagrams(datagrams) => work(&sockopt::any(&datagrams.socket)),
            Entry::Listener { listener, .. } => work(&sockopt::any(listener)),
            _ => Err(io::Error::from_raw_os_error(libc::ENOTCONN)),
        });
        outcome.unwrap_or_else(|| Err(io::Error::from_raw_os_error(libc::EBADF)))
    }
}

/// The number of a socket option or level, by name.
#[napi(catch_unwind)]
pub fn socket_option(name: String) -> Option<i32> {
    socket_options::number(&name)
}

/// The constants of the rings, by their TypeScript names: a test compares the two halves.
#[napi(catch_unwind)]
pub fn ring_protocol() -> HashMap<String, i32> {
    rings::protocol()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self {
            address: with_zone(address),
            port: address.port(),
            family: if address.is_ipv4() { "IPv4" } else { "IPv6" }.to_owned(),
        }
    }
}

/// An address in Node's form, or the bytes of a UNIX socket's name.
fn to_address(address: address::Address) -> Either<Address, Buffer> {
    match address {
        address::Address::Ip(address) => Either::A(address.into()),
        address::Address::Unix(name) => Either::B(name.bytes().into()),
    }
}

impl From<TcpOptions> for ConnectionOptions {
    fn from(options: TcpOptions) -> Self {
        Self {
            no_delay: options.no_delay,
            keep_alive: options.keep_alive,
        }
    }
}

/// A numeric address; an IPv6 one may carry a numeric scope (`fe80::1%2`).
pub(crate) fn socket_address(address: &str, port: u16) -> Result<SocketAddr> {
    address::parse(address, port)
        .ok_or_else(|| Error::new(Status::InvalidArg, format!("{address} is not a numeric address")))
}

fn unspecified_like(address: SocketAddr) -> IpAddr {
    match address {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn failure(error: &io::Error) -> Error {
    Error::new(Status::GenericFailure, error.to_string())
}
