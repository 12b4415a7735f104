//! A handshake without I/O: ciphertext is fed and taken until there is a [`Session`].
//!
//! ```text
//!  server: Hello ──(name, and somebody wants to know)──► Named ─ choose ─┐
//!            └────────────────────────────────────────── choose itself ──┴─► Running ─► Step::Done
//!  client: ──────────────────────────────────────────────────────────────────► Running
//! ```
//!
//! Invariants:
//! 1. What is fed after the last message of the handshake is not taken: it stays with the caller, for the session.
//! 2. Where a handshake fails, the alert that says so waits in [`Handshake::write_ciphertext`].
//! 3. A failure is for ever. The library alone does not say so: an alert that comes with the last message of the handshake fails the
//!    feeding, and leaves a connection that is not handshaking any more.

use std::{
    fmt,
    io::{self, Write},
    mem,
    net::IpAddr,
    sync::Arc,
};

use rustls::{
    ClientConnection, Connection, Error,
    pki_types::ServerName,
    server::{Accepted, AcceptedAlert, Acceptor, ClientHello},
};

use super::{Context, Failure, Reason, Session, Side, Start, session::take_ciphertext, suites};

/// Alerts before there is a connection that could make them: fatal, of TLS 1.2's record version.
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
const INTERNAL_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

pub struct Handshake {
    state: State,
    context: Arc<Context>,
    standard_compatible: bool,
    ask_by_name: bool,
    /// Invariant 3.
    failure: Option<Box<Failure>>,
}

