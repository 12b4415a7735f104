//! Bare functions for the most frequent calls. Their arguments and answers go through the shared control words.
//!
//! A method of a class costs half a microsecond to find its receiver, of the six that an echo takes.
//!
//! Each function counts one reference to the driver, and releases it when it is collected.

#![expect(unsafe_code, reason = "a raw Node-API function")]

use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    rc::Rc,
};

use napi::{Result, sys};

use super::{driver::Driver, node_api::check};

/// A function that sends datagrams as `control` says (`rings/records.rs`).
///
/// # Safety
///
/// `env` must be the current environment, and the driver's.
pub unsafe fn datagram_sender(env: sys::napi_env, driver: &Rc<Driver>) -> Result<sys::napi_value> {
    // SAFETY: this function's contract.
    unsafe { bare_function(env, driver, "sendDatagrams", send) }
}

/// A function that reads a file into its `Uint8Array` argument; without an argument, it sets the position. `control`
/// says which file.
///
/// # Safety
///
/// `env` must be the current environment, and the driver's.
#[cfg(unix)]
pub unsafe fn file_caller(env: sys::napi_env, driver: &Rc<Driver>) -> Result<sys::napi_value> {
    // SAFETY: this function's contract.
    unsafe { bare_function(env, driver, "callFile", call_file) }
}

type BareFunction = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// # Safety
///
/// `env` must be the current environment, and the driver's.
unsafe fn bare_function(
    env: sys::napi_env,
    driver: &Rc<Driver>,
    name: &str,
    call: BareFunction,
) -> Result<sys::napi_value> {
    let data = Rc::into_raw(Rc::clone(driver)).cast_mut().cast::<c_void>();
    let mut function = ptr::null_mut();
    // SAFETY: out-pointers to locals. The count that `data` carries comes back in `release`, or here.
    unsafe {
        let mut status = sys::napi_create_function(
            env,
            name.as_ptr().cast(),
            name.len().cast_signed(),
            Some(call),
            data,
            &raw mut function,
        );
        if status == sys::Status::napi_ok {
            status = sys::napi_add_finalizer(
                env,
                function,
                data,
                Some(release),
                ptr::null_mut(),
                ptr::null_mut(),
            );
        }
        if status != sys::Status::napi_ok {
            drop(Rc::from_raw(data.cast::<Driver>()));
        }
        check(status)?;
    }
    Ok(function)
}

unsafe extern "C" fn send(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut data = ptr::null_mut();
    // SAFETY: called by Node-API with a live `info`; the data was given to `napi_create_function`, and is counted
    // until the function is collected.
    let driver = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut data,
        );
        data.cast::<Driver>().as_ref()
    };
    if let Some(driver) = driver {
        // The driver's invariant 6. The panic hook has printed the panic.
        let _ = catch_unwind(AssertUnwindSafe(|| driver.send_datagrams()));
    }
    // `undefined`.
    ptr::null_mut()
}

#[cfg(unix)]
unsafe extern "C" fn call_file(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut data = ptr::null_mut();
    let mut count = 1;
    let mut view = ptr::null_mut();
    let mut start = ptr::null_mut();
    let mut length = 0;
    // SAFETY: as in `send`; out-pointers to locals, and room for one argument. The memory is the caller's own, and
    // used in this call only, in which no JavaScript runs.
    let (driver, memory) = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            &raw mut view,
            ptr::null_mut(),
            &raw mut data,
        );
        let is_bytes = count == 1
            && sys::napi_get_buffer_info(env, view, &raw mut start, &raw mut length) == sys::Status::napi_ok
            && !start.is_null();
        (
            data.cast::<Driver>().as_ref(),
            is_bytes.then(|| std::slice::from_raw_parts_mut(start.cast::<u8>(), length)),
        )
    };
    if let Some(driver) = driver {
        // The driver's invariant 6.
        let _ = catch_unwind(AssertUnwindSafe(|| driver.call_file(memory)));
    }
    // `undefined`.
    ptr::null_mut()
}

unsafe extern "C" fn release(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the count that `bare_function` gave away, given back once.
    drop(unsafe { Rc::from_raw(data.cast::<Driver>()) });
}
