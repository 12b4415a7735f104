//! A handshake without I/O: ciphertext is fed and taken until there is a [`Session`].
//!
//! ```text
//!  server: Hello ── a name, and `ask_by_name` ──► Named ─ choose ─┐
//!            └───────────────── otherwise ────────────────────────┴─► Running ─► Step::Done
//!  client: ─────────────────────────────────────────────────────────► Running ─► Step::Done
//!
//!  any state, after an error or `refuse` ─► Failed: the alert waits to be taken
//! ```
//!
//! `SocketHandshake` drives it over a socket, on the pool or on the JavaScript thread; `Engine` drives it on memory,
//! on the JavaScript thread. The cryptography runs within the calls, on the calling thread.
//!
//! # Invariants
//!
//! 1. Bytes behind the last message of the handshake are not taken. They stay with the caller, for the session.
//! 2. When a handshake fails, the alert for the peer waits in [`Handshake::write_ciphertext`].
//! 3. A failure is final. rustls alone does not ensure that: an alert beside the last message of the handshake makes
//!    a feed fail, and leaves a connection that is no longer handshaking.
//! 4. `feed` takes nothing while ciphertext waits to be taken, so a peer cannot make it grow without bound.
//! 5. A server without a certificate for the client ends the handshake with a `handshake_failure` alert.

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

/// Fatal alerts for the time before rustls has a connection that could make them, with the record version of TLS 1.2.
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
const INTERNAL_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// One handshake, on either side.
pub struct Handshake {
    state: State,
    context: Arc<Context>,
    standard_compatible: bool,
    ask_by_name: bool,
    /// Invariant 3.
    failure: Option<Box<Failure>>,
}

enum State {
    /// A server waits for the ClientHello.
    Hello(Acceptor),
    /// A server waits for the choice of a context.
    Named(Accepted),
    /// With the common cipher suites on a server.
    Running(Connection, Option<Box<[&'static str]>>),
    /// With the part of the alert that has not been taken.
    Failed(Vec<u8>),
}

/// How far a handshake has come.
#[derive(Debug)]
pub enum Step {
    /// It needs more ciphertext, or its own has to be taken first.
    More,
    /// The client has sent this host name. Call [`Handshake::choose`] or [`Handshake::refuse`] next.
    Named(String),
    /// The handshake is done.
    Done(Box<Session>),
}

impl Handshake {
    /// Starts a handshake. A client has its first message to send at once.
    ///
    /// # Errors
    ///
    /// The context cannot be used for this side, or the host name of a client is not valid.
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

    /// Takes ciphertext. Returns the number of bytes taken and the outcome. If it takes less than all with
    /// [`Step::More`], take its ciphertext and feed the rest again (invariant 4).
    pub fn feed(&mut self, bytes: &[u8]) -> (usize, Result<Step, Failure>) {
        if let Some(failure) = &self.failure {
            return (0, Err(Failure::clone(failure)));
        }
        let mut rest = bytes;
        let outcome = self.advance(&mut rest);
        (bytes.len() - rest.len(), self.keep_failure(outcome))
    }

    /// Goes on after [`Step::Named`], with this context or with the one from the start.
    ///
    /// # Errors
    ///
    /// As [`Handshake::feed`].
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

    /// Ends the handshake after [`Step::Named`], with an `internal_error` alert.
    pub fn refuse(&mut self) {
        self.state = State::Failed(INTERNAL_ERROR.to_vec());
    }

    /// Whether ciphertext waits to be taken.
    pub fn has_ciphertext(&self) -> bool {
        match &self.state {
            State::Running(connection, _) => connection.wants_write(),
            State::Failed(alert) => !alert.is_empty(),
            State::Hello(_) | State::Named(_) => false,
        }
    }

    /// Writes waiting ciphertext to `writer`, in one call. Returns the number of bytes written.
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

    /// Invariant 3.
    fn keep_failure(&mut self, outcome: Result<Step, Failure>) -> Result<Step, Failure> {
        if let Err(failure) = &outcome {
            self.failure = Some(Box::new(failure.clone()));
        }
        outcome
    }

    /// Goes on as far as `rest` allows, and shortens it by what was taken.
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

    /// A server reads the ClientHello. `None`: the state has changed, go on.
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

    /// A server has its context: makes the connection.
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
                // Bytes may have come behind the ClientHello.
                let outcome = connection.process_new_packets();
                self.state = State::Running(connection.into(), Some(shared));
                outcome.map(drop).map_err(|error| Failure::of_library(&error))
            }
            Err(refused) => Err(self.refused(refused)),
        }
    }

    fn refused(&mut self, (error, mut alert): (Error, AcceptedAlert)) -> Failure {
        let mut bytes = Vec::new();
        // Writing to memory never fails.
        let _ = alert.write_all(&mut bytes);
        self.state = State::Failed(bytes);
        Failure::of_library(&error)
    }

    /// The cipher suites of the client that this context offers, in the order of the client.
    fn shared_suites(&self, hello: &ClientHello<'_>) -> Box<[&'static str]> {
        hello
            .cipher_suites()
            .iter()
            .filter_map(|suite| suites::name_of(*suite))
            .filter(|name| self.context.offers(name))
            .collect()
    }

    /// The session of a connection that is done with its handshake.
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

/// The name to verify. A host name is also sent to the server, an address is not.
fn server_name(hostname: &str) -> Result<ServerName<'static>, Failure> {
    // The zone of a link-local address is local to this machine and not part of a certificate.
    let address = hostname.split('%').next().unwrap_or(hostname);
    if let Ok(address) = address.parse::<IpAddr>() {
        return Ok(ServerName::from(address));
    }
    ServerName::try_from(hostname.to_owned())
        .map_err(|_| Failure::of_settings(format_args!("\"{hostname}\" is not a host name")))
}
