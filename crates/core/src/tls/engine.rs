//! TLS on memory, for a stream that is not a socket: ciphertext is fed and taken, plaintext is taken and written.
//!
//! TypeScript's `EngineTransport` drives it over any stream, through the addon, on the JavaScript thread. The
//! cryptography of the handshake runs there, too.
//!
//! # Invariants
//!
//! 1. `feed` takes all bytes. Ciphertext that cannot be processed yet is kept, at most [`MAX_PREFETCHED`] bytes of it.
//! 2. After `feed`, `choose`, `refuse`, `send` and `send_close`, also after an error, the caller takes ciphertext:
//!    there may be an alert.
//! 3. Plaintext from before a failure is there to be taken.
//! 4. Nothing holds back a peer here. The caller bounds the plaintext by not reading from the stream below.

use std::{io, io::IoSlice, mem, sync::Arc};

use super::{
    Context, Failure, Reason, Session, Start,
    handshake::{Handshake, Step},
};

/// Bytes of plaintext in a full record.
const RECORD: usize = 16_384;

/// The most ciphertext, in bytes, that is kept while the handshake waits for the choice of a context. A client that
/// follows the protocol sends nothing meanwhile.
const MAX_PREFETCHED: usize = 65_536;

/// One side of TLS on memory.
#[derive(Debug)]
pub struct Engine {
    state: State,
    /// Ciphertext that the handshake has not taken (invariant 1).
    prefetched: Vec<u8>,
    /// Ciphertext for the peer.
    ciphertext: Vec<u8>,
    /// Plaintext for the user.
    plaintext: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Handshaking(Box<Handshake>),
    Open(Box<Session>),
}

/// What a feed has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineStep {
    /// Nothing, except perhaps bytes to take.
    More,
    /// The client has sent this host name. Call [`Engine::choose`] or [`Engine::refuse`] next.
    Named(String),
    /// The handshake has been completed by this feed.
    Handshaken,
}

impl Engine {
    /// Starts a handshake. A client has ciphertext to take at once.
    ///
    /// # Errors
    ///
    /// The context cannot be used for this side, or the host name of a client is not valid.
    pub fn new(start: &Start, context: Arc<Context>) -> Result<Self, Failure> {
        Ok(Self {
            state: State::Handshaking(Box::new(Handshake::new(start, context)?)),
            prefetched: Vec::new(),
            ciphertext: Vec::new(),
            plaintext: Vec::new(),
        })
    }

