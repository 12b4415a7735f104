//! The order of a turn: its beginning, `collect` before JavaScript runs and `submit` after. Invariants: turn.rs.

use structio_core::ready::Token;

use super::{handle_id::HandleId, handles::Entry, records::control, turn::Turn};

impl Turn {
    /// A wake-up from the event loop begins.
    pub fn begin(&mut self) {
        self.agenda.begin_turn();
        self.relays.begin_turn();
    }

    /// Polls what has become ready. Call under the reactor's `enter` guard.
    pub fn collect(&mut self) {
        // JavaScript may have cancelled since the last turn: those operations are not answered any more.
        self.ingest();
        let tokens = self.agenda.take_backlog(&self.ready);
        let mut done = 0;
        for &token in &tokens {
            if !self.has_room() {
                break;
            }
            self.poll(token);
            done += 1;
        }
        self.agenda.return_backlog(tokens, done);
        self.poll_handshakes();
        self.poll_relays();
    }

    /// Carries out the submission ring. With `arm`, also tries the receives submitted, which may stage
    /// completions; without, they go to the backlog.
    pub fn submit(&mut self, arm: bool) {
        self.ingest();
        let touched = self.segments.take_touched();
        for &index in &touched {
            self.write_chain(index);
        }
        self.segments.clear(touched);
        self.set_control(control::SEND_USED, 0);
        self.set_control(
            control::SUBMITTED,
            self.control(control::SUBMITTED).wrapping_add(1),
        );

        self.flush_handshakes();
        if self.delivery.is_empty() && self.control(control::DISPATCHING) == 0 {
            // There is nothing to report (6).
            self.set_control(control::REPORTED, self.control(control::SUBMITTED));
        }
        let waits = self.agenda.take_waits();
        for &id in &waits {
            match self.handles.get(id) {
                Some(Entry::Stream(_)) => self.poll_send(id.index),
                Some(Entry::Datagrams(_)) => self.poll_datagrams(id.index),
                _ => {}
            }
        }
        self.agenda.clear_waits(waits);

        if arm {
            let arms = self.agenda.take_arms();
            for &token in &arms {
                if self.has_room() {
                    self.poll(token);
                } else {
                    self.agenda.put_off(token.0);
                }
            }
            self.agenda.clear_arms(arms);
        } else {
            self.agenda.put_off_arms();
        }
    }

    fn poll(&mut self, Token(index): Token) {
        match self.handles.at(index) {
            Some((Entry::Stream(stream), _)) => {
                if stream.relaying.is_some() && self.wake_relay(index) {
                    return;
                }
                let Some((Entry::Stream(stream), _)) = self.handles.at(index) else {
                    return;
                };
                let sending = stream.unsent_reported || stream.send_wait.is_some();
                let tls = stream.connection.is_tls();
                self.poll_receive(index);
                if tls {
                    self.report_after_receive(index);
                }
                if sending {
                    self.poll_send(index);
                }
            }
            Some((Entry::Datagrams(_), _)) => self.poll_datagrams(index),
            Some((Entry::Listener { .. }, _)) => self.poll_accept(index),
            Some((Entry::Connecting { .. }, _)) => self.poll_connect(index),
            Some((Entry::Handshaking { .. }, generation)) => {
                self.queue_handshake(HandleId { index, generation });
            }
            #[cfg(target_os = "linux")]
            Some((Entry::Waits(_), _)) => self.poll_waits(index),
            Some((Entry::Failed(_) | Entry::Over, _)) | None => {}
        }
    }
}
