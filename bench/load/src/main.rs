//! `structio-load`: the load generator of the benchmarks.
//!
//! ```text
//!  main ─► options        the flags
//!       ─► exchange       echo, lines, idle: request and reply on connections that stay open
//!       ─► datagrams      echo over UDP
//!       ─► relay          mebibytes through a proxy, to a sink of its own
//!       ─► churn          accept: connect, see the server close, connect again
//!       ─► handshakes     the same with a TLS handshake in between
//!       ─► storm          echo beside bursts of handshakes
//!       ─► hold           connections that do nothing until the server ends them
//!            ├► http         the request, and the response that all others must equal
//!            ├► payload      requests, and the replies they must get
//!            ├► wire         a connection's bytes, plain or under TLS
//!            ├► tls          the offer and the checks of a client
//!            ├► window       warm-up, measured window, drain: when a run changes phase
//!            ├► histogram    latencies
//!            └► observe      CPU time and memory, of this process and of the server
//!       ─► report         one JSON line
//!       ─► certificates   an authority and a certificate for the servers
//! ```
//!
//! # Invariants
//!
//! 1. It is cheaper than any server it measures: one thread (two in a storm), edge-triggered readiness, one read and
//!    one write for each exchange, and no allocation of its own once the connections are open. The TLS library makes
//!    some.
//! 2. Every byte that comes back is compared with the expected one. One wrong byte, and the process ends with status 1.

#![forbid(unsafe_code)]

mod certificates;
mod churn;
mod datagrams;
mod exchange;
mod handshakes;
mod histogram;
mod hold;
mod http;
mod observe;
mod options;
mod payload;
mod relay;
mod report;
mod storm;
mod tls;
mod window;
mod wire;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use options::{Mode, Options};
use report::Report;
use tls::Tls;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == "certificates").is_some() {
        return write_certificates(arguments.next());
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("structio-load: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(report) => {
            println!("{}", report.to_json(&options));
            if let Some(failure) = report.failures.first() {
                eprintln!("structio-load: {failure}");
            }
            if report.failures.none() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("structio-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<Report> {
    let tls = options.tls.as_ref().map(Tls::new).transpose()?;
    let report = match (options.mode, &tls) {
        (Mode::Echo | Mode::Http | Mode::Lines, tls) => exchange::run(options, tls.as_ref()),
        (Mode::Idle, tls) => exchange::run_beside_idle(options, tls.as_ref()),
        (Mode::Datagrams, _) => datagrams::run(options),
        (Mode::Relay, _) => relay::run(options),
        (Mode::Hold, tls) => hold::run(options, tls.as_ref()),
        (Mode::Accept, _) => churn::run(options),
        (Mode::Handshakes, Some(tls)) => handshakes::run(options, tls),
        (Mode::Storm, Some(tls)) => storm::run(options, tls),
        (Mode::Handshakes | Mode::Storm, None) => Err(io::Error::other("handshakes need --tls")),
    }?;
    // A storm prepares some sessions that it never uses.
    let counted = tls.as_ref().filter(|_| options.mode != Mode::Storm);
    Ok(Report {
        tickets_per_connection: counted.map(Tls::tickets_per_session),
        ..report
    })
}

fn write_certificates(folder: Option<String>) -> ExitCode {
    let Some(folder) = folder else {
        eprintln!("structio-load: certificates needs a folder\n\n{}", options::USAGE);
        return ExitCode::from(2);
    };
    match certificates::write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("structio-load: {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
