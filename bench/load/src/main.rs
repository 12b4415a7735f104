//! `structio-load`: the load generator of the benchmarks.
//!
//! ```text
//!  main ─► options     the flags
//!       ─► exchange    echo, lines, idle: request and reply on connections that stay open
//!       ─► churn       accept: connect, see the server close, connect again
//!       ─► hold        connections that do nothing until the server ends them
//!            ├► payload     what is sent, and what must come back
//!            ├► window      warm-up, measured window, drain: when a run changes phase
//!            ├► histogram   latencies
//!            └► observe     CPU time and memory, of this process and of the server
//!       ─► report      one JSON line
//! ```
//!
//! It must stay cheaper than any server it measures: one thread, edge-triggered readiness, one read and one write
//! for each exchange, no allocation once the connections are open. Every byte that comes back is compared with what
//! was sent; one wrong byte and the process ends with status 1.

#![forbid(unsafe_code)]

mod churn;
mod exchange;
mod histogram;
mod hold;
mod observe;
mod options;
mod payload;
mod report;
mod window;

use std::process::ExitCode;

use options::{Mode, Options};
use report::Report;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
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

fn run(options: &Options) -> std::io::Result<Report> {
    match options.mode {
        Mode::Echo | Mode::Lines => exchange::run(options),
        Mode::Idle => exchange::run_beside_idle(options),
        Mode::Accept => churn::run(options),
        Mode::Hold => hold::run(options),
    }
}