enum State {
    Hello(Acceptor),
    Named(Accepted),
    Running(Connection, Option<Box<[&'static str]>>),
    /// An alert, or what is left of it.
    Failed(Vec<u8>),
}

/// How far a handshake has come.
#[derive(Debug)]
pub enum Step {
    /// It needs more ciphertext.
    More,
    /// A client has sent this name: [`Handshake::choose`] or [`Handshake::refuse`] comes next.
    Named(String),
    Done(Box<Session>),
}

impl Handshake {
    /// # Errors
    ///
    /// The context is of no use for this side, or the name is not one.
    pub fn new(start: &Start, context: Arc<Context>) -> Result<Self, Failure> {
        let state = match start.side {
            Side::Server => State::Hello(Acceptor::default()),
            Side::Client => {
                let connection = ClientConnection::new(context.client()?, server_name(&start.hostname)?)
                    .map_err(|error| Failure::of_library(&error))?;
                State::Running(connection.into(), None)
            }
        };
        Ok(Self {
            state,
            context,
            standard_compatible: start.standard_compatible,
            ask_by_name: start.ask_by_name,
            failure: None,
        })
    }

    /// Takes ciphertext and returns how much of it that was, and how far the handshake has come. It may take less than
    /// all with [`Step::More`]: ciphertext has to be taken first, then the rest is fed again.
    pub fn feed(&mut self, bytes: &[u8]) -> (usize, Result<Step, Failure>) {
        if let Some(failure) = &self.failure {
            return (0, Err(Failure::clone(failure)));
        }
        let mut rest = bytes;
        let outcome = self.advance(&mut rest);
        (bytes.len() - rest.len(), self.keep_failure(outcome))
    }

    /// Goes on after [`Step::Named`], with this context or with its own.
    pub fn choose(&mut self, context: Option<Arc<Context>>) -> Result<Step, Failure> {
        if let Some(failure) = &self.failure {
            return Err(Failure::clone(failure));
        }
        let outcome = self.go_on(context);
        self.keep_failure(outcome)
    }

    fn go_on(&mut self, context: Option<Arc<Context>>) -> Result<Step, Failure> {
        if let Some(context) = context {
            self.context = context;
        }
        if let State::Named(accepted) = mem::replace(&mut self.state, State::Failed(Vec::new())) {
            self.configure(accepted)?;
        }
        let mut nothing: &[u8] = &[];
        self.advance(&mut nothing)
    }

    /// Goes no further after [`Step::Named`].
    pub fn refuse(&mut self) {
        self.state = State::Failed(INTERNAL_ERROR.to_vec());
    }

    pub fn has_ciphertext(&self) -> bool {
        match &self.state {
            State::Running(connection, _) => connection.wants_write(),
            State::Failed(alert) => !alert.is_empty(),
            State::Hello(_) | State::Named(_) => false,
        }
    }

    /// Hands ciphertext to `writer`.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn write_ciphertext(&mut self, writer: &mut dyn Write) -> io::Result<usize> {
        match &mut self.state {
            State::Running(connection, _) => connection.write_tls(writer),
            State::Failed(alert) => {
                let count = writer.write(alert)?;
                alert.drain(..count);
                Ok(count)
            }
            State::Hello(_) | State::Named(_) => Ok(0),
        }
    }

    fn keep_failure(&mut self, outcome: Result<Step, Failure>) -> Result<Step, Failure> {
        if let Err(failure) = &outcome {
            self.failure = Some(Box::new(failure.clone()));
        }
        outcome
    }

    fn advance(&mut self, rest: &mut &[u8]) -> Result<Step, Failure> {
        loop {
            match &mut self.state {
                State::Hello(_) => {
                    if let Some(step) = self.accept(rest)? {
                        return Ok(step);
                    }
                }
                State::Named(_) => return Ok(Step::More),
                State::Failed(_) => return Err(Failure::new(Reason::Failed, "it has failed already")),
                State::Running(connection, _) => {
                    if !connection.is_handshaking() {
                        return Ok(self.finish());
                    }
                    if rest.is_empty() || !connection.wants_read() {
                        return Ok(Step::More);
                    }
                    take_ciphertext(connection, rest)?;
                }
            }
        }
    }

    /// `None`: go on.
    fn accept(&mut self, rest: &mut &[u8]) -> Result<Option<Step>, Failure> {
        let State::Hello(acceptor) = &mut self.state else {
            return Ok(None);
        };
        if rest.is_empty() {
            return Ok(Some(Step::More));
        }
        acceptor
            .read_tls(rest)
            .map_err(|_| Failure::new(Reason::RecordTooLarge, ""))?;
        let accepted = match acceptor.accept() {
            Ok(None) => return Ok(None),
            Ok(Some(accepted)) => accepted,
            Err(refused) => return Err(self.refused(refused)),
        };
        if self.ask_by_name
            && let Some(name) = accepted.client_hello().server_name()
        {
            let name = name.to_owned();
            self.state = State::Named(accepted);
            return Ok(Some(Step::Named(name)));
        }
        self.configure(accepted)?;
        Ok(None)
    }

    fn configure(&mut self, accepted: Accepted) -> Result<(), Failure> {
        if !self.context.has_certificate() {
            self.state = State::Failed(HANDSHAKE_FAILURE.to_vec());
            return Err(Failure::new(Reason::NoSettings, ""));
        }
        let config = match self.context.server() {
            Ok(config) => config,
            Err(failure) => {
                self.state = State::Failed(INTERNAL_ERROR.to_vec());
                return Err(failure);
            }
        };
        let shared = self.shared_suites(&accepted.client_hello());
        match accepted.into_connection(config) {
            Ok(mut connection) => {
                // What came behind the ClientHello.
                let outcome = connection.process_new_packets();
                self.state = State::Running(connection.into(), Some(shared));
                outcome.map(drop).map_err(|error| Failure::of_library(&error))
            }
            Err(refused) => Err(self.refused(refused)),
        }
    }

    fn refused(&mut self, (error, mut alert): (Error, AcceptedAlert)) -> Failure {
        let mut bytes = Vec::new();
        // Memory takes it.
        let _ = alert.write_all(&mut bytes);
        self.state = State::Failed(bytes);
        Failure::of_library(&error)
    }

    fn shared_suites(&self, hello: &ClientHello<'_>) -> Box<[&'static str]> {
        hello
            .cipher_suites()
            .iter()
            .filter_map(|suite| suites::name_of(*suite))
            .filter(|name| self.context.offers(name))
            .collect()
    }

    fn finish(&mut self) -> Step {
        match mem::replace(&mut self.state, State::Failed(Vec::new())) {
            State::Running(connection, shared) => Step::Done(Box::new(Session::new(
                connection,
                shared,
                self.standard_compatible,
            ))),
            other => {
                self.state = other;
                Step::More
            }
        }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Handshake")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// A name, which is also sent, or an address, which is not.
fn server_name(hostname: &str) -> Result<ServerName<'static>, Failure> {
    // The scope of a link-local address is this machine's business.
    let address = hostname.split('%').next().unwrap_or(hostname);
    if let Ok(address) = address.parse::<IpAddr>() {
        return Ok(ServerName::from(address));
    }
    ServerName::try_from(hostname.to_owned())
        .map_err(|_| Failure::of_settings(format_args!("\"{hostname}\" is not a host name")))
}
