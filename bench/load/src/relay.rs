//! Bytes through a proxy. This process is both the client that sends them and the server that they arrive at.
//!
//! ```text
//!  source ──► proxy ──► sink           "PORT\n" first: where the proxy has to connect, then the pattern for ever
//! ```
//!
//! One operation is one mebibyte that has arrived. Sources send as fast as the proxy takes. Every byte that arrives is
//! compared with the pattern at its position.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::exchange::STALL;
use crate::options::Options;
use crate::report::{Failures, Report};
use crate::window::Window;

const LISTENER: Token = Token(0);
const MEBIBYTE: u64 = 1 << 20;

/// Bytes of one system call.
const CHUNK: usize = 1 << 18;

/// System calls for one connection before the next one has its turn.
const TURNS: usize = 4;

/// The period of the pattern. It divides no buffer size, so bytes that are repeated, lost or exchanged are noticed.
const PERIOD: usize = 251;

struct Source {
    stream: TcpStream,
    /// The rest of the line that says where to connect.
    head: Vec<u8>,
    sent: usize,
}

#[derive(Default)]
struct Sink {
    stream: Option<TcpStream>,
    received: usize,
}

pub fn run(options: &Options) -> io::Result<Report> {
    let count = options.connections;
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let head = format!("{}\n", listener.local_addr()?.port()).into_bytes();
    let mut sources = (0..count)
        .map(|index| {
            let mut stream = TcpStream::connect(options.address)?;
            poll.registry()
                .register(&mut stream, Token(1 + index), Interest::WRITABLE)?;
            let head = head.clone();
            Ok(Source {
                stream,
                head,
                sent: 0,
            })
        })
        .collect::<io::Result<Vec<_>>>()?;
    let mut sinks: Vec<Sink> = Vec::with_capacity(count);

    let pattern: Vec<u8> = (0..CHUNK + PERIOD).map(|at| (at % PERIOD) as u8).collect();
    let mut buffer = vec![0; CHUNK];
    let mut failures = Failures::default();
    let mut window = Window::open(options);
    let mut events = Events::with_capacity(1024);
    // Connections with more work than fit into one turn.
    let mut busy: Vec<usize> = Vec::new();
    let (mut open, mut ended, mut total) = (true, 0, 0u64);
    while ended < count && failures.none() {
        let patience = if busy.is_empty() { STALL } else { Duration::ZERO };
        match poll.poll(&mut events, Some(patience)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        if events.is_empty() && busy.is_empty() {
            failures.error(format!("nothing moved for {STALL:?}"));
        }
        let mut ready = std::mem::take(&mut busy);
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, count, &mut sinks)?;
            } else if !ready.contains(&event.token().0) {
                ready.push(event.token().0);
            }
        }
        for token in ready {
            let more = if token <= count {
                let source = &mut sources[token - 1];
                source.push(&pattern, open)
            } else {
                let sink = &mut sinks[token - 1 - count];
                sink.drain(&pattern, &mut buffer, &mut failures)
            };
            match more {
                Ok(Progress::More) => busy.push(token),
                Ok(Progress::Wait) => {}
                Ok(Progress::Ended) => ended += 1,
                Err(error) => failures.error(error.to_string()),
            }
        }
        let arrived = sinks.iter().map(|sink| sink.received as u64).sum::<u64>() / MEBIBYTE;
        if arrived > total {
            window.record(arrived - total, Duration::ZERO);
            total = arrived;
        }
        if open && !window.advance(Instant::now()) {
            open = false;
            for source in &sources {
                // The end travels through the proxy behind the last bytes, to the sinks.
                source.stream.shutdown(Shutdown::Write)?;
            }
        }
    }
    Ok(Report {
        measured: window.finish(),
        failures,
        ..Report::default()
    })
}

enum Progress {
    /// Nothing to do until the next readiness event.
    Wait,
    More,
    Ended,
}

fn accept(listener: &TcpListener, poll: &Poll, count: usize, sinks: &mut Vec<Sink>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
            Ok((mut stream, _)) => {
                let token = Token(1 + count + sinks.len());
                poll.registry().register(&mut stream, token, Interest::READABLE)?;
                sinks.push(Sink {
                    stream: Some(stream),
                    received: 0,
                });
            }
        }
    }
}

impl Source {
    fn push(&mut self, pattern: &[u8], open: bool) -> io::Result<Progress> {
        for _ in 0..TURNS {
            if !open {
                return Ok(Progress::Wait);
            }
            let outcome = if self.head.is_empty() {
                let phase = self.sent % PERIOD;
                self.stream.write(&pattern[phase..phase + CHUNK])
            } else {
                self.stream.write(&self.head)
            };
            match outcome {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Wait),
                Err(error) => return Err(error),
                Ok(written) if self.head.is_empty() => self.sent += written,
                Ok(written) => drop(self.head.drain(..written)),
            }
        }
        Ok(Progress::More)
    }
}

impl Sink {
    fn drain(&mut self, pattern: &[u8], buffer: &mut [u8], failures: &mut Failures) -> io::Result<Progress> {
        for _ in 0..TURNS {
            let Some(stream) = &mut self.stream else {
                return Ok(Progress::Wait);
            };
            match stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Wait),
                Err(error) => return Err(error),
                Ok(0) => {
                    self.stream = None;
                    return Ok(Progress::Ended);
                }
                Ok(read) => {
                    let phase = self.received % PERIOD;
                    if buffer[..read] != pattern[phase..phase + read] {
                        failures.mismatch();
                    }
                    self.received += read;
                }
            }
        }
        Ok(Progress::More)
    }
}
