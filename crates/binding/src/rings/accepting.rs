//! Handles that become connections: listeners give new ones, connection attempts turn into one.

use std::task::{Context, Poll};

use super::{
    errno::errno,
    handle_id::HandleId,
    handles::{Entry, Stream},
    records::CompletionKind,
    turn::Turn,
};

/// Connections that one poll of a listener accepts. Then other handles are polled.
const ACCEPTS: usize = 64;

impl Turn {
    pub(super) fn poll_accept(&mut self, index: u32) {
        for accepted in 0.. {
            if accepted == ACCEPTS || !self.has_room() {
                self.agenda.put_off(index);
                return;
            }
            let Some((
                Entry::Listener {
                    listener,
                    waker,
                    demand,
                },
                generation,
            )) = self.handles.at(index)
            else {
                return;
            };
            if *demand == 0 {
                return;
            }
            let id = HandleId { index, generation };
            match listener.poll_accept(&mut Context::from_waker(waker)) {
                Poll::Pending => return,
                Poll::Ready(Ok(connection)) => {
                    *demand -= 1;
                    let new = self.add_stream(connection);
                    let accepted = CompletionKind::Accepted;
                    self.delivery
                        .stage(id, accepted, new.index.cast_signed(), new.generation);
                }
                Poll::Ready(Err(error)) => {
                    *demand = 0;
                    self.delivery
                        .stage(id, CompletionKind::AcceptFailed, errno(&error), 0);
                    return;
                }
            }
        }
    }

    pub(super) fn poll_connect(&mut self, index: u32) {
        let Some((Entry::Connecting { attempt, waker }, generation)) = self.handles.at(index) else {
            return;
        };
        let id = HandleId { index, generation };
        match attempt.poll_connect(&mut Context::from_waker(waker)) {
            Poll::Pending => {}
            Poll::Ready(Ok(connection)) => {
                let stream = Stream::new(connection, waker.clone());
                self.handles.replace(index, Entry::Stream(stream));
                self.delivery.stage(id, CompletionKind::Connected, 0, 0);
            }
            Poll::Ready(Err(error)) => {
                // The index stays taken until JavaScript closes the handle. Otherwise another attempt could get it
                // before this completion is delivered, and the completion would look stale.
                self.handles.replace(index, Entry::Over);
                self.delivery
                    .stage(id, CompletionKind::ConnectFailed, errno(&error), 0);
            }
        }
    }
}
