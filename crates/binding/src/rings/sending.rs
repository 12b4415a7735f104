//! The sending half of a turn: a connection's segments become one gathered write, and what the kernel does not take is
//! told to TypeScript before any other JavaScript runs.

use std::task::{Context, Poll};

use structio_core::{ready::Token, streams::Goodbye};

use super::{
    handles::{Entry, NO_SEGMENT, Stream},
    records::{Completion, CompletionKind, LINGER_BYTES, SendWait, completion, control},
    regions::Regions,
    turn::{Turn, errno, word},
};

/// Segments gathered before they are handed to the connection.
const GATHER: usize = 64;

impl Turn {
    /// Goes on with what the sending half waits for: unsent bytes, then its `WaitSend`.
    pub(super) fn poll_send(&mut self, index: u32) {
        let Some((Entry::Stream(stream), _)) = self.handles.at(index) else {
            return;
        };
        if stream.first_segment != NO_SEGMENT {
            // Submitted outside a turn, and the socket has become ready before it was carried out: a shutdown that were
            // looked at now would cut off the sends before it (turn.rs, invariant 1).
            self.write_chain(index);
        }
        let Some((Entry::Stream(stream), generation)) = self.handles.at(index) else {
            return;
        };
        let cx = &mut Context::from_waker(&stream.waker);
        let mut wrong = 0;
        let waiting = stream.send_wait;
        let settled = match waiting.map(|(what, _)| what) {
            None => {
                // Pending is fine: its waker brings us back here.
                let _ = stream.connection.poll_flush(cx);
                false
            }
            Some(SendWait::Writable) => stream.connection.poll_writable(cx).is_ready(),
            Some(SendWait::Flushed) => stream.connection.poll_flush(cx).is_ready(),
            Some(SendWait::Shutdown) => stream.connection.poll_shutdown(cx).is_ready(),
            Some(SendWait::Parcel) => match stream.connection.poll_send_parcel(cx) {
                Poll::Pending => false,
                Poll::Ready(outcome) => {
                    wrong = outcome.err().as_ref().map_or(0, errno);
                    true
                }
            },
            Some(what @ (SendWait::Goodbye | SendWait::Linger)) => {
                let mut left = match what {
                    SendWait::Linger => LINGER_BYTES.saturating_sub(stream.dropped),
                    _ => usize::MAX,
                };
                let before = left;
                let outcome = stream.connection.poll_goodbye(cx, &mut left);
                stream.dropped += before - left;
                if outcome == Goodbye::More {
                    self.backlog.push(Token(index));
                }
                outcome == Goodbye::Done
            }
        };
        report_sending(
            stream,
            index,
            generation,
            &mut self.staged,
            &mut self.unsent_streams,
            &mut self.regions,
        );
        if settled {
            stream.send_wait = None;
            let settled = CompletionKind::SendSettled;
            let number = waiting.map_or(0, |(_, number)| number);
            self.staged
                .push(completion(index, generation, settled, wrong, number));
        }
    }

    /// Writes a connection's segments of this turn (invariant 1).
    pub(super) fn write_chain(&mut self, index: u32) {
        self.write_chain_and(index, None);
    }

    /// Writes a connection's segments, then of `data` what the kernel takes; returns that length.
    pub(super) fn write_chain_and(&mut self, index: u32, data: Option<&[u8]>) -> usize {
        let Some((Entry::Stream(stream), generation)) = self.handles.at(index) else {
            return 0;
        };
        let cx = &mut Context::from_waker(&stream.waker);
        let mut next = std::mem::replace(&mut stream.first_segment, NO_SEGMENT);
        stream.last_segment = NO_SEGMENT;
        if data.is_none()
            && let Some(segment) = self.segments.get(next as usize)
            && segment.next == NO_SEGMENT
        {
            // One send in this turn, as nearly always.
            count_given(&mut stream.given, segment.length);
            if let Some(bytes) = self.regions.sent(segment.offset, segment.length) {
                stream.connection.send(cx, &[bytes]);
            }
            report_sending(
                stream,
                index,
                generation,
                &mut self.staged,
                &mut self.unsent_streams,
                &mut self.regions,
            );
            return 0;
        }
        let mut gathered: [&[u8]; GATHER] = [&[]; GATHER];
        let mut count = 0;
        while let Some(segment) = self.segments.get(next as usize) {
            if count == GATHER {
                stream.connection.send(cx, &gathered);
                count = 0;
            }
            count_given(&mut stream.given, segment.length);
            if let Some(bytes) = self.regions.sent(segment.offset, segment.length) {
                gathered[count] = bytes;
                count += 1;
            }
            next = segment.next;
        }
        let taken = match data {
            Some(data) => stream.connection.send_direct(cx, &gathered[..count], data),
            None => {
                stream.connection.send(cx, &gathered[..count]);
                0
            }
        };
        count_given(&mut stream.given, taken);
        report_sending(
            stream,
            index,
            generation,
            &mut self.staged,
            &mut self.unsent_streams,
            &mut self.regions,
        );
        taken
    }

    /// Tells TypeScript what receiving did to the sending half of a TLS connection: an alert to send, a failure of both.
    pub(super) fn report_after_receive(&mut self, index: u32) {
        if let Some((Entry::Stream(stream), generation)) = self.handles.at(index)
            && stream.connection.is_tls()
        {
            report_sending(
                stream,
                index,
                generation,
                &mut self.staged,
                &mut self.unsent_streams,
                &mut self.regions,
            );
        }
    }
}

/// As TypeScript counts what the connection takes.
fn count_given(given: &mut u32, length: usize) {
    #[expect(clippy::cast_possible_truncation, reason = "a count modulo 2³²")]
    let length = length as u32;
    *given = given.wrapping_add(length);
}

/// Tells TypeScript what changed about the sending half: an error, or whether bytes are unsent.
pub(super) fn report_sending(
    stream: &mut Stream,
    index: u32,
    generation: i32,
    staged: &mut Vec<Completion>,
    unsent_streams: &mut usize,
    regions: &mut Regions,
) {
    if let Some(error) = stream.connection.take_write_error() {
        stream.send_failure = errno(&error);
        staged.push(completion(
            index,
            generation,
            CompletionKind::SendFailed,
            stream.send_failure,
            0,
        ));
        let undelivered = regions.control(control::SEND_FAILURES) + 1;
        regions.set_control(control::SEND_FAILURES, undelivered);
    }
    let unsent = stream.connection.unsent();
    if (unsent > 0) != stream.unsent_reported {
        stream.unsent_reported = unsent > 0;
        if unsent > 0 {
            *unsent_streams += 1;
        } else {
            *unsent_streams -= 1;
        }
        staged.push(completion(
            index,
            generation,
            CompletionKind::Unsent,
            word(unsent),
            stream.given.cast_signed(),
        ));
    }
}
