//! The event-loop driver: what wakes JavaScript, and when.
//!
//! - [`driver`]: the turn around a batch, for both modes, and keep-alive. [`lifecycle`]: its start and its end.
//! - `nested` (Linux): the reactor's epoll descriptor is polled by libuv itself, so that a ready socket wakes
//!   JavaScript without another thread. [`epoll_descriptor`] finds that descriptor.
//! - [`helper`]: elsewhere a thread waits in the reactor and only wakes.
//! - [`remote`]: remote completions, which other threads have finished. [`wake`]: how another thread asks for a turn:
//!   `uv_async`, or a threadsafe function.
//! - [`uv`]: libuv's symbols, looked up at run time. [`node_api`]: the few raw Node-API calls a turn needs;
//!   [`bare_call`]: functions that JavaScript calls without a class.

mod bare_call;
mod driver;
#[cfg(target_os = "linux")]
mod epoll_descriptor;
mod helper;
mod lifecycle;
mod node_api;
mod remote;
mod uv;
mod wake;

pub use bare_call::datagram_sender;
#[cfg(unix)]
pub use bare_call::file_caller;
pub use driver::{Driver, DriverKind};
pub use node_api::{Dispatch, pin};
pub use remote::Remote;
