//! How another thread asks the JavaScript thread for a turn: through `uv_async_send`, or through a threadsafe function.
//!
//! Threads: the JavaScript thread opens and closes the bell; every thread may ring it. Wakers of sockets, the pool
//! and the helper thread do.
//!
//! Invariants:
//! 1. Nothing is sent once [`Wake::close`](Bell::close) has returned. libuv forbids sending to a closing handle,
//!    Node-API to a released function. The bell's lock makes a sender and the closing wait for each other.
//! 2. A ring that comes before the turn has begun joins it: libuv merges sends, and a full queue of the threadsafe
//!    function means that a call is on its way.
//! 3. Ringing never waits for JavaScript, and calls nothing that takes the bell's lock again.

#![expect(unsafe_code, reason = "raw libuv and Node-API, from other threads")]

use napi::sys;
use structio_wakeups::{Bell, Ring};

use super::uv::{Uv, UvHandle};

pub enum Target {
    Async { uv: Uv, handle: *mut UvHandle },
    ThreadsafeFunction(sys::napi_threadsafe_function),
}

// SAFETY: `uv_async_send` and `napi_call_threadsafe_function` may be called from any thread, and the pointers serve
// nothing else.
unsafe impl Send for Target {}

/// The bell of a driver. Closed before the handle or the function is (1).
pub type Wake = Bell<Target>;

impl Ring for Target {
    fn ring(&self) {
        match self {
            // SAFETY: the handle is open, and stays open while the bell calls this (1).
            Self::Async { uv, handle } => unsafe {
                (uv.async_send)(*handle);
            },
            // SAFETY: as above. The status is not needed: a full queue is fine (2).
            Self::ThreadsafeFunction(function) => unsafe {
                sys::napi_call_threadsafe_function(
                    *function,
                    std::ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                );
            },
        }
    }
}
