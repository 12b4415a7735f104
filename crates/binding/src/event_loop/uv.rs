//! libuv, by symbols looked up at run time. A host without them gets the threadsafe-function mode instead of a load
//! error.

#![expect(unsafe_code, reason = "symbols looked up at run time")]

use std::{
    ffi::{c_int, c_void},
    ptr::NonNull,
    sync::OnceLock,
};

/// Opaque: `uv_handle_t` and its kin.
#[repr(C)]
pub struct UvHandle {
    _opaque: [u8; 0],
}

pub type PollCallback = extern "C" fn(*mut UvHandle, c_int, c_int);
pub type AsyncCallback = extern "C" fn(*mut UvHandle);
pub type CloseCallback = extern "C" fn(*mut UvHandle);

/// `uv_handle_type` of libuv 1.x, whose ABI is frozen.
pub const ASYNC: c_int = 1;
pub const POLL: c_int = 8;

pub const READABLE: c_int = 1;

macro_rules! symbols {
    ($($name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of libuv that the driver uses.
        #[derive(Clone, Copy, Debug)]
        pub struct Uv { $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Uv {
            fn load() -> Option<Self> {
                let library = this_process()?;
                Some(Self {
                    // SAFETY: the symbols have these signatures in every libuv 1.x.
                    $($name: unsafe { *library.get($symbol).ok()? },)*
                })
            }
        }
    };
}

symbols! {
    handle_size = b"uv_handle_size": fn(c_int) -> usize;
    handle_set_data = b"uv_handle_set_data": fn(*mut UvHandle, *mut c_void);
    handle_get_data = b"uv_handle_get_data": fn(*const UvHandle) -> *mut c_void;
    poll_init = b"uv_poll_init": fn(*mut c_void, *mut UvHandle, c_int) -> c_int;
    poll_start = b"uv_poll_start": fn(*mut UvHandle, c_int, PollCallback) -> c_int;
    poll_stop = b"uv_poll_stop": fn(*mut UvHandle) -> c_int;
    async_init = b"uv_async_init": fn(*mut c_void, *mut UvHandle, AsyncCallback) -> c_int;
    async_send = b"uv_async_send": fn(*mut UvHandle) -> c_int;
    keep_alive = b"uv_ref": fn(*mut UvHandle);
    let_go = b"uv_unref": fn(*mut UvHandle);
    close = b"uv_close": fn(*mut UvHandle, CloseCallback);
}

impl Uv {
    /// The functions, looked up once. `None` where the host does not export all of them.
    pub fn get() -> Option<&'static Self> {
        static SYMBOLS: OnceLock<Option<Uv>> = OnceLock::new();
        SYMBOLS.get_or_init(Self::load).as_ref()
    }
}

/// Memory of one libuv handle. libuv tells its size at run time. `u64`s give the alignment of pointers. It is no
/// `Box`: a `Box` claims to hold the only pointer, and libuv has one too.
#[derive(Debug)]
pub struct HandleMemory(NonNull<[u64]>);

impl HandleMemory {
    pub fn new(uv: &Uv, kind: c_int) -> Self {
        // SAFETY: a pure function of libuv.
        let size = unsafe { (uv.handle_size)(kind) };
        let memory = vec![0; size.div_ceil(size_of::<u64>())].into_boxed_slice();
        Self(NonNull::from(Box::leak(memory)))
    }

    /// The handle's address. It stays the same when this value is moved.
    pub fn handle(&self) -> *mut UvHandle {
        self.0.as_ptr().cast()
    }
}

impl Drop for HandleMemory {
    fn drop(&mut self) {
        // SAFETY: made by `new` from a box, and given back once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

#[cfg(unix)]
fn this_process() -> Option<libloading::os::unix::Library> {
    Some(libloading::os::unix::Library::this())
}

#[cfg(windows)]
fn this_process() -> Option<libloading::os::windows::Library> {
    libloading::os::windows::Library::this().ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// libuv links its handles in lists: it writes through the address long after it got it.
    #[test]
    fn handle_memory_stays_where_libuv_knows_it() {
        extern "C" fn size(_: c_int) -> usize {
            // No multiple of eight.
            41
        }
        let nothing = Uv {
            handle_size: size,
            handle_set_data: set_data,
            handle_get_data: get_data,
            poll_init: three,
            poll_start: start,
            poll_stop: one,
            async_init: init,
            async_send: one,
            keep_alive: none,
            let_go: none,
            close,
        };
        let memory = HandleMemory::new(&nothing, ASYNC);
        let known = memory.handle().cast::<u8>();
        let moved = Box::new(Some(memory));
        for at in 0..41 {
            // SAFETY: inside what was asked for, and aligned for bytes.
            unsafe {
                known.add(at).write(7);
                assert_eq!(known.add(at).read(), 7);
            }
        }
        let memory = moved.expect("put there above");
        assert_eq!(memory.handle().cast(), known);
        assert_eq!(known.align_offset(align_of::<u64>()), 0);
        drop(memory);
    }

    extern "C" fn set_data(_: *mut UvHandle, _: *mut c_void) {}
    extern "C" fn get_data(_: *const UvHandle) -> *mut c_void {
        std::ptr::null_mut()
    }
    extern "C" fn three(_: *mut c_void, _: *mut UvHandle, _: c_int) -> c_int {
        0
    }
    extern "C" fn start(_: *mut UvHandle, _: c_int, _: PollCallback) -> c_int {
        0
    }
    extern "C" fn one(_: *mut UvHandle) -> c_int {
        0
    }
    extern "C" fn init(_: *mut c_void, _: *mut UvHandle, _: AsyncCallback) -> c_int {
        0
    }
    extern "C" fn none(_: *mut UvHandle) {}
    extern "C" fn close(_: *mut UvHandle, _: CloseCallback) {}
}
