//! The phases of a run: warm-up, measured window, drain.
//!
//! The load never pauses between warm-up and measurement. The counters are reset, and the server's CPU time is read,
//! while it works. An operation in flight at either edge belongs to the phase in which it ends.

use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::observe;
use crate::options::Options;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measured,
    Drain,
}

pub struct Window {
    phase: Phase,
    ends: Option<Instant>,
    duration: Duration,
    target: u64,
    server: Option<u32>,
    begin: Edge,
    operations: u64,
    histogram: Histogram,
    measured: Option<Measured>,
}

/// The figures of the measured window.
pub struct Measured {
    pub operations: u64,
    pub elapsed: Duration,
    pub latencies: Histogram,
    pub own_cpu: Duration,
    pub server_cpu: Option<Duration>,
    /// Resident memory of the server at the end of the window, in bytes.
    pub server_resident: Option<u64>,
}

struct Edge {
    at: Instant,
    own_cpu: Duration,
    server_cpu: Option<Duration>,
}

impl Window {
    pub fn open(options: &Options) -> Self {
        Self::new(
            options.warmup,
            options.duration,
            options.operations,
            options.server,
        )
    }

    /// A warm-up alone: nothing is measured.
    pub fn warm_up_only(options: &Options) -> Self {
        Self::new(options.warmup, Duration::ZERO, u64::MAX, None)
    }

    fn new(warmup: Duration, duration: Duration, target: u64, server: Option<u32>) -> Self {
        let begin = Edge::now(server);
        Self {
            phase: Phase::WarmUp,
            ends: Some(begin.at + warmup),
            duration,
            target,
            server,
            begin,
            operations: 0,
            histogram: Histogram::new(),
            measured: None,
        }
    }

    /// Counts `operations` that ended together, `latency` after they began.
    pub fn record(&mut self, operations: u64, latency: Duration) {
        self.operations += operations;
        self.histogram.record(latency);
    }

    /// Call after each batch of events. `false` once nothing new may begin.
    pub fn advance(&mut self, now: Instant) -> bool {
        let due = self.ends.is_some_and(|ends| now >= ends);
        match self.phase {
            Phase::WarmUp if due => self.begin_measuring(),
            Phase::Measured if due || self.operations >= self.target => self.end_measuring(),
            _ => {}
        }
        self.phase != Phase::Drain
    }

    pub fn is_measuring(&self) -> bool {
        self.phase == Phase::Measured
    }

    pub fn finish(self) -> Option<Measured> {
        self.measured
    }

    fn begin_measuring(&mut self) {
        self.operations = 0;
        self.histogram.clear();
        self.begin = Edge::now(self.server);
        self.ends = self.begin.at.checked_add(self.duration);
        self.phase = Phase::Measured;
    }

    fn end_measuring(&mut self) {
        let end = Edge::now(self.server);
        let server_cpu = end.server_cpu.zip(self.begin.server_cpu);
        self.measured = Some(Measured {
            operations: self.operations,
            elapsed: end.at - self.begin.at,
            latencies: std::mem::replace(&mut self.histogram, Histogram::new()),
            own_cpu: end.own_cpu.saturating_sub(self.begin.own_cpu),
            server_cpu: server_cpu.map(|(end, begin)| end.saturating_sub(begin)),
            server_resident: self.server.and_then(observe::resident_of),
        });
        self.phase = Phase::Drain;
    }
}

impl Edge {
    fn now(server: Option<u32>) -> Self {
        Self {
            server_cpu: server.and_then(observe::cpu_of),
            own_cpu: observe::own_cpu(),
            at: Instant::now(),
        }
    }
}
