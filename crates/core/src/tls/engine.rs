//! TLS on memory, for a stream that is not a socket: ciphertext is fed and taken, plaintext is taken and written.

use std::{io, io::IoSlice, mem, sync::Arc};

use super::{
    Context, Failure, Reason, Session, Start,
    handshake::{Handshake, Step},
};

/// The plaintext of a full record.
const RECORD: usize = 16_384;

/// What is kept while a handshake waits for its settings. A client that keeps to the protocol waits, too.
const MAX_AHEAD: usize = 65_536;

#[derive(Debug)]
pub struct Engine {
    state: State,
    /// Ciphertext that a handshake which waits for its settings has not taken.
    ahead: Vec<u8>,
    ciphertext: Vec<u8>,
    plaintext: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Handshaking(Box<Handshake>),
    Open(Box<Session>),
}

/// What a feeding has brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineStep {
    /// Nothing but perhaps bytes to take.
    More,
    /// A client has sent this name: [`Engine::choose`] or [`Engine::refuse`] comes next.
    Named(String),
    /// The handshake is done, with this feeding.
    Handshaken,
}

impl Engine {
    /// # Errors
    ///
    /// The context is of no use for this side, or the name is not one.
    pub fn new(start: &Start, context: Arc<Context>) -> Result<Self, Failure> {
        Ok(Self {
            state: State::Handshaking(Box::new(Handshake::new(start, context)?)),
            ahead: Vec::new(),
            ciphertext: Vec::new(),
            plaintext: Vec::new(),
        })
    }

    /// Takes ciphertext, all of it.
    ///
    /// # Errors
    ///
    /// What is wrong with it. The alert that says so is waiting in [`Engine::take_ciphertext`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<EngineStep, Failure> {
        match &mut self.state {
            State::Open(session) => {
                decrypt(session, bytes, &mut self.plaintext)?;
                Ok(EngineStep::More)
            }
            State::Handshaking(_) if self.ahead.is_empty() => self.shake_hands(bytes),
            State::Handshaking(_) if self.ahead.len() + bytes.len() > MAX_AHEAD => Err(Failure::new(
                Reason::Misbehaved,
                "data before the handshake was done",
            )),
            State::Handshaking(_) => {
                self.ahead.extend_from_slice(bytes);
                let all = mem::take(&mut self.ahead);
                self.shake_hands(&all)
            }
        }
    }

    /// The peer has ended the connection below. After a handshake, that is nothing to fail for here.
    ///
    /// # Errors
    ///
    /// In a handshake.
    pub fn feed_end(&self) -> Result<(), Failure> {
        match &self.state {
            State::Open(_) => Ok(()),
            State::Handshaking(_) => Err(Failure::of_end()),
        }
    }

    /// Goes on after [`EngineStep::Named`], with this context or with its own.
    ///
    /// # Errors
    ///
    /// As [`Engine::feed`].
    pub fn choose(&mut self, context: Option<Arc<Context>>) -> Result<EngineStep, Failure> {
        if let State::Handshaking(handshake) = &mut self.state {
            handshake.choose(context)?;
        }
        let ahead = mem::take(&mut self.ahead);
        self.feed(&ahead)
    }

    /// Tells the client that it cannot be served.
    pub fn refuse(&mut self) {
        if let State::Handshaking(handshake) = &mut self.state {
            handshake.refuse();
        }
    }

    /// Encrypts `data`. Nothing is sent before the handshake is done.
    ///
    /// # Errors
    ///
    /// The session has failed.
    pub fn send(&mut self, data: &[u8]) -> Result<(), Failure> {
        match &mut self.state {
            State::Open(session) => session.write(&[IoSlice::new(data)]),
            State::Handshaking(_) => Err(Failure::new(Reason::Failed, "the handshake is not done")),
        }
    }

    /// Says `close_notify`.
    pub fn send_close(&mut self) {
        if let State::Open(session) = &mut self.state {
            session.write_close_notify();
        }
    }

    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        self.collect();
        mem::take(&mut self.ciphertext)
    }

    pub fn take_plaintext(&mut self) -> Vec<u8> {
        mem::take(&mut self.plaintext)
    }

    /// The peer has said `close_notify`.
    pub fn has_ended(&self) -> bool {
        self.session().is_some_and(Session::has_ended)
    }

    pub fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Open(session) => Some(session),
            State::Handshaking(_) => None,
        }
    }

    fn shake_hands(&mut self, bytes: &[u8]) -> Result<EngineStep, Failure> {
        let mut rest = bytes;
        while let State::Handshaking(handshake) = &mut self.state {
            let (count, outcome) = handshake.feed(rest);
            rest = &rest[count..];
            match outcome? {
                Step::Named(name) => {
                    self.ahead = rest.to_vec();
                    return Ok(EngineStep::Named(name));
                }
                Step::Done(session) => {
                    let session = self.state.open(session);
                    decrypt(session, rest, &mut self.plaintext)?;
                    return Ok(EngineStep::Handshaken);
                }
                // It has something to say, and does not listen until that is taken.
                Step::More if !rest.is_empty() && handshake.has_ciphertext() => self.collect(),
                Step::More => {
                    self.ahead = rest.to_vec();
                    break;
                }
            }
        }
        Ok(EngineStep::More)
    }

    fn collect(&mut self) {
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
                // Memory takes everything: this does not happen, and would not end otherwise.
                return;
            }
        }
    }
}

impl State {
    fn open(&mut self, session: Box<Session>) -> &mut Session {
        *self = Self::Open(session);
        match self {
            Self::Open(session) => session,
            Self::Handshaking(_) => unreachable!("set above"),
        }
    }
}

/// All of `bytes`: nothing holds a stream back here, whoever feeds it does.
fn decrypt(session: &mut Session, bytes: &[u8], plaintext: &mut Vec<u8>) -> Result<(), Failure> {
    read(session, plaintext);
    let mut rest = bytes;
    while !rest.is_empty() {
        let fed = session.feed(rest);
        // Before a failure, too: what came before it counts.
        read(session, plaintext);
        match fed? {
            0 => break,
            count => rest = &rest[count..],
        }
    }
    Ok(())
}

fn read(session: &mut Session, plaintext: &mut Vec<u8>) {
    while session.has_plaintext() {
        let start = plaintext.len();
        plaintext.resize(start + RECORD, 0);
        let count = session.read(&mut plaintext[start..]);
        plaintext.truncate(start + count);
    }
}
