//! Connections that exchange one message and then wait for the server to end them: a graceful shutdown, seen by
//! clients.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use crate::exchange::open_spoken;
use crate::options::Options;
use crate::report::{Failures, Held, Report};
use crate::tls::Tls;
use crate::wire::Blocking;

const PATIENCE: Duration = Duration::from_secs(30);

pub fn run(options: &Options, tls: Option<&Tls>) -> io::Result<Report> {
    let streams = open_spoken(options.address, tls, options.connections, options.size)?;
    println!("{{\"event\":\"holding\",\"connections\":{}}}", streams.len());
    let deadline = Instant::now() + PATIENCE;
    let mut held = Held::default();
    let mut failures = Failures::default();
    for mut stream in streams {
        match wait_for_end(&mut stream, deadline) {
            Ok(()) => held.ended += 1,
            Err(error) if is_disorderly(error.kind()) => held.reset += 1,
            Err(error) => failures.error(error.to_string()),
        }
    }
    Ok(Report {
        held: Some(held),
        failures,
        ..Report::default()
    })
}

/// Whether an end is disorderly: a reset, or under TLS the end of the data without `close_notify`.
fn is_disorderly(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof)
}

fn wait_for_end(stream: &mut Blocking, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    stream
        .socket()
        .set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
    match stream.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(io::Error::other("the server sent data without a request")),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(io::Error::other(format!(
            "a connection was still open after {PATIENCE:?}"
        ))),
        Err(error) => Err(error),
    }
}
