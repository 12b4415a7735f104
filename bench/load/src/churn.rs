//! Accept and close: each place connects, waits until the server closes without sending anything, and connects again.
//!
//! The server closes first, so TIME_WAIT would stay with the server, and tens of thousands of connections a second
//! would soon exhaust the ports. The client therefore resets the connection once it has seen the server's end. The
//! server has closed its descriptor by then, and does not notice.

use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::options::Options;
use crate::report::{Failures, Report};
use crate::window::Window;

const STALL: Duration = Duration::from_secs(10);

pub fn run(options: &Options) -> io::Result<Report> {
    let mut poll = Poll::new()?;
    let mut failures = Failures::default();
    let mut window = Window::open(options);
    let mut places = Vec::with_capacity(options.connections);
    for index in 0..options.connections {
        places.push(Some(Place::connect(&poll, index, options.address)?));
    }
    let mut events = Events::with_capacity(1024);
    let mut busy = places.len();
    let mut open = true;
    while busy > 0 {
        match poll.poll(&mut events, Some(STALL)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        if events.is_empty() {
            failures.error(format!("{busy} connections were not closed for {STALL:?}"));
            break;
        }
        for event in &events {
            let index = event.token().0;
            let Some(place) = &mut places[index] else {
                continue;
            };
            match place.ended() {
                Ok(false) => continue,
                Ok(true) => window.record(1, place.began.elapsed()),
                Err(error) if error.kind() == ErrorKind::InvalidData => failures.mismatch(),
                Err(error) => failures.error(error.to_string()),
            }
            // Closes the old connection before it opens the next: a place holds one descriptor.
            places[index] = None;
            busy -= 1;
            if open {
                places[index] = Some(Place::connect(&poll, index, options.address)?);
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

struct Place {
    stream: TcpStream,
    began: Instant,
}

impl Place {
    fn connect(poll: &Poll, index: usize, address: SocketAddr) -> io::Result<Self> {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address)?;
        poll.registry()
            .register(&mut stream, Token(index), Interest::READABLE)?;
        Ok(Self { stream, began })
    }

    /// Whether the server has closed. A byte from it is an error.
    fn ended(&mut self) -> io::Result<bool> {
        match self.stream.read(&mut [0]) {
            Ok(0) => {
                rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?;
                Ok(true)
            }
            Ok(_) => Err(ErrorKind::InvalidData.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }
}
