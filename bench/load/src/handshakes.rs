//! Full TLS handshakes: each place connects, makes the handshake, gets one byte echoed, waits for the server's end,
//! ends its own side and connects again.
//!
//! The byte travels with the client's last flight, so it costs no round trip. Its echo proves that both sides have
//! the same keys. The server ends first, as in `churn`, but neither side resets, for an orderly end is part of TLS.
//! TIME_WAIT stays with the server, where it does not block a port of the next client.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token};
use rustls::ClientConnection;

use crate::exchange::STALL;
use crate::options::Options;
use crate::report::{Failures, Report};
use crate::tls::Tls;
use crate::window::Window;
use crate::wire::{Buffers, Wire};

pub fn run(options: &Options, tls: &Tls) -> io::Result<Report> {
    let mut poll = Poll::new()?;
    let mut failures = Failures::default();
    let mut buffers = Buffers::new();
    let mut places = Vec::with_capacity(options.connections);
    for index in 0..options.connections {
        places.push(Some(Place::connect(
            poll.registry(),
            index,
            options.address,
            tls,
        )?));
    }
    let mut window = Window::open(options);
    let mut events = Events::with_capacity(1024);
    let mut busy = places.len();
    let mut open = true;
    while busy > 0 {
        match poll.poll(&mut events, Some(STALL)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        if events.is_empty() {
            failures.error(format!("{busy} handshakes were not done for {STALL:?}"));
            break;
        }
        for event in &events {
            let index = event.token().0;
            let Some(place) = &mut places[index] else {
                continue;
            };
            match place.progress(&mut buffers) {
                Ok(None) => continue,
                Ok(Some(latency)) => window.record(1, latency),
                Err(error) => failures.error(error.to_string()),
            }
            // Closes the old connection before it opens the next: a place holds one descriptor.
            places[index] = None;
            busy -= 1;
            if open {
                places[index] = Some(Place::connect(poll.registry(), index, options.address, tls)?);
                busy += 1;
            }
        }
        open = window.advance(Instant::now());
    }
    Ok(Report {
        measured: window.finish(),
        failures,
        ..Report::default()
    })
}

/// Which side ends the connection after the echo. It depends on the server under load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    ServerFirst,
    ClientFirst,
}

/// One connection, from its first packet to its last.
pub struct Place {
    wire: Wire,
    byte: u8,
    end: End,
    began: Instant,
    /// The time from connecting to the echo. Set by the echo.
    answered: Option<Duration>,
}

impl Place {
    fn connect(registry: &Registry, index: usize, address: SocketAddr, tls: &Tls) -> io::Result<Self> {
        Self::begin(
            Self::prepare(tls, index)?,
            registry,
            index,
            address,
            End::ServerFirst,
        )
    }

    /// Prepares the client's first flight, and the byte that the session sends with its last.
    pub fn prepare(tls: &Tls, index: usize) -> io::Result<Prepared> {
        let mut session = tls.session()?;
        let byte = b'!' + (index % 90) as u8;
        session.writer().write_all(&[byte])?;
        Ok(Prepared { session, byte })
    }

    pub fn begin(
        Prepared { session, byte }: Prepared,
        registry: &Registry,
        index: usize,
        address: SocketAddr,
        end: End,
    ) -> io::Result<Self> {
        let began = Instant::now();
        let mut wire = Wire::connect(address, Some(session))?;
        wire.register(registry, Token(index))?;
        Ok(Self {
            wire,
            byte,
            end,
            began,
            answered: None,
        })
    }

    /// The latency of the handshake, once the server has ended the connection.
    pub fn progress(&mut self, buffers: &mut Buffers) -> io::Result<Option<Duration>> {
        // The first flight, once the socket is connected.
        self.wire.send(&[], &mut 0)?;
        while let Some(received) = self.wire.receive(buffers)? {
            if received.length > 0 {
                if self.answered.is_some() || buffers.plain(received.length) != [self.byte] {
                    return Err(io::Error::other("a connection got other bytes than it sent"));
                }
                self.answered = Some(self.began.elapsed());
                if self.end == End::ClientFirst {
                    self.wire.send_end()?;
                }
            }
            if received.ended {
                if self.end == End::ServerFirst {
                    self.wire.send_end()?;
                }
                let unanswered = || io::Error::other("the server ended a connection before it had answered");
                return self.answered.ok_or_else(unanswered).map(Some);
            }
            if received.emptied {
                break;
            }
        }
        // The input may have produced output: the last flight.
        self.wire.send(&[], &mut 0)?;
        Ok(None)
    }
}

/// A connection that has not begun. Its most expensive work, the ClientHello, is done.
pub struct Prepared {
    session: ClientConnection,
    byte: u8,
}
