//! One connection after its handshake, without I/O: ciphertext is fed and taken, plaintext is read and written.
//!
//! Invariants:
//! 1. Plaintext that has been decrypted is read before more ciphertext is taken: at most one feeding's worth waits here.
//! 2. A failure is for ever. Its alert may still be waiting to be taken.
//! 3. An idle session holds no buffer but rustls' own, 4 KiB for what it reads.

use std::{
    fmt,
    io::{self, IoSlice, Read, Write},
};

use rustls::{Connection, IoState, ProtocolVersion, pki_types::CertificateDer};

use super::{Failure, Reason, suites};

pub struct Session {
    connection: Connection,
    /// On a server, the suites that both sides offered, in the client's order.
    shared_suites: Option<Box<[&'static str]>>,
    standard_compatible: bool,
    /// Decrypted and not read: an upper bound that is 0 when there is nothing.
    plaintext: usize,
    /// The peer's data has ended: with `close_notify`, or where that is not asked for.
    ended: bool,
    failure: Option<Box<Failure>>,
}

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub version: &'static str,
    /// OpenSSL's name.
    pub cipher: &'static str,
    pub alpn_protocol: Option<Vec<u8>>,
    /// On a server, the name that the client sent.
    pub server_name: Option<String>,
    /// On a server, OpenSSL's names of what both sides offered.
    pub shared_ciphers: Option<Vec<&'static str>>,
}

impl Session {
    pub(super) fn new(
        mut connection: Connection,
        shared_suites: Option<Box<[&'static str]>>,
        standard_compatible: bool,
    ) -> Self {
        // Whoever writes counts what is unsent, and stops.
        connection.set_buffer_limit(None);
        let mut session = Self {
            connection,
            shared_suites,
            standard_compatible,
            plaintext: 0,
            ended: false,
            failure: None,
        };
        // What came with the last message of the handshake has been decrypted with it.
        session.look();
        session
    }

    /// Takes ciphertext, as much of it as may be decrypted now, and returns how much that was.
    ///
    /// # Errors
    ///
    /// What is wrong with it. The alert that says so to the peer is waiting in [`Session::write_ciphertext`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let mut rest = bytes;
        while !rest.is_empty() && self.wants_ciphertext() {
            match take_ciphertext(&mut self.connection, &mut rest) {
                Ok(state) => {
                    self.plaintext = state.plaintext_bytes_to_read();
                    self.ended |= state.peer_has_closed();
                }
                Err(failure) => {
                    // What was decrypted before it counts. How much that is, the library does not say now.
                    let more = self.connection.reader().into_first_chunk();
                    self.plaintext = more.map_or(0, |chunk| if chunk.is_empty() { 0 } else { usize::MAX });
                    return Err(self.fail(failure));
                }
            }
        }
        if self.ended {
            // Nothing counts after close_notify.
            return Ok(bytes.len());
        }
        Ok(bytes.len() - rest.len())
    }

    /// The peer has ended the connection below.
    ///
    /// # Errors
    ///
    /// Without `close_notify`, where that has to come first.
    pub fn feed_end(&mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if !self.ended && self.standard_compatible {
            return Err(self.fail(Failure::new(Reason::Truncated, "")));
        }
        self.ended = true;
        Ok(())
    }

    /// Moves plaintext to `buffer`.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        if self.plaintext == 0 {
            return 0;
        }
        // It is there: neither "would block" nor the end comes out of this.
        let count = self.connection.reader().read(buffer).unwrap_or(0);
        self.plaintext = if count < buffer.len() {
            0
        } else {
            self.plaintext - count
        };
        count
    }

    pub fn has_plaintext(&self) -> bool {
        self.plaintext > 0
    }

    /// Whether [`Session::feed`] would take anything.
    pub fn wants_ciphertext(&self) -> bool {
        self.failure.is_none() && self.connection.wants_read()
    }

    /// The peer's data has ended: what [`Session::read`] gives is the last of it.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    pub fn failure(&self) -> Option<Failure> {
        self.failure.as_deref().cloned()
    }

    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Encrypts all of `segments`, in as few records as they fit into.
    ///
    /// # Errors
    ///
    /// After a failure, that one.
    pub fn write(&mut self, segments: &[IoSlice<'_>]) -> Result<(), Failure> {
        let length: usize = segments.iter().map(|segment| segment.len()).sum();
        match self.connection.writer().write_vectored(segments) {
            Ok(count) if count == length => Ok(()),
            Ok(_) => Err(Failure::new(Reason::Failed, "the keys are used up")),
            Err(_) => Err(self
                .failure()
                .unwrap_or_else(|| Failure::new(Reason::Failed, "the session has failed"))),
        }
    }

    /// Says that no more data follows.
    pub fn write_close_notify(&mut self) {
        self.connection.send_close_notify();
    }

    pub fn has_ciphertext(&self) -> bool {
        self.connection.wants_write()
    }

    /// Hands ciphertext to `writer`, in one call of `write_vectored`.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn write_ciphertext(&mut self, writer: &mut dyn Write) -> io::Result<usize> {
        self.connection.write_tls(writer)
    }

    pub fn facts(&self) -> Facts {
        let server_name = match &self.connection {
            Connection::Client(_) => None,
            Connection::Server(server) => server.server_name().map(str::to_owned),
        };
        Facts {
            version: match self.connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "TLSv1.3",
            },
            cipher: self
                .connection
                .negotiated_cipher_suite()
                .and_then(|suite| suites::name_of(suite.suite()))
                .unwrap_or_default(),
            alpn_protocol: self.connection.alpn_protocol().map(<[u8]>::to_vec),
            server_name,
            shared_ciphers: self.shared_suites.as_deref().map(<[_]>::to_vec),
        }
    }

    /// DER; the end entity's.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.connection
            .peer_certificates()
            .and_then(<[CertificateDer<'_>]>::first)
            .map(AsRef::as_ref)
    }

    /// RFC 5705 with an empty context.
    ///
    /// # Errors
    ///
    /// For a length of nothing, and after a failure.
    pub fn export_keying_material(&self, length: usize, label: &str) -> Result<Vec<u8>, Failure> {
        self.connection
            .export_keying_material(vec![0; length], label.as_bytes(), Some(&[]))
            .map_err(|error| Failure::of_refused_settings(&error))
    }

    fn look(&mut self) {
        if let Ok(state) = self.connection.process_new_packets() {
            self.plaintext = state.plaintext_bytes_to_read();
            self.ended |= state.peer_has_closed();
        }
    }

    fn fail(&mut self, failure: Failure) -> Failure {
        self.failure = Some(Box::new(failure.clone()));
        failure
    }
}

/// Moves the next piece of `bytes` into rustls, and has it looked at.
pub(super) fn take_ciphertext(connection: &mut Connection, bytes: &mut &[u8]) -> Result<IoState, Failure> {
    if connection.read_tls(bytes).is_err() {
        // The only thing that can go wrong with memory: a message that does not fit.
        return Err(Failure::new(Reason::RecordTooLarge, ""));
    }
    connection
        .process_new_packets()
        .map_err(|error| Failure::of_library(&error))
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("ended", &self.ended)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
