//! How another thread gets a turn to run on the JavaScript thread.
//!
//! Invariant: nothing is sent once [`Wake::close`] has returned; libuv forbids it for a closing handle, and
//! Node-API for a released function. The lock makes a sender and the closing wait for each other.

#![expect(unsafe_code, reason = "raw libuv and Node-API, from other threads")]

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use napi::sys;

use super::uv::{Uv, UvHandle};

pub enum Target {
    Async { uv: Uv, handle: *mut UvHandle },
    ThreadsafeFunction(sys::napi_threadsafe_function),
}

// SAFETY: `uv_async_send` and `napi_call_threadsafe_function` are made to be called from any thread, and nothing
// else is done with the pointers here.
unsafe impl Send for Target {}

#[derive(Default)]
pub struct Wake {
    target: Mutex<Option<Target>>,
}

impl Wake {
    pub fn open(&self, target: Target) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    /// Asks for a turn. Calls coalesce until it has started.
    pub fn send(&self) {
        match &*self.target.lock().unwrap_or_else(PoisonError::into_inner) {
            // SAFETY: open, and stays so while the lock is held.
            Some(Target::Async { uv, handle }) => unsafe {
                (uv.async_send)(*handle);
            },
            // SAFETY: as above. A full queue means that a turn is on its way.
            Some(Target::ThreadsafeFunction(function)) => unsafe {
                sys::napi_call_threadsafe_function(
                    *function,
                    std::ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                );
            },
            None => {}
        }
    }

    pub fn close(&self) -> Option<Target> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Wake")
    }
}
