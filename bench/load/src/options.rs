//! The flags. Everything a run depends on is one of them, so that a line of a log repeats it exactly.

use std::net::SocketAddr;
use std::time::Duration;

pub const USAGE: &str = "\
usage: structio-load --mode echo|lines|accept|idle|hold --address IP:PORT [options]

  --connections N    connections that work (default 64)
  --idle N           connections that stay idle beside them (mode idle; default 1000)
  --size BYTES       bytes of one message, or of one line with its newline (default 64)
  --pipeline N       lines sent before any reply is read (mode lines; default 16)
  --warmup-ms N      time before anything is counted (default 500)
  --duration-ms N    measured time (default 2000)
  --operations N     end the measured time after this many operations instead
  --settle-ms N      rest between opening the idle connections and reading the server's memory (default 500)
  --pid N            the server's process: its CPU time and memory are reported

modes
  echo     a message on each connection, and its echo back
  lines    a batch of pipelined lines on each connection, and the same lines back
  accept   connect, wait for the server to close, connect again
  idle     echo on --connections while --idle others stay open and silent
  hold     open connections, speak once on each, then wait until the server has closed them all";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Echo,
    Lines,
    Accept,
    Idle,
    Hold,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Lines => "lines",
            Self::Accept => "accept",
            Self::Idle => "idle",
            Self::Hold => "hold",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Options {
    pub mode: Mode,
    pub address: SocketAddr,
    pub connections: usize,
    pub idle: usize,
    pub size: usize,
    pub pipeline: usize,
    pub warmup: Duration,
    pub duration: Duration,
    /// Ends the measured window early; `u64::MAX` when the time alone ends it.
    pub operations: u64,
    pub settle: Duration,
    pub server: Option<u32>,
}

impl Options {
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut mode = None;
        let mut address = None;
        let mut options = Self {
            mode: Mode::Echo,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            connections: 64,
            idle: 1000,
            size: 64,
            pipeline: 16,
            warmup: Duration::from_millis(500),
            duration: Duration::from_millis(2000),
            operations: u64::MAX,
            settle: Duration::from_millis(500),
            server: None,
        };
        let mut arguments = arguments;
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--mode" => mode = Some(parse_mode(&value)?),
                "--address" => address = Some(parse(&flag, &value)?),
                "--connections" => options.connections = parse(&flag, &value)?,
                "--idle" => options.idle = parse(&flag, &value)?,
                "--size" => options.size = parse(&flag, &value)?,
                "--pipeline" => options.pipeline = parse(&flag, &value)?,
                "--warmup-ms" => options.warmup = Duration::from_millis(parse(&flag, &value)?),
                "--duration-ms" => options.duration = Duration::from_millis(parse(&flag, &value)?),
                "--operations" => {
                    options.operations = parse(&flag, &value)?;
                    options.duration = Duration::MAX;
                }
                "--settle-ms" => options.settle = Duration::from_millis(parse(&flag, &value)?),
                "--pid" => options.server = Some(parse(&flag, &value)?),
                _ => return Err(format!("unknown flag {flag}")),
            }
        }
        options.mode = mode.ok_or("--mode is missing")?;
        options.address = address.ok_or("--address is missing")?;
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), String> {
        if self.connections == 0 || self.size == 0 || self.pipeline == 0 || self.operations == 0 {
            return Err("--connections, --size, --pipeline and --operations are at least 1".into());
        }
        if self.mode == Mode::Lines && self.size < 2 {
            return Err("a line is at least one byte and its newline: --size 2".into());
        }
        Ok(())
    }
}

fn parse_mode(value: &str) -> Result<Mode, String> {
    let modes = [Mode::Echo, Mode::Lines, Mode::Accept, Mode::Idle, Mode::Hold];
    modes
        .into_iter()
        .find(|mode| mode.name() == value)
        .ok_or_else(|| format!("unknown mode {value}"))
}

fn parse<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("{flag} does not take {value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &str) -> Result<Options, String> {
        Options::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_every_flag_it_documents() {
        let options = parse_words(
            "--mode lines --address 127.0.0.1:80 --connections 3 --idle 4 --size 5 --pipeline 6 --warmup-ms 7 \
             --duration-ms 8 --settle-ms 9 --pid 10",
        )
        .expect("valid flags");
        assert_eq!(options.mode, Mode::Lines);
        assert_eq!(options.address.port(), 80);
        assert_eq!(
            (options.connections, options.idle, options.size, options.pipeline),
            (3, 4, 5, 6)
        );
        assert_eq!(
            (options.warmup, options.duration),
            (Duration::from_millis(7), Duration::from_millis(8))
        );
        assert_eq!(options.server, Some(10));
    }

    #[test]
    fn a_count_of_operations_replaces_the_time() {
        let options = parse_words("--mode echo --address 127.0.0.1:80 --operations 5").expect("valid flags");
        assert_eq!(options.operations, 5);
        assert_eq!(options.duration, Duration::MAX);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for words in [
            "--mode echo",
            "--mode nothing --address 127.0.0.1:80",
            "--mode echo --address here",
            "--mode echo --address 127.0.0.1:80 --connections 0",
            "--mode lines --address 127.0.0.1:80 --size 1",
            "--mode echo --address",
            "--what 1",
        ] {
            assert!(parse_words(words).is_err(), "{words}");
        }
    }
}
