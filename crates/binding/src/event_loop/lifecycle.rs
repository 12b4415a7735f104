//! The start and the end of a driver, and the callbacks between.
//!
//! ```text
//!  start ─► install ─► on_poll, on_async, on_threadsafe_call ─► run_turn
//!                  └─► on_cleanup ─► begin_end ─► on_closed … ─► end
//! ```
//!
//! Everything here runs on the environment's own thread.
//!
//! Invariants:
//! 1. The handles and the cleanup hook share one counted pointer to the driver, made in `start`. `end` gives it back,
//!    once, after the last callback.
//! 2. `begin_end` runs once. After it no callback finds a turn, and JavaScript is not called any more.
//! 3. The order of the end: bell, dispatch, sockets, files, the helper thread with its reactor, libuv's handles, the
//!    nested reactor. A socket needs the reactor to deregister, and libuv polls the nested reactor's descriptor until
//!    the handle closes.

#![expect(unsafe_code, reason = "raw libuv and Node-API")]

use std::{
    cell::{Cell, RefCell},
    ffi::{c_int, c_void},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    rc::Rc,
    sync::Arc,
};

use napi::{Error, Result, Status, sys};
use structio_core::{reactor::Reactor, ready::ReadyList};

use super::{
    driver::{Doorbell, Driver, DriverKind, Source},
    helper::Helper,
    node_api::{self, Dispatch, check},
    remote::{Announced, Remote, RemoteQueue},
    uv::{self, HandleMemory, Uv, UvHandle},
    wake::{Target, Wake},
};
use crate::rings::{Regions, Turn};

impl Driver {
    /// # Safety
    ///
    /// `env` must be the current environment, `dispatch` and `regions` of it.
    pub unsafe fn start(
        env: sys::napi_env,
        dispatch: Dispatch,
        regions: Regions,
        wanted: DriverKind,
        use_uv: bool,
    ) -> Result<Rc<Self>> {
        let uv = if use_uv { Uv::get().copied() } else { None };
        // SAFETY: this function's contract.
        let event_loop = unsafe { node_api::event_loop(env) };
        let uv = uv.filter(|_| event_loop.is_some());
        let event_loop = event_loop.unwrap_or(ptr::null_mut());

        let wake = Arc::new(Wake::default());
        let remote = RemoteQueue::new(Arc::clone(&wake));
        let reactor = Reactor::new().map_err(|error| system_failure(&error))?;
        let runtime = reactor.handle();

        let nested = if wanted == DriverKind::Nested {
            nest(uv.as_ref(), event_loop, &reactor)
        } else {
            None
        };
        let (source, kind, ready) = match nested {
            Some(poll) => (
                Source::Nested { reactor, poll },
                DriverKind::Nested,
                ReadyList::new(None),
            ),
            None => {
                let bell = Arc::clone(&wake);
                let ready = ReadyList::new(Some(Box::new(move || bell.send())));
                let settled = Arc::clone(&remote);
                let helper = Helper::start(reactor, move || settled.push(Remote::Settled))
                    .map_err(|error| system_failure(&error))?;
                (Source::Thread(helper), DriverKind::Thread, ready)
            }
        };

        let driver = Rc::new(Self {
            env,
            uv,
            dispatch,
            turn: RefCell::new(Some(Turn::new(regions, ready))),
            source: RefCell::new(Some(source)),
            doorbell: RefCell::new(None),
            runtime,
            kind,
            wake,
            remote,
            looked_up: Announced::default(),
            #[cfg(unix)]
            file_outcomes: Announced::default(),
            #[cfg(unix)]
            files: RefCell::default(),
            kept_alive: Cell::new(true),
            closing: Cell::new(0),
            cleanup: Cell::new(ptr::null_mut()),
        });
        // SAFETY: this function's contract; the count given away here comes back in `end`.
        unsafe { driver.install(Rc::into_raw(Rc::clone(&driver)), event_loop)? };
        driver.sync_keep_alive();
        Ok(driver)
    }

