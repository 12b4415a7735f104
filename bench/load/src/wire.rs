//! The bytes of a connection, plain or under TLS, for loops with edge-triggered readiness.
//!
//! 1. A read that did not fill the buffer has emptied the socket (`Received::emptied`). That saves the call that
//!    would answer `WouldBlock`; the next edge comes with the next byte.
//! 2. All available ciphertext is read in one call and fed to the session from memory. So an exchange under TLS also
//!    costs one read and one write, however many records it has.
//! 3. Output of the session (a flight of the handshake, records of a request) leaves with the next `send`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::{ClientConnection, StreamOwned};

use crate::tls::Tls;

const READ_BUFFER: usize = 256 * 1024;
/// More than the longest record, for the rest of a record may come with a later read.
const RECORD: usize = 32 * 1024;

pub struct Wire {
    socket: TcpStream,
    session: Option<Box<ClientConnection>>,
}

/// The read buffers, one pair for all connections of a thread.
pub struct Buffers {
    cipher: Box<[u8]>,
    /// Longer than the plaintext of the other, so it is never full.
    plain: Box<[u8]>,
}

/// The result of a read. Its bytes are at the beginning of `Buffers::plain`.
pub struct Received {
    pub length: usize,
    /// Whether the server's data ends behind those bytes, in order.
    pub ended: bool,
    pub emptied: bool,
}

impl Buffers {
    pub fn new() -> Self {
        Self {
            cipher: vec![0; READ_BUFFER].into_boxed_slice(),
            plain: vec![0; READ_BUFFER + RECORD].into_boxed_slice(),
        }
    }

    pub fn plain(&self, length: usize) -> &[u8] {
        &self.plain[..length]
    }
}

impl Wire {
    /// Connects, and under TLS makes the handshake, one connection at a time.
    pub fn open(address: SocketAddr, tls: Option<&Tls>) -> io::Result<Self> {
        let (socket, session) = match Blocking::open(address, tls, Duration::from_secs(10))? {
            Blocking::Plain(socket) => (socket, None),
            Blocking::Tls(stream) => {
                let (session, socket) = stream.into_parts();
                (socket, Some(Box::new(session)))
            }
        };
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: TcpStream::from_std(socket),
            session,
        })
    }

    /// Begins to connect, with a session before its handshake.
    pub fn connect(address: SocketAddr, session: Option<ClientConnection>) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        Ok(Self {
            socket,
            session: session.map(Box::new),
        })
    }

    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket
            .register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Sends `bytes[*sent..]` and the output of the session. `Ok` also if the socket takes no more now. Under TLS the
    /// session then holds the rest, and `wants_send` is true.
    pub fn send(&mut self, bytes: &[u8], sent: &mut usize) -> io::Result<()> {
        let Self { socket, session } = self;
        match session {
            None => {
                while *sent < bytes.len() {
                    match at_once(|| socket.write(&bytes[*sent..]))? {
                        Some(count) => *sent += count,
                        None => break,
                    }
                }
            }
            Some(session) => {
                while *sent < bytes.len() {
                    *sent += session.writer().write(&bytes[*sent..])?;
                }
                while session.wants_write() && at_once(|| session.write_tls(socket))?.is_some() {}
            }
        }
        Ok(())
    }

    /// Whether the session has output.
    pub fn wants_send(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.wants_write())
    }

    /// Ends this side: with a FIN, and under TLS with a `close_notify` before it.
    pub fn send_end(&mut self) -> io::Result<()> {
        if let Some(session) = &mut self.session {
            session.send_close_notify();
        }
        self.send(&[], &mut 0)?;
        self.socket.shutdown(Shutdown::Write)
    }

    /// Reads once. `None` if nothing has come.
    pub fn receive(&mut self, buffers: &mut Buffers) -> io::Result<Option<Received>> {
        let Self { socket, session } = self;
        let Buffers { cipher, plain } = buffers;
        let Some(session) = session else {
            let length = at_once(|| socket.read(plain))?;
            return Ok(length.map(|length| Received {
                length,
                ended: length == 0,
                emptied: length < plain.len(),
            }));
        };
        loop {
            let Some(count) = at_once(|| socket.read(cipher))? else {
                return Ok(None);
            };
            let (length, ended) = decrypt(session, &cipher[..count], plain)?;
            let emptied = count < cipher.len();
            if length > 0 || ended {
                return Ok(Some(Received {
                    length,
                    ended,
                    emptied,
                }));
            }
            if emptied {
                return Ok(None);
            }
        }
    }
}

/// Decrypts. Returns the number of bytes and whether they are the last. No ciphertext means the end of the connection.
fn decrypt(session: &mut ClientConnection, mut cipher: &[u8], plain: &mut [u8]) -> io::Result<(usize, bool)> {
    let mut length = 0;
    loop {
        session.read_tls(&mut cipher)?;
        session
            .process_new_packets()
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        // Plaintext is taken out after each record, because the session takes no more while a record is unread.
        loop {
            match at_once(|| session.reader().read(&mut plain[length..]))? {
                Some(0) => return Ok((length, true)),
                Some(count) => length += count,
                None => break,
            }
        }
        if cipher.is_empty() {
            return Ok((length, false));
        }
    }
}

/// `None` if the call would block. A socket that is still connecting reports NotConnected instead.
fn at_once(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(count) => return Ok(Some(count)),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::NotConnected => return Ok(None),
                ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
}

/// A connection whose calls block the thread.
pub enum Blocking {
    Plain(std::net::TcpStream),
    Tls(Box<StreamOwned<ClientConnection, std::net::TcpStream>>),
}

impl Blocking {
    /// Connects, and under TLS makes the handshake. A wait longer than `patience` is an error, here and later.
    pub fn open(address: SocketAddr, tls: Option<&Tls>, patience: Duration) -> io::Result<Self> {
        let mut socket = std::net::TcpStream::connect(address)?;
        socket.set_read_timeout(Some(patience))?;
        let Some(tls) = tls else {
            return Ok(Self::Plain(socket));
        };
        let mut session = tls.session()?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(session, socket))))
    }

    pub fn socket(&self) -> &std::net::TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Blocking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
