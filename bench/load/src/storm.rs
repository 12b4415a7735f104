//! Echo beside bursts of handshakes: how new clients affect the latency of established ones, and how long they wait.
//!
//! This mode does not saturate the server, unlike the others. An established connection pauses after each reply.
//! Handshakes begin in bursts by the clock, whether earlier ones are done or not. There are two threads, because the
//! client's part of a handshake is expensive and must not delay the echoes: one thread measures the echoes, the other
//! makes the storm with a lower priority. The first flights of a burst are prepared beforehand, so that they reach
//! the server together.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use mio::{Events, Poll};

use crate::exchange::{Connection, STALL};
use crate::handshakes::{End, Place, Prepared};
use crate::histogram::Histogram;
use crate::options::Options;
use crate::payload::Payload;
use crate::report::{Failures, Report};
use crate::tls::Tls;
use crate::window::Window;
use crate::wire::Buffers;

/// What the measuring thread tells the thread of the storm.
const WARMING_UP: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;

/// The niceness of the storm's thread. On Linux it belongs to a thread.
const NICENESS: i32 = 10;

pub fn run(options: &Options, tls: &Tls) -> io::Result<Report> {
    let phase = AtomicU8::new(WARMING_UP);
    std::thread::scope(|scope| {
        let storm = scope.spawn(|| {
            let outcome = Storm::new(options, tls).and_then(|storm| storm.blow(&phase));
            // The echoes end with the storm, also after an error.
            phase.store(OVER, Ordering::Relaxed);
            outcome
        });
        let echoed = echo(options, tls, &phase);
        phase.store(OVER, Ordering::Relaxed);
        let blown = storm
            .join()
            .map_err(|_| io::Error::other("the storm's thread panicked"))?;
        let (handshakes, storm_failures) = blown?;
        let (window, mut failures) = echoed?;
        failures.merge(storm_failures);
        Ok(Report {
            measured: window.finish(),
            handshakes: Some(handshakes),
            failures,
            ..Report::default()
        })
    })
}

/// Echoes until the window closes.
fn echo(options: &Options, tls: &Tls, phase: &AtomicU8) -> io::Result<(Window, Failures)> {
    let mut poll = Poll::new()?;
    let mut connections = (0..options.connections)
        .map(|index| {
            let payload = Payload::message(index, options.size);
            Connection::open(poll.registry(), index, payload, options.address, Some(tls))
        })
        .collect::<io::Result<Vec<_>>>()?;
    let mut window = Window::open(options);
    let mut failures = Failures::default();
    let mut buffers = Buffers::new();
    let mut events = Events::with_capacity(1024);
    // All pauses are equally long, so the queue is in order of time. The first requests are spread over one pause.
    let began = Instant::now();
    let spread = |index: usize| began + options.pause.mul_f64(index as f64 / options.connections as f64);
    let mut due: VecDeque<(Instant, usize)> = (0..options.connections)
        .map(|index| (spread(index), index))
        .collect();
    let mut waiting = 0usize;
    let mut heard = began;
    let mut open = true;
    while open || waiting > 0 {
        let now = Instant::now();
        while let Some((at, index)) = due.front().copied() {
            if !open || at > now {
                break;
            }
            due.pop_front();
            if connections[index].begin(now, &mut failures) {
                waiting += 1;
            }
        }
        let rest = due
            .front()
            .map_or(STALL, |(at, _)| at.saturating_duration_since(now));
        match poll.poll(&mut events, Some(if open { rest } else { STALL })) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        let now = Instant::now();
        if !events.is_empty() {
            heard = now;
        } else if waiting > 0 && now - heard >= STALL {
            failures.error(format!("{waiting} replies are owed and none came for {STALL:?}"));
            break;
        }
        for event in &events {
            let index = event.token().0;
            let connection = &mut connections[index];
            if !connection.waits() {
                continue;
            }
            if let Some(latency) = connection.progress(&mut buffers, &mut failures) {
                window.record(1, latency);
                due.push_back((Instant::now() + options.pause, index));
            }
            if !connection.waits() {
                waiting -= 1;
            }
        }
        open = window.advance(now) && phase.load(Ordering::Relaxed) != OVER && failures.none();
        if window.is_measuring() {
            phase.fetch_max(MEASURED, Ordering::Relaxed);
        }
    }
    Ok((window, failures))
}

struct Storm<'a> {
    options: &'a Options,
    tls: &'a Tls,
    poll: Poll,
    places: Vec<Option<Place>>,
    /// The connections of the next burst.
    prepared: Vec<Prepared>,
}

impl<'a> Storm<'a> {
    fn new(options: &'a Options, tls: &'a Tls) -> io::Result<Self> {
        rustix::process::nice(NICENESS)?;
        let mut storm = Self {
            options,
            tls,
            poll: Poll::new()?,
            places: (0..options.burst).map(|_| None).collect(),
            prepared: Vec::with_capacity(options.burst),
        };
        storm.prepare()?;
        Ok(storm)
    }

    /// Makes bursts until the window has closed. Returns the latencies of the handshakes that ended inside it.
    fn blow(mut self, phase: &AtomicU8) -> io::Result<(Histogram, Failures)> {
        let mut latencies = Histogram::new();
        let mut failures = Failures::default();
        let mut buffers = Buffers::new();
        let mut events = Events::with_capacity(1024);
        let mut next = Instant::now();
        let mut heard = next;
        let mut busy = 0usize;
        loop {
            let now = Instant::now();
            let over = phase.load(Ordering::Relaxed) == OVER;
            if over && busy == 0 {
                return Ok((latencies, failures));
            }
            if !over && now >= next {
                busy += self.burst()?;
                next = now + self.options.every;
            }
            let rest = next.saturating_duration_since(Instant::now());
            match self.poll.poll(&mut events, Some(if over { STALL } else { rest })) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            if !events.is_empty() {
                heard = Instant::now();
            } else if busy > 0 && heard.elapsed() >= STALL {
                failures.error(format!("{busy} handshakes were not done for {STALL:?}"));
                return Ok((latencies, failures));
            }
            for event in &events {
                let slot = &mut self.places[event.token().0];
                let Some(place) = slot else {
                    continue;
                };
                match place.progress(&mut buffers) {
                    Ok(None) => continue,
                    Ok(Some(latency)) => {
                        if phase.load(Ordering::Relaxed) == MEASURED {
                            latencies.record(latency);
                        }
                    }
                    Err(error) => failures.error(error.to_string()),
                }
                *slot = None;
                busy -= 1;
            }
            if busy == 0 {
                self.prepare()?;
            }
        }
    }

    fn prepare(&mut self) -> io::Result<()> {
        while self.prepared.len() < self.places.len() {
            self.prepared.push(Place::prepare(self.tls, self.prepared.len())?);
        }
        Ok(())
    }

    /// Begins as many handshakes as there are free places. A burst that is not done makes the next one smaller.
    fn burst(&mut self) -> io::Result<usize> {
        self.prepare()?;
        let mut begun = 0;
        for (index, slot) in self.places.iter_mut().enumerate() {
            if slot.is_some() {
                continue;
            }
            let Some(prepared) = self.prepared.pop() else {
                break;
            };
            let registry = self.poll.registry();
            let address = self.options.address;
            *slot = Some(Place::begin(
                prepared,
                registry,
                index,
                address,
                End::ClientFirst,
            )?);
            begun += 1;
        }
        Ok(begun)
    }
}