    /// Takes all of this ciphertext.
    ///
    /// # Errors
    ///
    /// The failure of TLS. Its alert waits in [`Engine::take_ciphertext`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<EngineStep, Failure> {
        match &mut self.state {
            State::Open(session) => {
                decrypt(session, bytes, &mut self.plaintext)?;
                Ok(EngineStep::More)
            }
            State::Handshaking(_) if self.prefetched.is_empty() => self.advance(bytes),
            State::Handshaking(_) if self.prefetched.len() + bytes.len() > MAX_PREFETCHED => Err(
                Failure::new(Reason::Misbehaved, "data before the handshake was done"),
            ),
            State::Handshaking(_) => {
                self.prefetched.extend_from_slice(bytes);
                let all = mem::take(&mut self.prefetched);
                self.advance(&all)
            }
        }
    }

    /// Says that the stream below has ended. After the handshake it is the caller that decides whether `close_notify`
    /// is missing.
    ///
    /// # Errors
    ///
    /// [`Reason::Closed`] before the handshake is done.
    pub fn feed_end(&self) -> Result<(), Failure> {
        match &self.state {
            State::Open(_) => Ok(()),
            State::Handshaking(_) => Err(Failure::of_end()),
        }
    }

    /// Goes on after [`EngineStep::Named`], with this context or with the one from the start.
    ///
    /// # Errors
    ///
    /// As [`Engine::feed`].
    pub fn choose(&mut self, context: Option<Arc<Context>>) -> Result<EngineStep, Failure> {
        if let State::Handshaking(handshake) = &mut self.state {
            handshake.choose(context)?;
        }
        let prefetched = mem::take(&mut self.prefetched);
        self.feed(&prefetched)
    }

    /// Ends the handshake with an `internal_error` alert: there is no context for this client.
    pub fn refuse(&mut self) {
        if let State::Handshaking(handshake) = &mut self.state {
            handshake.refuse();
        }
    }

    /// Encrypts `data`.
    ///
    /// # Errors
    ///
    /// The handshake is not done, or the session has failed.
    pub fn send(&mut self, data: &[u8]) -> Result<(), Failure> {
        match &mut self.state {
            State::Open(session) => session.write(&[IoSlice::new(data)]),
            State::Handshaking(_) => Err(Failure::new(Reason::Failed, "the handshake is not done")),
        }
    }

    /// Queues `close_notify`. Does nothing before the handshake is done.
    pub fn send_close(&mut self) {
        if let State::Open(session) = &mut self.state {
            session.write_close_notify();
        }
    }

    /// Takes all ciphertext for the peer.
    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        self.collect_ciphertext();
        mem::take(&mut self.ciphertext)
    }

    /// Takes all plaintext for the user.
    pub fn take_plaintext(&mut self) -> Vec<u8> {
        mem::take(&mut self.plaintext)
    }

    /// Whether the peer has sent `close_notify`.
    pub fn has_ended(&self) -> bool {
        self.session().is_some_and(Session::has_ended)
    }

    /// The session, once the handshake is done.
    pub fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Open(session) => Some(session),
            State::Handshaking(_) => None,
        }
    }

    /// Feeds the handshake as far as it goes.
    fn advance(&mut self, bytes: &[u8]) -> Result<EngineStep, Failure> {
        let mut rest = bytes;
        while let State::Handshaking(handshake) = &mut self.state {
            let (count, outcome) = handshake.feed(rest);
            rest = &rest[count..];
            match outcome? {
                Step::Named(name) => {
                    self.prefetched = rest.to_vec();
                    return Ok(EngineStep::Named(name));
                }
                Step::Done(session) => {
                    let session = self.state.open(session);
                    decrypt(session, rest, &mut self.plaintext)?;
                    return Ok(EngineStep::Handshaken);
                }
                // A handshake with ciphertext to send takes no input until that is taken.
                Step::More if !rest.is_empty() && handshake.has_ciphertext() => self.collect_ciphertext(),
                Step::More => {
                    self.prefetched = rest.to_vec();
                    break;
                }
            }
        }
        Ok(EngineStep::More)
    }

    /// Moves waiting ciphertext to `self.ciphertext`.
    fn collect_ciphertext(&mut self) {
        loop {
            let outcome: io::Result<usize> = match &mut self.state {
                State::Open(session) if session.has_ciphertext() => {
                    session.write_ciphertext(&mut self.ciphertext)
                }
                State::Handshaking(handshake) if handshake.has_ciphertext() => {
                    handshake.write_ciphertext(&mut self.ciphertext)
                }
                _ => return,
            };
            if outcome.is_err() {
                // Writing to memory never fails. Without this return, a failure would loop.
                return;
            }
        }
    }
}

impl State {
    /// Replaces the handshake by its session.
    fn open(&mut self, session: Box<Session>) -> &mut Session {
        *self = Self::Open(session);
        match self {
            Self::Open(session) => session,
            Self::Handshaking(_) => unreachable!("set above"),
        }
    }
}

/// Decrypts all of `bytes` (invariants 3 and 4).
fn decrypt(session: &mut Session, bytes: &[u8], plaintext: &mut Vec<u8>) -> Result<(), Failure> {
    read(session, plaintext);
    let mut rest = bytes;
    while !rest.is_empty() {
        let fed = session.feed(rest);
        // Before the failure is returned (invariant 3).
        read(session, plaintext);
        match fed? {
            0 => break,
            count => rest = &rest[count..],
        }
    }
    Ok(())
}

/// Moves the plaintext of a session to `plaintext`.
fn read(session: &mut Session, plaintext: &mut Vec<u8>) {
    while session.has_plaintext() {
        let start = plaintext.len();
        plaintext.resize(start + RECORD, 0);
        let count = session.read(&mut plaintext[start..]);
        plaintext.truncate(start + count);
    }
}
