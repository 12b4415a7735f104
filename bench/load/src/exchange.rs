//! Request and reply on connections that stay open: echo, pipelined lines, and echo beside idle connections.
//!
//! A connection sends its whole request, reads until as many bytes have come back, and begins again at once. Reads
//! go into one buffer for all connections and are compared in place, so a connection costs its request and no more.
//!
//! Readiness is edge-triggered. A read that did not fill the buffer has emptied the socket, so the call that would
//! only say "would block" is saved; the next edge comes with the next byte.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::observe;
use crate::options::{Mode, Options};
use crate::payload::Payload;
use crate::report::{Failures, Memory, Report};
use crate::window::Window;

/// No event for this long while replies are owed: the server hangs.
const STALL: Duration = Duration::from_secs(10);
const READ_BUFFER: usize = 256 * 1024;

pub fn run(options: &Options) -> io::Result<Report> {
    let mut exchange = Exchange::open(options)?;
    let mut window = Window::open(options);
    let failures = exchange.drive(&mut window)?;
    Ok(Report {
        measured: window.finish(),
        failures,
        ..Report::default()
    })
}

/// The server's memory is read between two loads: warm, but before the idle connections are there, and with them.
pub fn run_beside_idle(options: &Options) -> io::Result<Report> {
    let mut exchange = Exchange::open(options)?;
    let mut failures = exchange.drive(&mut Window::warm_up_only(options))?;
    std::thread::sleep(options.settle);
    let before = options.server.and_then(observe::resident_of);

    let mut idle = open_spoken(options.address, options.idle, options.size)?;
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

/// Connections that have exchanged one message: surely accepted, and with whatever the server keeps for each.
pub fn open_spoken(address: SocketAddr, count: usize, size: usize) -> io::Result<Vec<std::net::TcpStream>> {
    (0..count)
        .map(|connection| {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_read_timeout(Some(STALL))?;
            speak_once(&mut stream, connection, size)?;
            Ok(stream)
        })
        .collect()
}

fn speak_once(stream: &mut std::net::TcpStream, connection: usize, size: usize) -> io::Result<()> {
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
    /// Operations in one request: its lines.
    operations: u64,
    buffer: Box<[u8]>,
}

struct Connection {
    stream: TcpStream,
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
    fn open(options: &Options) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(options.connections);
        for index in 0..options.connections {
            let stream = std::net::TcpStream::connect(options.address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(index), interest)?;
            connections.push(Connection {
                stream,
                payload: match options.mode {
                    Mode::Lines => Payload::lines(index, options.size, options.pipeline),
                    _ => Payload::message(index, options.size),
                },
                sent: 0,
                received: 0,
                began: Instant::now(),
                state: State::Resting,
            });
        }
        Ok(Self {
            poll,
            connections,
            operations: if options.mode == Mode::Lines {
                options.pipeline as u64
            } else {
                1
            },
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
        })
    }

    /// Loads the server until the window closes and every reply that is owed has come.
    fn drive(&mut self, window: &mut Window) -> io::Result<Failures> {
        let mut failures = Failures::default();
        let mut events = Events::with_capacity(1024);
        let mut waiting = 0usize;
        let mut open = true;
        let now = Instant::now();
        for connection in &mut self.connections {
            if connection.state == State::Broken {
                continue;
            }
            match connection.begin(now) {
                Ok(()) => waiting += 1,
                Err(failure) => connection.fail(failure, &mut failures),
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
                if connection.state != State::Waiting {
                    continue;
                }
                match connection.progress(&mut self.buffer) {
                    Ok(false) => {}
                    Ok(true) => {
                        let now = Instant::now();
                        window.record(self.operations, now - connection.began);
                        connection.state = State::Resting;
                        waiting -= 1;
                        if open {
                            match connection.begin(now) {
                                Ok(()) => waiting += 1,
                                Err(failure) => connection.fail(failure, &mut failures),
                            }
                        }
                    }
                    Err(failure) => {
                        connection.fail(failure, &mut failures);
                        waiting -= 1;
                    }
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
    fn begin(&mut self, now: Instant) -> Result<(), Failure> {
        self.payload.advance();
        self.sent = 0;
        self.received = 0;
        self.began = now;
        self.state = State::Waiting;
        self.write()
    }

    /// `true` when the whole reply is there.
    fn progress(&mut self, buffer: &mut [u8]) -> Result<bool, Failure> {
        let length = self.payload.bytes().len();
        if self.sent < length {
            self.write()?;
        }
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Err(Failure::Closed),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::System(error)),
            };
            let expected = self.payload.bytes().get(self.received..self.received + count);
            if expected != Some(&buffer[..count]) {
                return Err(Failure::Mismatch);
            }
            self.received += count;
            if self.received == length {
                return Ok(true);
            }
            if count < buffer.len() {
                return Ok(false);
            }
        }
    }

    fn write(&mut self) -> Result<(), Failure> {
        let bytes = self.payload.bytes();
        while self.sent < bytes.len() {
            match self.stream.write(&bytes[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::System(error)),
            }
        }
        Ok(())
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
