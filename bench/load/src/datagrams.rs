//! Echo over UDP: each socket has one datagram on its way, and sends the next one when that has come back.
//!
//! On loopback a datagram is lost only when a buffer overflows. After a loss a socket waits for ever: the run reports a
//! stall and fails.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::exchange::STALL;
use crate::options::Options;
use crate::payload::Payload;
use crate::report::{Failures, Report};
use crate::window::Window;

struct Endpoint {
    socket: UdpSocket,
    payload: Payload,
    began: Instant,
    waits: bool,
}

pub fn run(options: &Options) -> io::Result<Report> {
    let mut poll = Poll::new()?;
    let mut endpoints = (0..options.connections)
        .map(|index| {
            let mut socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            socket.connect(options.address)?;
            poll.registry()
                .register(&mut socket, Token(index), Interest::READABLE)?;
            Ok(Endpoint {
                socket,
                payload: Payload::message(index, options.size),
                began: Instant::now(),
                waits: false,
            })
        })
        .collect::<io::Result<Vec<_>>>()?;

    let mut failures = Failures::default();
    let mut window = Window::open(options);
    let mut events = Events::with_capacity(1024);
    // One byte more than the request, so that a reply that is too long is noticed.
    let mut buffer = vec![0; options.size + 1];
    let mut waiting = 0usize;
    let mut open = true;
    let now = Instant::now();
    for endpoint in &mut endpoints {
        waiting += usize::from(endpoint.begin(now, &mut failures));
    }
    while waiting > 0 {
        match poll.poll(&mut events, Some(STALL)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        if events.is_empty() {
            failures.error(format!(
                "{waiting} datagrams are owed and none came for {STALL:?}"
            ));
            break;
        }
        for event in &events {
            let endpoint = &mut endpoints[event.token().0];
            if !endpoint.waits {
                continue;
            }
            match endpoint.socket.recv(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => failures.error(error.to_string()),
                Ok(length) if buffer[..length] == *endpoint.payload.bytes() => {
                    window.record(1, endpoint.began.elapsed());
                }
                Ok(_) => failures.mismatch(),
            }
            endpoint.waits = false;
            waiting -= 1;
            if open && failures.none() {
                waiting += usize::from(endpoint.begin(Instant::now(), &mut failures));
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

impl Endpoint {
    /// Sends the next datagram. `false` if that failed, so that no reply will come.
    fn begin(&mut self, now: Instant, failures: &mut Failures) -> bool {
        self.payload.advance();
        self.began = now;
        match self.socket.send(self.payload.bytes()) {
            Ok(_) => self.waits = true,
            Err(error) => failures.error(error.to_string()),
        }
        self.waits
    }
}
