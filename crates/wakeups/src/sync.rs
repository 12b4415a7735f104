//! The primitives that loom has to see. `Arc` is not among them: a `Waker` can only be made of the standard one, and counting
//! references is the standard library's to get right.

#[cfg(loom)]
pub use loom::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(loom))]
pub use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
