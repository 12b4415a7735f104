//! How another thread gets a turn to run on the JavaScript thread.
//!
//! Invariant: nothing is sent once [`Wake::close`](Bell::close) has returned; libuv forbids it for a closing handle, and
//! Node-API for a released function. The bell's lock makes a sender and the closing wait for each other.

#![expect(unsafe_code, reason = "raw libuv and Node-API, from other threads")]

use napi::sys;
use structio_wakeups::{Bell, Ring};

use super::uv::{Uv, UvHandle};

pub enum Target {
    Async { uv: Uv, handle: *mut UvHandle },
    ThreadsafeFunction(sys::napi_threadsafe_function),
}

// SAFETY: `uv_async_send` and `napi_call_threadsafe_function` are made to be called from any thread, and nothing
// else is done with the pointers here.
unsafe impl Send for Target {}

/// Closed before the handle or the function is.
pub type Wake = Bell<Target>;

impl Ring for Target {
    fn ring(&self) {
        match self {
            // SAFETY: open, and stays so while the bell calls this.
            Self::Async { uv, handle } => unsafe {
                (uv.async_send)(*handle);
            },
            // SAFETY: as above. A full queue means that a turn is on its way.
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
