//! Request and reply on connections that stay open: echo, pipelined lines, and echo beside idle connections.
//!
//! A connection sends its whole request, reads until the whole reply has come, and begins again at once. All
//! connections read into one buffer, and replies are compared there. A connection therefore costs the memory of its
//! request and its TLS session only.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token};

use crate::http;
use crate::observe;
use crate::options::{Mode, Options};
use crate::payload::Payload;
use crate::report::{Failures, Memory, Report};
use crate::tls::Tls;
use crate::window::Window;
use crate::wire::{Blocking, Buffers, Wire};

/// The server hangs if no event comes for this long while replies are outstanding.
pub const STALL: Duration = Duration::from_secs(10);

pub fn run(options: &Options, tls: Option<&Tls>) -> io::Result<Report> {
    let mut exchange = Exchange::open(options, tls)?;
    let mut window = Window::open(options);
    let failures = exchange.drive(&mut window)?;
    Ok(Report {
        measured: window.finish(),
        failures,
        ..Report::default()
    })
}

/// Runs echo beside idle connections. The server's memory is read twice: after the warm-up, and again with the idle
/// connections open.
pub fn run_beside_idle(options: &Options, tls: Option<&Tls>) -> io::Result<Report> {
    let mut exchange = Exchange::open(options, tls)?;
    let mut failures = exchange.drive(&mut Window::warm_up_only(options))?;
    std::thread::sleep(options.settle);
    let before = options.server.and_then(observe::resident_of);

    let mut idle = open_spoken(options.address, tls, options.idle, options.size)?;
    std::thread::sleep(options.settle);
    let after = options.server.and_then(observe::resident_of);

    let mut window = Window::open(options);
    failures.merge(exchange.drive(&mut window)?);
    for (connection, stream) in idle.iter_mut().enumerate() {
        if let Err(error) = speak_once(stream, connection, options.size) {
            failures.error(format!("idle connection {connection}: {error}"));
        }
    }
    Ok(Report {
        measured: window.finish(),
        memory: Memory { before, after },
        failures,
        ..Report::default()
    })
}

/// Opens connections and exchanges one message on each, so that the server has accepted them and holds its state for
/// them.
pub fn open_spoken(
    address: SocketAddr,
    tls: Option<&Tls>,
    count: usize,
    size: usize,
) -> io::Result<Vec<Blocking>> {
    (0..count)
        .map(|connection| {
            let mut stream = Blocking::open(address, tls, STALL)?;
            speak_once(&mut stream, connection, size)?;
            Ok(stream)
        })
        .collect()
}

fn speak_once(stream: &mut Blocking, connection: usize, size: usize) -> io::Result<()> {
    let payload = Payload::message(connection, size);
    stream.write_all(payload.bytes())?;
    let mut reply = vec![0; size];
    stream.read_exact(&mut reply)?;
    if reply == payload.bytes() {
        Ok(())
    } else {
        Err(io::Error::new(
            ErrorKind::InvalidData,
            "the reply differs from the request",
        ))
    }
}

struct Exchange {
    poll: Poll,
    connections: Vec<Connection>,
    /// Operations in one request: the number of its lines.
    operations: u64,
    buffers: Buffers,
}

pub struct Connection {
    wire: Wire,
    payload: Payload,
    sent: usize,
    received: usize,
    began: Instant,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Resting,
    Waiting,
    Broken,
}

