//! The primitives that loom replaces. `Arc` stays the standard one: a `Waker` can be made of no other.

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
