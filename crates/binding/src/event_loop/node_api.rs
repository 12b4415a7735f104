//! The raw Node-API calls that a turn needs and napi-rs has no safe form for: calling the dispatch function from
//! libuv, with and without a callback scope.

#![expect(unsafe_code, reason = "raw Node-API: napi-rs has no safe form of these calls")]

use std::{cell::Cell, ffi::c_void, ptr};

use napi::{Error, Result, Status, sys};

use crate::rings::SharedMemory;

/// The dispatch function of TypeScript: one call for a whole batch.
#[derive(Debug)]
pub struct Dispatch {
    env: sys::napi_env,
    function: sys::napi_ref,
    /// Null after [`Dispatch::end`].
    context: Cell<sys::napi_async_context>,
}

impl Dispatch {
    /// # Safety
    ///
    /// `env` must be the current environment and `function` a live function of it.
    pub unsafe fn new(env: sys::napi_env, function: sys::napi_value) -> Result<Self> {
        let mut reference = ptr::null_mut();
        let mut name = ptr::null_mut();
        let mut context = ptr::null_mut();
        // SAFETY: live arguments (this function's contract), and out-pointers to locals.
        unsafe {
            check(sys::napi_create_reference(env, function, 1, &raw mut reference))?;
            let text = "structio";
            check(sys::napi_create_string_utf8(
                env,
                text.as_ptr().cast(),
                text.len().cast_signed(),
                &raw mut name,
            ))?;
            check(sys::napi_async_init(env, ptr::null_mut(), name, &raw mut context))?;
        }
        Ok(Self {
            env,
            function: reference,
            context: Cell::new(context),
        })
    }

    /// Calls it from the event loop: microtasks and `nextTick`s have run when this returns. False when JavaScript
    /// cannot run any more (a terminating worker): the turn stops there.
    pub fn run_from_loop(&self) -> bool {
        self.within_scope(|function, receiver| {
            let mut result = ptr::null_mut();
            // SAFETY: a live function and receiver of this environment, inside a handle scope.
            unsafe {
                sys::napi_make_callback(
                    self.env,
                    self.context.get(),
                    receiver,
                    function,
                    0,
                    ptr::null(),
                    &raw mut result,
                )
            }
        })
    }

    /// Calls it from inside a JavaScript call: microtasks run when that call's caller lets them.
    pub fn run_from_call(&self) -> bool {
        self.within_scope(|function, receiver| {
            let mut result = ptr::null_mut();
            // SAFETY: a live function and receiver of this environment, inside a handle scope.
            unsafe { sys::napi_call_function(self.env, receiver, function, 0, ptr::null(), &raw mut result) }
        })
    }

    /// Releases the function and its context: the environment is about to end. Call nothing afterwards.
    pub fn end(&self) {
        let context = self.context.replace(ptr::null_mut());
        if !context.is_null() {
            // SAFETY: on the environment's own thread, in its cleanup hook; each is given back once.
            unsafe {
                sys::napi_async_destroy(self.env, context);
                sys::napi_delete_reference(self.env, self.function);
            }
        }
    }

    fn within_scope(&self, call: impl FnOnce(sys::napi_value, sys::napi_value) -> sys::napi_status) -> bool {
        let mut scope = ptr::null_mut();
        let mut function = ptr::null_mut();
        let mut receiver = ptr::null_mut();
        // SAFETY: on the environment's own thread, before its cleanup; the scope is closed in the same function.
        unsafe {
            if sys::napi_open_handle_scope(self.env, &raw mut scope) != sys::Status::napi_ok {
                return false;
            }
            let mut status = sys::napi_get_reference_value(self.env, self.function, &raw mut function);
            if status == sys::Status::napi_ok {
                status = sys::napi_get_global(self.env, &raw mut receiver);
            }
            if status == sys::Status::napi_ok {
                status = call(function, receiver);
            }
            let running = match status {
                sys::Status::napi_ok => true,
                sys::Status::napi_pending_exception => self.surface_exception(),
                _ => false,
            };
            sys::napi_close_handle_scope(self.env, scope);
            running
        }
    }

    /// The dispatch function catches its own exceptions, so this one comes from the host. It becomes an
    /// `'uncaughtException'`, like one thrown in any other event-loop callback.
    unsafe fn surface_exception(&self) -> bool {
        let mut exception = ptr::null_mut();
        // SAFETY: inside the handle scope of `within_scope`.
        unsafe {
            sys::napi_get_and_clear_last_exception(self.env, &raw mut exception) == sys::Status::napi_ok
                && sys::napi_fatal_exception(self.env, exception) == sys::Status::napi_ok
        }
    }
}

/// Address and length of a typed array, pinned for the life of the environment.
///
/// # Safety
///
/// `env` must be the current environment and `array` a live value of it.
pub unsafe fn pin(env: sys::napi_env, array: sys::napi_value) -> Result<SharedMemory> {
    let mut kind = 0;
    let mut elements = 0;
    let mut data: *mut c_void = ptr::null_mut();
    let mut buffer = ptr::null_mut();
    let mut offset = 0;
    let mut reference = ptr::null_mut();
    // SAFETY: live arguments, and out-pointers to locals. The reference is never deleted: it ends with the
    // environment, as every user of the address does.
    unsafe {
        check(sys::napi_get_typedarray_info(
            env,
            array,
            &raw mut kind,
            &raw mut elements,
            &raw mut data,
            &raw mut buffer,
            &raw mut offset,
        ))?;
        check(sys::napi_create_reference(env, array, 1, &raw mut reference))?;
    }
    let width = if kind == sys::TypedarrayType::int32_array {
        size_of::<i32>()
    } else {
        1
    };
    let base = ptr::NonNull::new(data.cast::<u8>())
        .ok_or_else(|| Error::new(Status::InvalidArg, "a shared region cannot be empty".to_owned()))?;
    // SAFETY: the array's own memory, pinned above.
    Ok(unsafe { SharedMemory::new(base, elements * width) })
}

/// The event loop of this environment.
///
/// # Safety
///
/// `env` must be the current environment.
pub unsafe fn event_loop(env: sys::napi_env) -> Option<*mut c_void> {
    let mut event_loop = ptr::null_mut();
    // SAFETY: an out-pointer to a local.
    let status = unsafe { sys::napi_get_uv_event_loop(env, &raw mut event_loop) };
    (status == sys::Status::napi_ok && !event_loop.is_null()).then_some(event_loop.cast())
}

pub fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(Error::new(
            Status::from(status),
            "a Node-API call failed".to_owned(),
        ))
    }
}
