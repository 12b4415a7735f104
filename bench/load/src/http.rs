//! HTTP by bytes: one request, and the response that a server must give to it every time.
//!
//! The servers under load leave out the `date` header, so that all responses are equal.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use crate::exchange::STALL;
use crate::tls::Tls;
use crate::wire::Blocking;

pub const REQUEST: &[u8] = b"GET /greeting HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/plain\r\n\r\n";

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Fetches the response to `REQUEST`, head and body.
pub fn learn(address: SocketAddr, tls: Option<&Tls>) -> io::Result<Vec<u8>> {
    let mut stream = Blocking::open(address, tls, STALL)?;
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    while !answer.ends_with(END_OF_HEAD) {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    let mut body = vec![0; content_length(&answer)?];
    stream.read_exact(&mut body)?;
    answer.extend_from_slice(&body);
    Ok(answer)
}

fn content_length(head: &[u8]) -> io::Result<usize> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    if !lines.next().is_some_and(|line| line.starts_with("HTTP/1.1 200 ")) {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("the answer is not 200: {head}"),
        ));
    }
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the answer has no Content-Length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_found_however_it_is_written() {
        let head = b"HTTP/1.1 200 OK\r\nserver: x\r\ncontent-length:  12\r\n\r\n";
        assert_eq!(content_length(head).expect("there is one"), 12);
        assert!(content_length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(content_length(b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n").is_err());
    }
}
