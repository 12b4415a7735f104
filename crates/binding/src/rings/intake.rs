//! Takes the submission ring over: each record changes what its handle waits for, or joins a connection's sends. No
//! system call.

use super::{
    handle_id::HandleId,
    handles::{Entry, ReceiveDemand},
    records::{Submission, control, decode},
    turn::Turn,
};

impl Turn {
    /// Empties the submission ring. The bytes of sends stay in the send slab.
    pub fn ingest(&mut self) {
        let count = usize::try_from(self.control(control::COUNT))
            .unwrap_or(0)
            .min(self.delivery.submission_capacity());
        for position in 0..count {
            if let Some((index, generation, submission)) = decode(self.delivery.submission(position)) {
                self.ingest_one(HandleId { index, generation }, submission);
            }
        }
        self.set_control(control::COUNT, 0);
    }

    fn ingest_one(&mut self, id: HandleId, submission: Submission) {
        match (self.handles.get(id), submission) {
            (Some(Entry::Stream(stream)), Submission::Send { offset, length }) => {
                self.segments.append(&mut stream.chain, id.index, offset, length);
            }
            (Some(Entry::Stream(stream)), Submission::Receive { limit, descriptors }) => {
                stream.receive = match descriptors {
                    0 if limit == 0 => ReceiveDemand::Ready,
                    0 => ReceiveDemand::Bytes(limit),
                    _ => ReceiveDemand::WithDescriptors(limit, descriptors),
                };
                self.agenda.arm(id.index);
            }
            (Some(Entry::Stream(stream)), Submission::CancelReceive) => stream.receive = ReceiveDemand::None,
            (Some(Entry::Stream(stream)), Submission::WaitSend(what, number)) => {
                stream.send_wait = Some((what, number));
                self.agenda.wait(id);
            }
            (Some(Entry::Stream(stream)), Submission::CancelSend) => {
                stream.send_wait = None;
                stream.connection.withdraw();
            }
            (Some(Entry::Datagrams(datagrams)), Submission::Receive { limit, .. }) => {
                datagrams.demand = limit;
                self.agenda.arm(id.index);
            }
            (Some(Entry::Datagrams(datagrams)), Submission::CancelReceive) => datagrams.demand = 0,
            (Some(Entry::Datagrams(datagrams)), Submission::WaitSend(..)) => {
                datagrams.sending = true;
                self.agenda.wait(id);
            }
            (Some(Entry::Datagrams(datagrams)), Submission::CancelSend) => datagrams.sending = false,
            (Some(Entry::Listener { demand, .. }), Submission::Accept { demand: wanted }) => {
                *demand = wanted;
                if wanted > 0 {
                    self.agenda.arm(id.index);
                }
            }
            // The handle has ended, or the record does not fit its kind. JavaScript expects no answer.
            _ => {}
        }
    }
}
