//! The requests of a connection, and the replies that they must get.
//!
//! Every line of a request has the number of its connection and a sequence number in text. A server that answers on the
//! wrong connection, repeats an old buffer or loses a line fails the comparison.

const STAMP: usize = 8;

pub struct Payload {
    bytes: Vec<u8>,
    /// The distance of the sequence numbers in bytes: the length of a line, or of the whole message.
    stride: usize,
    sequence: u32,
    /// The reply, if it differs from the request.
    reply: Option<Vec<u8>>,
}

impl Payload {
    /// One message of `size` bytes.
    pub fn message(connection: usize, size: usize) -> Self {
        Self {
            bytes: pattern(connection, size),
            stride: size,
            sequence: 0,
            reply: None,
        }
    }

    /// A request that is always the same, with its reply.
    pub fn fixed(request: &[u8], reply: Vec<u8>) -> Self {
        Self {
            bytes: request.to_vec(),
            stride: request.len(),
            sequence: 0,
            reply: Some(reply),
        }
    }

    /// `count` lines of `size` bytes each, including the newline.
    pub fn lines(connection: usize, size: usize, count: usize) -> Self {
        let mut bytes = pattern(connection, size * count);
        for line in bytes.chunks_exact_mut(size) {
            line[size - 1] = b'\n';
        }
        Self {
            bytes,
            stride: size,
            sequence: 0,
            reply: None,
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn reply(&self) -> &[u8] {
        self.reply.as_deref().unwrap_or(&self.bytes)
    }

    /// Makes the next request differ from all earlier ones.
    pub fn advance(&mut self) {
        if self.reply.is_some() {
            return;
        }
        self.sequence = self.sequence.wrapping_add(1);
        let digits = hexadecimal(self.sequence);
        // The last byte of a stride may be the newline.
        let length = STAMP.min(self.stride - 1);
        for stride in self.bytes.chunks_exact_mut(self.stride) {
            stride[..length].copy_from_slice(&digits[..length]);
        }
    }
}

/// Writes the low digits first, so that even the shortest message changes each time.
fn hexadecimal(mut value: u32) -> [u8; STAMP] {
    let mut digits = [b'0'; STAMP];
    for digit in &mut digits {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
    digits
}

/// Printable text that differs between connections and between positions, without a newline.
fn pattern(connection: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|position| b' ' + ((connection * 31 + position * 7 + position / 95) % 95) as u8)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_one_newline_each_at_their_end() {
        let mut payload = Payload::lines(3, 64, 16);
        for _ in 0..300 {
            payload.advance();
            let newlines = payload
                .bytes()
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n');
            let positions: Vec<usize> = newlines.map(|(position, _)| position).collect();
            assert_eq!(positions, (1..=16).map(|line| line * 64 - 1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_two_requests_nor_connections_look_alike() {
        let mut payload = Payload::message(1, 64);
        let first = payload.bytes().to_vec();
        payload.advance();
        assert_ne!(first, payload.bytes());
        assert_ne!(first, Payload::message(2, 64).bytes());
    }

    #[test]
    fn the_smallest_message_has_no_room_for_a_stamp() {
        let mut payload = Payload::message(0, 1);
        payload.advance();
        assert_eq!(payload.bytes().len(), 1);
    }
}