impl Exchange {
    fn open(options: &Options, tls: Option<&Tls>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let answer = match options.mode {
            Mode::Http => Some(http::learn(options.address, tls)?),
            _ => None,
        };
        let payload = |index| match &answer {
            Some(answer) => Payload::fixed(http::REQUEST, answer.clone()),
            None if options.mode == Mode::Lines => Payload::lines(index, options.size, options.pipeline),
            None => Payload::message(index, options.size),
        };
        let connections = (0..options.connections)
            .map(|index| Connection::open(poll.registry(), index, payload(index), options.address, tls))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            poll,
            connections,
            operations: if options.mode == Mode::Lines {
                options.pipeline as u64
            } else {
                1
            },
            buffers: Buffers::new(),
        })
    }

    /// Loads the server until the window closes and every outstanding reply has come.
    fn drive(&mut self, window: &mut Window) -> io::Result<Failures> {
        let mut failures = Failures::default();
        let mut events = Events::with_capacity(1024);
        let mut waiting = 0usize;
        let mut open = true;
        let now = Instant::now();
        for connection in &mut self.connections {
            if connection.begin(now, &mut failures) {
                waiting += 1;
            }
        }
        while waiting > 0 {
            match self.poll.poll(&mut events, Some(STALL)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            if events.is_empty() {
                failures.error(format!("{waiting} replies are owed and none came for {STALL:?}"));
                return Ok(failures);
            }
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if !connection.waits() {
                    continue;
                }
                if let Some(latency) = connection.progress(&mut self.buffers, &mut failures) {
                    window.record(self.operations, latency);
                }
                if connection.waits() {
                    continue;
                }
                waiting -= 1;
                if open && connection.begin(Instant::now(), &mut failures) {
                    waiting += 1;
                }
            }
            open = window.advance(Instant::now());
        }
        Ok(failures)
    }
}

enum Failure {
    System(io::Error),
    Closed,
    Mismatch,
}

impl Connection {
    pub fn open(
        registry: &Registry,
        index: usize,
        payload: Payload,
        address: SocketAddr,
        tls: Option<&Tls>,
    ) -> io::Result<Self> {
        let mut wire = Wire::open(address, tls)?;
        wire.register(registry, Token(index))?;
        Ok(Self {
            wire,
            payload,
            sent: 0,
            received: 0,
            began: Instant::now(),
            state: State::Resting,
        })
    }

    pub fn waits(&self) -> bool {
        self.state == State::Waiting
    }

    /// Sends the next request. `false` when there will be no reply.
    pub fn begin(&mut self, now: Instant, failures: &mut Failures) -> bool {
        if self.state == State::Broken {
            return false;
        }
        self.payload.advance();
        self.sent = 0;
        self.received = 0;
        self.began = now;
        self.state = State::Waiting;
        if let Err(error) = self.wire.send(self.payload.bytes(), &mut self.sent) {
            self.fail(Failure::System(error), failures);
        }
        self.state == State::Waiting
    }

    /// The latency, once the whole reply has come. After that, and after a failure, the connection no longer waits.
    pub fn progress(&mut self, buffers: &mut Buffers, failures: &mut Failures) -> Option<Duration> {
        match self.take_reply(buffers) {
            Ok(false) => None,
            Ok(true) => {
                self.state = State::Resting;
                Some(self.began.elapsed())
            }
            Err(failure) => {
                self.fail(failure, failures);
                None
            }
        }
    }

    /// `true` once the whole reply has come.
    fn take_reply(&mut self, buffers: &mut Buffers) -> Result<bool, Failure> {
        let request = self.payload.bytes();
        if self.sent < request.len() || self.wire.wants_send() {
            self.wire.send(request, &mut self.sent).map_err(Failure::System)?;
        }
        let reply = self.payload.reply();
        loop {
            let Some(received) = self.wire.receive(buffers).map_err(Failure::System)? else {
                return Ok(false);
            };
            let expected = reply.get(self.received..self.received + received.length);
            if expected != Some(buffers.plain(received.length)) {
                return Err(Failure::Mismatch);
            }
            self.received += received.length;
            if self.received == reply.len() {
                return Ok(true);
            }
            if received.ended {
                return Err(Failure::Closed);
            }
            if received.emptied {
                return Ok(false);
            }
        }
    }

    fn fail(&mut self, failure: Failure, failures: &mut Failures) {
        self.state = State::Broken;
        match failure {
            Failure::System(error) => failures.error(error.to_string()),
            Failure::Closed => {
                failures.error("the server closed a connection that was in use".into());
            }
            Failure::Mismatch => failures.mismatch(),
        }
    }
}
