//! The command line flags. A run depends on nothing else, so a logged command line repeats it exactly.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::tls;

pub const USAGE: &str = "\
usage: structio-load --mode MODE --address IP:PORT [options]
       structio-load certificates FOLDER

  --connections N    connections that work (default 64)
  --idle N           connections that stay idle beside them (mode idle; default 1000)
  --size BYTES       bytes of one message, or of one line with its newline (default 64)
  --pipeline N       lines sent before any reply is read (mode lines; default 16)
  --pause-ms N       rest of a connection after each reply (mode storm; default 5)
  --burst N          handshakes that begin together (mode storm; default 64)
  --every-ms N       time from one burst to the next (mode storm; default 100)
  --warmup-ms N      time before anything is counted (default 500)
  --duration-ms N    measured time (default 2000)
  --operations N     end the measured time after this many operations instead
  --settle-ms N      rest between opening the idle connections and reading the server's memory (default 500)
  --pid N            the server's process: its CPU time and memory are reported
  --tls FOLDER       speak TLS 1.3 with a server that shows the certificate of this folder
  --suite NAME       its cipher suite, by OpenSSL's name (default TLS_AES_256_GCM_SHA384)
  --group NAME       its key exchange, X25519 or P-256 (default X25519)

modes
  echo        a message on each connection, and its echo back
  datagrams   a datagram from each of --connections UDP sockets, and its echo back
  relay       mebibytes through a proxy that connects to the port in the first line, and back into this process
  http        a GET on each keep-alive connection, and the answer to it; its first answer must come again each time
  lines       a batch of pipelined lines on each connection, and the same lines back
  accept      connect, wait for the server to close, connect again
  idle        echo on --connections while --idle others stay open and silent
  hold        open connections, speak once on each, then wait until the server has closed them all
  handshakes  connect, a full handshake, one byte echoed, an orderly end; again (needs --tls)
  storm       echo on --connections that pause after each reply, while bursts of handshakes arrive (needs --tls)

certificates writes a new authority, and a certificate for localhost with its key, as PEM";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Echo,
    Datagrams,
    Relay,
    Http,
    Lines,
    Accept,
    Idle,
    Hold,
    Handshakes,
    Storm,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Datagrams => "datagrams",
            Self::Relay => "relay",
            Self::Http => "http",
            Self::Lines => "lines",
            Self::Accept => "accept",
            Self::Idle => "idle",
            Self::Hold => "hold",
            Self::Handshakes => "handshakes",
            Self::Storm => "storm",
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
    pub pause: Duration,
    pub burst: usize,
    pub every: Duration,
    pub warmup: Duration,
    pub duration: Duration,
    /// The number of operations that ends the measured window early. `u64::MAX`: only the time ends it.
    pub operations: u64,
    pub settle: Duration,
    pub server: Option<u32>,
    pub tls: Option<TlsOptions>,
}

#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// The folder that `structio-load certificates` wrote.
    pub folder: PathBuf,
    pub suite: &'static str,
    pub group: &'static str,
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
            pause: Duration::from_millis(5),
            burst: 64,
            every: Duration::from_millis(100),
            warmup: Duration::from_millis(500),
            duration: Duration::from_millis(2000),
            operations: u64::MAX,
            settle: Duration::from_millis(500),
            server: None,
            tls: None,
        };
        let mut suite = tls::DEFAULT_SUITE;
        let mut group = tls::DEFAULT_GROUP;
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
                "--pause-ms" => options.pause = milliseconds(&flag, &value)?,
                "--burst" => options.burst = parse(&flag, &value)?,
                "--every-ms" => options.every = milliseconds(&flag, &value)?,
                "--warmup-ms" => options.warmup = milliseconds(&flag, &value)?,
                "--duration-ms" => options.duration = milliseconds(&flag, &value)?,
                "--operations" => {
                    options.operations = parse(&flag, &value)?;
                    options.duration = Duration::MAX;
                }
                "--settle-ms" => options.settle = milliseconds(&flag, &value)?,
                "--pid" => options.server = Some(parse(&flag, &value)?),
                "--tls" => {
                    let folder = value.into();
                    options.tls = Some(TlsOptions { folder, suite, group });
                }
                "--suite" => suite = tls::suite_named(&value).ok_or_else(|| refused(&flag, &value))?,
                "--group" => group = tls::group_named(&value).ok_or_else(|| refused(&flag, &value))?,
                _ => return Err(format!("unknown flag {flag}")),
            }
        }
        if let Some(tls) = &mut options.tls {
            (tls.suite, tls.group) = (suite, group);
        }
        options.mode = mode.ok_or("--mode is missing")?;
        options.address = address.ok_or("--address is missing")?;
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), String> {
        let counts = [self.connections, self.size, self.pipeline, self.burst];
        if counts.contains(&0) || self.operations == 0 {
            return Err("--connections, --size, --pipeline, --burst and --operations are at least 1".into());
        }
        if self.mode == Mode::Lines && self.size < 2 {
            return Err("a line is at least one byte and its newline: --size 2".into());
        }
        match (self.mode, &self.tls) {
            (Mode::Handshakes | Mode::Storm, None) => Err(format!("--mode {} needs --tls", self.mode.name())),
            (Mode::Datagrams | Mode::Relay, Some(_)) => {
                Err(format!("--mode {} knows no TLS", self.mode.name()))
            }
            (Mode::Accept, Some(_)) => Err("--mode accept knows no TLS: use handshakes".into()),
            _ => Ok(()),
        }
    }
}

fn parse_mode(value: &str) -> Result<Mode, String> {
    let modes = [
        Mode::Echo,
        Mode::Datagrams,
        Mode::Relay,
        Mode::Http,
        Mode::Lines,
        Mode::Accept,
        Mode::Idle,
        Mode::Hold,
        Mode::Handshakes,
        Mode::Storm,
    ];
    modes
        .into_iter()
        .find(|mode| mode.name() == value)
        .ok_or_else(|| format!("unknown mode {value}"))
}

fn parse<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| refused(flag, value))
}

fn milliseconds(flag: &str, value: &str) -> Result<Duration, String> {
    Ok(Duration::from_millis(parse(flag, value)?))
}

fn refused(flag: &str, value: &str) -> String {
    format!("{flag} does not take {value:?}")
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
    fn tls_is_described_in_any_order() {
        let options = parse_words(
            "--mode storm --address 127.0.0.1:80 --group P-256 --tls here --suite TLS_AES_128_GCM_SHA256 \
                         --pause-ms 1 --burst 2 --every-ms 3",
        )
        .expect("valid flags");
        let tls = options.tls.expect("asked for");
        assert_eq!((tls.suite, tls.group), ("TLS_AES_128_GCM_SHA256", "P-256"));
        assert_eq!(tls.folder, PathBuf::from("here"));
        assert_eq!(options.burst, 2);
        assert_eq!(
            (options.pause, options.every),
            (Duration::from_millis(1), Duration::from_millis(3))
        );
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
            "--mode handshakes --address 127.0.0.1:80",
            "--mode accept --address 127.0.0.1:80 --tls here",
            "--mode datagrams --address 127.0.0.1:80 --tls here",
            "--mode relay --address 127.0.0.1:80 --tls here",
            "--mode echo --address 127.0.0.1:80 --tls here --group P-257",
            "--mode echo --address 127.0.0.1:80 --tls here --suite TLS_NULL",
            "--what 1",
        ] {
            assert!(parse_words(words).is_err(), "{words}");
        }
    }
}