    /// Starts the handles. Their callbacks get `data`.
    ///
    /// # Safety
    ///
    /// `data` must be a counted pointer to `self`, `event_loop` this environment's loop or unused without libuv.
    unsafe fn install(&self, data: *const Self, event_loop: *mut c_void) -> Result<()> {
        let data = data.cast_mut().cast::<c_void>();
        if let Some(uv) = &self.uv {
            let memory = HandleMemory::new(uv, uv::ASYNC);
            let handle = memory.handle();
            // SAFETY: fresh handle memory of libuv's own size, which lives until its close callback.
            let status = unsafe { (uv.async_init)(event_loop, handle, on_async) };
            if status != 0 {
                return Err(Error::new(
                    Status::GenericFailure,
                    format!("uv_async_init failed ({status})"),
                ));
            }
            // SAFETY: initialised above.
            unsafe {
                (uv.handle_set_data)(handle, data);
                if self.kind == DriverKind::Nested {
                    // The poll handle keeps the process alive. This one only wakes.
                    (uv.let_go)(handle);
                }
            }
            self.wake.open(Target::Async { uv: *uv, handle });
            *self.doorbell.borrow_mut() = Some(Doorbell::Async(memory));
            if let Some(Source::Nested { poll, .. }) = &mut *self.source.borrow_mut() {
                // SAFETY: `nest` has initialised it.
                unsafe {
                    (uv.handle_set_data)(poll.handle(), data);
                    (uv.poll_start)(poll.handle(), uv::READABLE, on_poll);
                }
            }
        } else {
            // SAFETY: this function's contract.
            let function = unsafe { threadsafe_function(self.env, data)? };
            self.wake.open(Target::ThreadsafeFunction(function));
            *self.doorbell.borrow_mut() = Some(Doorbell::ThreadsafeFunction(function));
        }
        if self.uv.is_none() {
            // No handle has to be closed before the environment ends, so a plain hook will do. An asynchronous one is not
            // safe in every host without libuv: Deno frees its handle after the hook, and again when the hook removes it, as
            // Node-API demands.
            // SAFETY: `data` stays counted until `end`, which the hook brings about.
            return check(unsafe { sys::napi_add_env_cleanup_hook(self.env, Some(on_sudden_cleanup), data) });
        }
        let mut hook = ptr::null_mut();
        // SAFETY: as above.
        check(unsafe { sys::napi_add_async_cleanup_hook(self.env, Some(on_cleanup), data, &raw mut hook) })?;
        self.cleanup.set(hook);
        Ok(())
    }

    /// The environment ends. Stops callbacks and wake-ups, then closes the handles (3).
    fn begin_end(&self) {
        self.wake.close();
        self.dispatch.end();
        // The sockets close here, and deregister, while the reactor exists.
        {
            let _guard = self.runtime.enter();
            self.turn.borrow_mut().take();
        }
        #[cfg(unix)]
        {
            self.files.take();
            self.file_outcomes.clear();
        }
        if let Some(Source::Thread(helper)) = &mut *self.source.borrow_mut() {
            helper.stop();
        }
        let mut closing = 0;
        if let Some(uv) = &self.uv {
            if let Some(Source::Nested { poll, .. }) = &mut *self.source.borrow_mut() {
                closing += 1;
                // SAFETY: started in `install`, closed once.
                unsafe {
                    (uv.poll_stop)(poll.handle());
                    (uv.close)(poll.handle(), on_closed);
                }
            }
            if let Some(Doorbell::Async(handle)) = &mut *self.doorbell.borrow_mut() {
                closing += 1;
                // SAFETY: initialised in `install`, closed once.
                unsafe { (uv.close)(handle.handle(), on_closed) };
            }
        }
        self.closing.set(closing);
    }

    /// All handles are closed: the reactor ends, and the environment may go on ending.
    ///
    /// # Safety
    ///
    /// `data` must be the pointer given to `install`, and is dead afterwards.
    unsafe fn end(data: *const Self) {
        // SAFETY: the count that `install` was given.
        let driver = unsafe { Rc::from_raw(data) };
        if let Some(Source::Nested { reactor, .. }) = driver.source.borrow_mut().take() {
            reactor.shutdown();
        }
        driver.doorbell.borrow_mut().take();
        let hook = driver.cleanup.get();
        if !hook.is_null() {
            // SAFETY: the hook's own handle, released once.
            unsafe { sys::napi_remove_async_cleanup_hook(hook) };
        }
    }
}

/// Makes libuv poll the reactor's descriptor. `None` where the descriptor was not found or does not work.
#[cfg(target_os = "linux")]
fn nest(uv: Option<&Uv>, event_loop: *mut c_void, reactor: &Reactor) -> Option<HandleMemory> {
    let uv = uv?;
    let descriptor = super::epoll_descriptor::find(reactor)?;
    let memory = HandleMemory::new(uv, uv::POLL);
    // SAFETY: fresh handle memory of libuv's own size, and a descriptor that outlives it: the reactor ends after
    // the handle's close callback.
    let status = unsafe { (uv.poll_init)(event_loop, memory.handle(), descriptor) };
    (status == 0).then_some(memory)
}

