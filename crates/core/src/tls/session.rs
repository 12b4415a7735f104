//! A TLS session after its handshake, without I/O: ciphertext is fed and taken, plaintext is read and written.
//!
//! ```text
//!  peer ── feed ──────────────► ┌─────────┐ ── read ──► user
//!                               │ Session │
//!  peer ◄── write_ciphertext ── └─────────┘ ◄── write ── user
//! ```
//!
//! `TlsStream` and `Engine` drive it, on the JavaScript thread.
//!
//! # Invariants
//!
//! 1. Decrypted plaintext is read before more ciphertext is taken. So what waits here is bounded by what rustls takes
//!    in one piece.
//! 2. A failure is final. Plaintext from before it is still read, and its alert may still wait to be taken.
//! 3. An idle session holds no buffer but rustls' own: 4 KiB for what it reads.
//! 4. `plaintext` is 0 only when nothing can be read. Otherwise it is an upper bound.
//! 5. After `close_notify` the peer's data has ended. Whatever follows is taken and ignored.
//! 6. Writing has no bound of its own. The caller checks `has_ciphertext` and stops.

use std::{
    fmt,
    io::{self, IoSlice, Read, Write},
};

use rustls::{Connection, IoState, ProtocolVersion, pki_types::CertificateDer};

use super::{Failure, Reason, suites};

/// A TLS session.
pub struct Session {
    connection: Connection,
    /// Server: the cipher suites that both sides offered, in the order of the client.
    shared_suites: Option<Box<[&'static str]>>,
    standard_compatible: bool,
    /// Bytes decrypted and not read (invariant 4).
    plaintext: usize,
    /// The peer's data has ended: with `close_notify`, or without if that is not required.
    ended: bool,
    /// Invariant 2.
    failure: Option<Box<Failure>>,
}

/// The result of a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// OpenSSL's name of the cipher suite.
    pub cipher: &'static str,
    /// The application protocol, if one was negotiated.
    pub alpn_protocol: Option<Vec<u8>>,
    /// Server: the host name that the client sent.
    pub server_name: Option<String>,
    /// Server: OpenSSL's names of the cipher suites that both sides offered.
    pub shared_ciphers: Option<Vec<&'static str>>,
}

impl Session {
    pub(super) fn new(
        mut connection: Connection,
        shared_suites: Option<Box<[&'static str]>>,
        standard_compatible: bool,
    ) -> Self {
        // Invariant 6.
        connection.set_buffer_limit(None);
        let mut session = Self {
            connection,
            shared_suites,
            standard_compatible,
            plaintext: 0,
            ended: false,
            failure: None,
        };
        // Records that came with the last message of the handshake have been decrypted with it.
        session.process_buffered();
        session
    }

    /// Takes ciphertext as far as it may be decrypted now (invariant 1), and returns the number of bytes taken.
    ///
    /// # Errors
    ///
    /// The failure of the session. Its alert for the peer waits in [`Session::write_ciphertext`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let mut rest = bytes;
        while !rest.is_empty() && self.wants_ciphertext() {
            match take_ciphertext(&mut self.connection, &mut rest) {
                Ok(state) => {
                    self.plaintext = state.plaintext_bytes_to_read();
                    self.ended |= state.peer_has_closed();
                }
                Err(failure) => {
                    // Plaintext from before the failure counts. rustls does not say how much there is, only
                    // whether there is some.
                    let more = self.connection.reader().into_first_chunk();
                    self.plaintext = more.map_or(0, |chunk| if chunk.is_empty() { 0 } else { usize::MAX });
                    return Err(self.fail(failure));
                }
            }
        }
        if self.ended {
            // Invariant 5.
            return Ok(bytes.len());
        }
        Ok(bytes.len() - rest.len())
    }

    /// Says that the connection below has ended.
    ///
    /// # Errors
    ///
    /// [`Reason::Truncated`] without `close_notify`, if that is required; an earlier failure.
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

    /// Moves plaintext to `buffer` and returns the number of bytes. 0 if there is none.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        if self.plaintext == 0 {
            return 0;
        }
        // Invariant 4: there is some, so this is neither `WouldBlock` nor the end.
        let count = self.connection.reader().read(buffer).unwrap_or(0);
        self.plaintext = if count < buffer.len() {
            0
        } else {
            self.plaintext - count
        };
        count
    }

    /// Whether [`Session::read`] may give anything.
    pub fn has_plaintext(&self) -> bool {
        self.plaintext > 0
    }

    /// Whether [`Session::feed`] would take anything.
    pub fn wants_ciphertext(&self) -> bool {
        self.failure.is_none() && self.connection.wants_read()
    }

    /// Whether the peer's data has ended. Plaintext may still be left to read.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The failure, if there is one.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.as_deref().cloned()
    }

    /// Whether there is a failure. Cheaper than [`Session::failure`].
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Encrypts all of `segments`, in as few records as possible.
    ///
    /// # Errors
    ///
    /// An earlier failure, or that the keys have encrypted as much as they may.
    pub fn write(&mut self, segments: &[IoSlice<'_>]) -> Result<(), Failure> {
        let length: usize = segments.iter().map(|segment| segment.len()).sum();
        match self.connection.writer().write_vectored(segments) {
            Ok(count) if count == length => Ok(()),
            Ok(_) => Err(Failure::new(
                Reason::Failed,
                "the keys have encrypted as much as they may",
            )),
            Err(_) => Err(self
                .failure()
                .unwrap_or_else(|| Failure::new(Reason::Failed, "the session has failed"))),
        }
    }

    /// Queues `close_notify`: no data follows.
    pub fn write_close_notify(&mut self) {
        self.connection.send_close_notify();
    }

    /// Whether ciphertext waits to be taken.
    pub fn has_ciphertext(&self) -> bool {
        self.connection.wants_write()
    }

    /// Writes waiting ciphertext to `writer`, in one `write_vectored`. Returns the number of bytes written.
    ///
    /// # Errors
    ///
    /// The writer's.
    pub fn write_ciphertext(&mut self, writer: &mut dyn Write) -> io::Result<usize> {
        self.connection.write_tls(writer)
    }

    /// The result of the handshake.
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

    /// The peer's own certificate in DER, if it sent one.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.connection
            .peer_certificates()
            .and_then(<[CertificateDer<'_>]>::first)
            .map(AsRef::as_ref)
    }

    /// Exports `length` bytes of keying material (RFC 5705) with an empty context (TLS-5).
    ///
    /// # Errors
    ///
    /// A length of 0, and after a failure.
    pub fn export_keying_material(&self, length: usize, label: &str) -> Result<Vec<u8>, Failure> {
        self.connection
            .export_keying_material(vec![0; length], label.as_bytes(), Some(&[]))
            .map_err(|error| Failure::of_refused_settings(&error))
    }

    /// Looks at records that rustls has already.
    fn process_buffered(&mut self) {
        if let Ok(state) = self.connection.process_new_packets() {
            self.plaintext = state.plaintext_bytes_to_read();
            self.ended |= state.peer_has_closed();
        }
    }

    /// Invariant 2.
    fn fail(&mut self, failure: Failure) -> Failure {
        self.failure = Some(Box::new(failure.clone()));
        failure
    }
}

/// Moves the next piece of `bytes` into rustls and processes it. Shortens `bytes` by it.
pub(super) fn take_ciphertext(connection: &mut Connection, bytes: &mut &[u8]) -> Result<IoState, Failure> {
    if connection.read_tls(bytes).is_err() {
        // Reading from memory fails only if a message does not fit.
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
