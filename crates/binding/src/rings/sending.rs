//! The sending half of a connection. Its segments of a turn become one gathered write. What the kernel does not take
//! is reported before any other JavaScript runs.

use std::task::{Context, Poll};

use structio_core::streams::Goodbye;

use super::{
    errno::errno,
    handle_id::HandleId,
    handles::Entry,
    records::{CompletionKind, LINGER_BYTES, SendWait},
    turn::Turn,
};

/// Segments of one gathered write.
const GATHER: usize = 64;

impl Turn {
    /// Goes on with what the sending half waits for: unsent bytes, then its `WaitSend`.
    pub(super) fn poll_send(&mut self, index: u32) {
        let Some((Entry::Stream(stream), _)) = self.handles.at(index) else {
            return;
        };
        if !stream.chain.is_empty() {
            // Submitted outside a turn, and the socket became ready before the submission was carried out. Without
            // this, a shutdown would cut off the sends before it (turn.rs, invariant 1).
            self.write_chain(index);
        }
        let Some((Entry::Stream(stream), generation)) = self.handles.at(index) else {
            return;
        };
        let id = HandleId { index, generation };
        let cx = &mut Context::from_waker(&stream.waker);
        let mut wrong = 0;
        let waiting = stream.send_wait;
        let settled = match waiting.map(|(what, _)| what) {
            None => {
                // `Pending` is fine: the waker leads back here.
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
                    self.agenda.put_off(index);
                }
                outcome == Goodbye::Done
            }
        };
        self.delivery.report_sending(stream, id);
        if settled {
            stream.send_wait = None;
            let number = waiting.map_or(0, |(_, number)| number);
            self.delivery
                .stage(id, CompletionKind::SendSettled, wrong, number);
        }
    }

    /// Writes a connection's segments of this turn (turn.rs, invariant 1).
    pub(super) fn write_chain(&mut self, index: u32) {
        self.write_chain_and(index, None);
    }

    /// Writes a connection's segments, then of `data` what the kernel takes; returns that length.
    pub(super) fn write_chain_and(&mut self, index: u32, data: Option<&[u8]>) -> usize {
        let Some((Entry::Stream(stream), generation)) = self.handles.at(index) else {
            return 0;
        };
        let id = HandleId { index, generation };
        let cx = &mut Context::from_waker(&stream.waker);
        let parts = self.segments.take(&mut stream.chain);
        if data.is_none()
            && let Some((offset, length)) = parts.single()
        {
            count_given(&mut stream.given, length);
            if let Some(bytes) = self.delivery.sent(offset, length) {
                stream.connection.send(cx, &[bytes]);
            }
            self.delivery.report_sending(stream, id);
            return 0;
        }
        let mut gathered: [&[u8]; GATHER] = [&[]; GATHER];
        let mut count = 0;
        for (offset, length) in parts {
            if count == GATHER {
                stream.connection.send(cx, &gathered);
                count = 0;
            }
            count_given(&mut stream.given, length);
            if let Some(bytes) = self.delivery.sent(offset, length) {
                gathered[count] = bytes;
                count += 1;
            }
        }
        let taken = match data {
            Some(data) => stream.connection.send_direct(cx, &gathered[..count], data),
            None => {
                stream.connection.send(cx, &gathered[..count]);
                0
            }
        };
        count_given(&mut stream.given, taken);
        self.delivery.report_sending(stream, id);
        taken
    }

    /// Reports what receiving did to the sending half of a TLS connection: an alert to send, or a failure of both
    /// halves.
    pub(super) fn report_after_receive(&mut self, index: u32) {
        if let Some((Entry::Stream(stream), generation)) = self.handles.at(index)
            && stream.connection.is_tls()
        {
            self.delivery
                .report_sending(stream, HandleId { index, generation });
        }
    }
}

/// Counts bytes the same way as TypeScript does.
fn count_given(given: &mut u32, length: usize) {
    #[expect(clippy::cast_possible_truncation, reason = "a count modulo 2³²")]
    let length = length as u32;
    *given = given.wrapping_add(length);
}