#[cfg(not(target_os = "linux"))]
fn nest(_: Option<&Uv>, _: *mut c_void, _: &Reactor) -> Option<HandleMemory> {
    None
}

/// # Safety
///
/// `env` must be the current environment and `data` outlive the function.
unsafe fn threadsafe_function(
    env: sys::napi_env,
    data: *mut c_void,
) -> Result<sys::napi_threadsafe_function> {
    let text = "structio";
    let mut name = ptr::null_mut();
    let mut function = ptr::null_mut();
    // SAFETY: out-pointers to locals.
    unsafe {
        check(sys::napi_create_string_utf8(
            env,
            text.as_ptr().cast(),
            text.len().cast_signed(),
            &raw mut name,
        ))?;
        check(sys::napi_create_threadsafe_function(
            env,
            ptr::null_mut(),
            ptr::null_mut(),
            name,
            1,
            1,
            ptr::null_mut(),
            None,
            data,
            Some(on_threadsafe_call),
            &raw mut function,
        ))?;
    }
    Ok(function)
}

fn system_failure(error: &io::Error) -> Error {
    Error::new(Status::GenericFailure, error.to_string())
}

/// The driver behind a callback's data.
///
/// # Safety
///
/// `data` must be the pointer given to `install`, before `end`.
unsafe fn with_driver(data: *const c_void, work: impl FnOnce(&Driver)) {
    // SAFETY: this function's contract.
    if let Some(driver) = unsafe { data.cast::<Driver>().as_ref() } {
        // The driver's invariant 6. The panic hook has printed the panic.
        let _ = catch_unwind(AssertUnwindSafe(|| work(driver)));
    }
}

/// # Safety
///
/// `handle` must be one of `install`'s, before its close callback has returned.
unsafe fn with_driver_of(handle: *mut UvHandle, work: impl FnOnce(&Driver, *const Driver)) {
    let Some(uv) = Uv::get() else { return };
    // SAFETY: this function's contract; the data was set in `install`.
    unsafe {
        let data = (uv.handle_get_data)(handle);
        with_driver(data, |driver| work(driver, data.cast()));
    }
}

extern "C" fn on_poll(handle: *mut UvHandle, _status: c_int, _events: c_int) {
    // SAFETY: called by libuv for the poll handle of `install`.
    unsafe { with_driver_of(handle, |driver, _| driver.run_turn()) };
}

extern "C" fn on_async(handle: *mut UvHandle) {
    // SAFETY: called by libuv for the async handle of `install`.
    unsafe { with_driver_of(handle, |driver, _| driver.run_turn()) };
}

extern "C" fn on_closed(handle: *mut UvHandle) {
    let mut last = None;
    // SAFETY: called by libuv, once for each handle that `begin_end` closed.
    unsafe {
        with_driver_of(handle, |driver, data| {
            driver.closing.set(driver.closing.get().saturating_sub(1));
            last = (driver.closing.get() == 0).then_some(data);
        });
    }
    if let Some(data) = last {
        // SAFETY: the last callback, and the driver is borrowed no more: this may free it. The driver's invariant 6.
        let _ = catch_unwind(AssertUnwindSafe(|| unsafe { Driver::end(data) }));
    }
}

unsafe extern "C" fn on_threadsafe_call(
    env: sys::napi_env,
    _callback: sys::napi_value,
    data: *mut c_void,
    _item: *mut c_void,
) {
    // Without an environment: it is ending, and the cleanup hook does the rest.
    if !env.is_null() {
        // SAFETY: the data given to `threadsafe_function`, which the hook outlives.
        unsafe { with_driver(data, Driver::run_turn) };
    }
}

/// The cleanup hook without libuv. The environment ends when it returns.
unsafe extern "C" fn on_sudden_cleanup(data: *mut c_void) {
    // SAFETY: the data given to the hook, called once, on the environment's thread. There are no handles, and so no
    // close callback uses `data` later.
    unsafe {
        with_driver(data, Driver::begin_end);
        Driver::end(data.cast());
    }
}

unsafe extern "C" fn on_cleanup(_hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    // SAFETY: the data given to the hook, called once, on the environment's thread.
    unsafe {
        with_driver(data, Driver::begin_end);
        let waits = data
            .cast::<Driver>()
            .as_ref()
            .is_some_and(|driver| driver.closing.get() > 0);
        if !waits {
            Driver::end(data.cast());
        }
    }
}
