//! The result of a run as one line of JSON. An absent figure is `null`.

use std::fmt::Write;
use std::time::Duration;

use crate::histogram::Histogram;
use crate::options::Options;
use crate::window::Measured;

#[derive(Default)]
pub struct Report {
    pub measured: Option<Measured>,
    pub memory: Memory,
    pub held: Option<Held>,
    /// Latencies of the handshakes beside the echoes.
    pub handshakes: Option<Histogram>,
    pub tickets_per_connection: Option<f64>,
    pub failures: Failures,
}

/// Resident memory of the server before and after the idle connections were opened, in bytes.
#[derive(Default)]
pub struct Memory {
    pub before: Option<u64>,
    pub after: Option<u64>,
}

/// How the server ended the connections it was holding.
#[derive(Default)]
pub struct Held {
    pub ended: u64,
    pub reset: u64,
}

#[derive(Default)]
pub struct Failures {
    errors: u64,
    mismatches: u64,
    first: Option<String>,
}

impl Failures {
    pub fn error(&mut self, message: String) {
        self.errors += 1;
        self.first.get_or_insert(message);
    }

    pub fn mismatch(&mut self) {
        self.mismatches += 1;
        self.first
            .get_or_insert_with(|| "the server sent other bytes than it was sent".into());
    }

    pub fn merge(&mut self, other: Self) {
        self.errors += other.errors;
        self.mismatches += other.mismatches;
        self.first = self.first.take().or(other.first);
    }

    pub fn none(&self) -> bool {
        self.errors == 0 && self.mismatches == 0
    }

    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }
}

impl Report {
    pub fn to_json(&self, options: &Options) -> String {
        let mut line = Line::new();
        line.text("mode", options.mode.name());
        line.number("connections", Some(options.connections));
        line.number("size", Some(options.size));
        line.number("errors", Some(self.failures.errors));
        line.number("mismatches", Some(self.failures.mismatches));
        if let Some(measured) = &self.measured {
            let seconds = measured.elapsed.as_secs_f64();
            line.number("operations", Some(measured.operations));
            line.number("seconds", Some(seconds));
            line.number("throughput", Some(measured.operations as f64 / seconds));
            line.number("p50Us", microseconds(measured.latencies.quantile(0.5)));
            line.number("p99Us", microseconds(measured.latencies.quantile(0.99)));
            line.number("maxUs", microseconds(measured.latencies.max()));
            let per_operation = |cpu: Duration| cpu.as_secs_f64() * 1e6 / measured.operations.max(1) as f64;
            line.number("generatorCpuUs", Some(per_operation(measured.own_cpu)));
            line.number("serverCpuUs", measured.server_cpu.map(per_operation));
            line.number("serverResident", measured.server_resident);
        }
        if let Some((before, after)) = self.memory.before.zip(self.memory.after) {
            line.number("idle", Some(options.idle));
            let grown = after as f64 - before as f64;
            line.number("bytesPerIdleConnection", Some(grown / options.idle.max(1) as f64));
        }
        if let Some(handshakes) = &self.handshakes {
            line.number("handshakes", Some(handshakes.total()));
            line.number("handshakeP50Us", microseconds(handshakes.quantile(0.5)));
            line.number("handshakeP99Us", microseconds(handshakes.quantile(0.99)));
        }
        if let Some(tls) = &options.tls {
            line.text("suite", tls.suite);
            line.text("group", tls.group);
            line.number("ticketsPerConnection", self.tickets_per_connection);
        }
        if let Some(held) = &self.held {
            line.number("ended", Some(held.ended));
            line.number("reset", Some(held.reset));
        }
        line.end()
    }
}

fn microseconds(nanoseconds: Option<u64>) -> Option<f64> {
    nanoseconds.map(|value| value as f64 / 1e3)
}

/// A writer of flat JSON records of numbers and plain names.
struct Line(String);

impl Line {
    fn new() -> Self {
        Self("{".into())
    }

    fn text(&mut self, name: &str, value: &str) {
        self.field(name, format_args!("\"{value}\""));
    }

    fn number<T: std::fmt::Display>(&mut self, name: &str, value: Option<T>) {
        match value {
            Some(value) => self.field(name, format_args!("{value}")),
            None => self.field(name, format_args!("null")),
        }
    }

    fn field(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a string never fails.
        let _ = write!(self.0, "{comma}\"{name}\":{value}");
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_flat_json() {
        let mut line = Line::new();
        line.text("mode", "echo");
        line.number("operations", Some(3));
        line.number("serverCpuUs", None::<f64>);
        assert_eq!(line.end(), r#"{"mode":"echo","operations":3,"serverCpuUs":null}"#);
    }

    #[test]
    fn the_first_failure_is_the_one_told() {
        let mut failures = Failures::default();
        assert!(failures.none());
        failures.mismatch();
        failures.error("later".into());
        assert_eq!(
            failures.first(),
            Some("the server sent other bytes than it was sent")
        );
        assert_eq!((failures.errors, failures.mismatches), (1, 1));
    }
}
