//! One turn: poll what is ready, hand the batch to JavaScript, carry out what it submitted.
//!
//! ```text
//!  ready tokens ─► collect ─► staged completions ─► publish ─► JavaScript ─► submission ring
//!                     ▲  (reads go straight into the receive slab)                 │
//!                     └────────── backlog ◄── arm receives ◄── gather sends ◄── submit
//! ```
//!
//! Invariants:
//! 1. A connection's sends of one turn leave in one gathered write, in submission order, before anything that was
//!    submitted after them (a wait, a shutdown, a close) is looked at.
//! 2. The receive slab is written only between the end of one dispatch and the start of the next: what a
//!    completion points to is there when JavaScript reads it, and gone afterwards.
//! 3. A completion is staged, never dropped; a receive that finds no room in the slab waits in the backlog.
//! 4. A receive stays armed until it is answered or cancelled, and is answered once.
//! 5. The send slab is free again when `submit` has returned: what the kernel did not take has been copied.
//! 6. JavaScript's belief about what is unsent is an upper bound: it keeps counting the bytes of a submission until
//!    `REPORTED` says that it has been told what became of them. Reports are staged when the submission is carried out, and
//!    `REPORTED` passes it only once they have been delivered, whatever JavaScript runs in between.
//! 7. A turn computes a few steps of handshakes at most, and last: a crowd of new clients waits, not those who are
//!    served already.

use std::{
    collections::VecDeque,
    error::Error,
    io,
    sync::Arc,
    task::{Context, Poll},
};

use structio_core::{
    ready::{ReadyList, Token},
    streams::Connection,
    tls::Failure,
};

use super::{
    handles::{Entry, HandleId, Handles, NO_SEGMENT, ReceiveDemand, Stream},
    receiving::SLAB_START,
    records::{Completion, CompletionKind, Submission, TLS_FAILED, completion, control, decode},
    regions::Regions,
    relaying::RelayQueue,
};

/// Connections accepted in one look at a listener: then others have their turn.
const ACCEPTS: usize = 64;

/// Steps of handshakes in one turn. A full one takes two, and some 0.1 ms of computing in all.
const HANDSHAKE_STEPS: usize = 8;

/// A part of the send slab that belongs to one connection, linked to the connection's next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) next: u32,
}

#[derive(Debug)]
pub struct Turn {
    pub(super) regions: Regions,
    pub(super) handles: Handles,
    pub(super) ready: Arc<ReadyList>,
    pub(super) staged: Vec<Completion>,
    /// Ready tokens to poll, and receives to arm, in order.
    pub(super) backlog: Vec<Token>,
    /// Used part of the receive slab.
    pub(super) received: usize,
    pub(super) segments: Vec<Segment>,
    /// Connections with segments, in the order of their first.
    pub(super) touched: Vec<u32>,
    /// Connections whose `WaitSend` is to be looked at once their sends have been written.
    pub(super) waits: Vec<HandleId>,
    pub(super) arms: Vec<Token>,
    /// Connections with the last words of their handshake unsent: they leave with the data that JavaScript sends when it
    /// hears of the handshake, or else at the end of that round.
    pub(super) late: Vec<HandleId>,
    /// Handshakes that can go on, in order (invariant 7).
    handshakes: VecDeque<HandleId>,
    /// Steps of them that this turn has left.
    handshake_steps: usize,
    /// Where the waits for descriptors of others are, once there was one.
    #[cfg(target_os = "linux")]
    pub(super) waits_at: Option<u32>,
    pub(super) relays: RelayQueue,
    /// Connections with unsent bytes: they keep the process alive.
    pub(super) unsent_streams: usize,
}

impl Turn {
    pub fn new(regions: Regions, ready: Arc<ReadyList>) -> Self {
        Self {
            regions,
            handles: Handles::default(),
            ready,
            staged: Vec::new(),
            backlog: Vec::new(),
            received: SLAB_START,
            segments: Vec::new(),
            touched: Vec::new(),
            waits: Vec::new(),
            arms: Vec::new(),
            late: Vec::new(),
            handshakes: VecDeque::new(),
            handshake_steps: 0,
            #[cfg(target_os = "linux")]
            waits_at: None,
            relays: RelayQueue::default(),
            unsent_streams: 0,
        }
    }

    /// A wake-up from the event loop begins.
    pub fn begin(&mut self) {
        self.handshake_steps = HANDSHAKE_STEPS;
        self.relays.begin_turn();
    }

    /// Polls what has become ready. Call under the reactor's `enter` guard.
    pub fn collect(&mut self) {
        // What JavaScript has given up since the last turn is not answered any more.
        self.ingest();
        self.ready.begin();
        self.ready.take(&mut self.backlog);
        let mut tokens = std::mem::take(&mut self.backlog);
        let mut done = 0;
        for &token in &tokens {
            if !self.has_room() {
                break;
            }
            self.poll(token);
            done += 1;
        }
        // What `poll` itself put off comes after what has not been looked at yet.
        tokens.drain(..done);
        tokens.append(&mut self.backlog);
        self.backlog = tokens;
        self.poll_handshakes();
        self.poll_relays();
    }

    /// Has a handshake go on when it is its turn.
    pub fn queue_handshake(&mut self, id: HandleId) {
        self.handshakes.push_back(id);
    }

    fn poll_handshakes(&mut self) {
        while self.handshake_steps > 0
            && self.has_room()
            && let Some(id) = self.handshakes.pop_front()
        {
            if self.handles.get(id).is_some() {
                self.handshake_steps -= 1;
                self.poll_handshake(id.index);
            }
        }
    }

    /// Moves staged completions to the ring. True when there are any: JavaScript is to be called.
    pub fn publish(&mut self) -> bool {
        let count = self.staged.len().min(self.regions.completion_capacity());
        // Invariant 6: reports that do not fit say themselves what they are about.
        let reported_by = if count == self.staged.len() {
            self.control(control::SUBMITTED)
        } else {
            self.control(control::REPORTED)
        };
        self.regions
            .publish(&self.staged[..count], self.received, reported_by);
        self.staged.drain(..count);
        count > 0
    }

    /// JavaScript has copied what it keeps: the slab is free, unless completions that did not fit still point to it.
    pub fn dispatched(&mut self) {
        if self.staged.is_empty() {
            self.received = SLAB_START;
        }
    }

    /// Whether another round would find something to do without new readiness.
    pub fn is_idle(&self) -> bool {
        let no_handshakes = self.handshakes.is_empty() || self.handshake_steps == 0;
        self.staged.is_empty()
            && self.backlog.is_empty()
            && self.late.is_empty()
            && no_handshakes
            && self.relays.is_idle()
            && !self.ready.has_tokens()
    }

    /// Whether anything waits for another turn, which no new readiness would bring about.
    pub fn has_more(&self) -> bool {
        !self.is_idle() || !self.handshakes.is_empty() || !self.relays.is_empty()
    }

    /// Stages a completion that names a request in place of a handle.
    pub fn stage_request(&mut self, request: u32, kind: CompletionKind, value: i32) {
        self.staged.push(completion(request, 0, kind, value, 0));
    }

    pub fn control(&self, word: usize) -> i32 {
        self.regions.control(word)
    }

    pub fn set_control(&mut self, word: usize, value: i32) {
        self.regions.set_control(word, value);
    }

    /// Whether anything native keeps the process alive.
    pub fn is_busy(&self) -> bool {
        self.control(control::REFS) > 0 || self.unsent_streams > 0
    }

    /// Carries out the submission ring. With `arm`, also tries the receives submitted, which may stage
    /// completions; without, they go to the backlog.
    pub fn submit(&mut self, arm: bool) {
        self.ingest();
        let touched = std::mem::take(&mut self.touched);
        for &index in &touched {
            self.write_chain(index);
        }
        self.touched = touched;
        self.touched.clear();
        self.segments.clear();
        self.regions.set_control(control::SEND_USED, 0);
        self.regions.set_control(
            control::SUBMITTED,
            self.control(control::SUBMITTED).wrapping_add(1),
        );

        if !self.late.is_empty() {
            self.flush_late();
        }
        if self.staged.is_empty() && self.control(control::DISPATCHING) == 0 {
            // Nothing is to be told (invariant 6).
            self.set_control(control::REPORTED, self.control(control::SUBMITTED));
        }
        let waits = std::mem::take(&mut self.waits);
        for &id in &waits {
            match self.handles.get(id) {
                Some(Entry::Stream(_)) => self.poll_send(id.index),
                Some(Entry::Datagrams(_)) => self.poll_datagrams(id.index),
                _ => {}
            }
        }
        self.waits = waits;
        self.waits.clear();

        if arm {
            let mut arms = std::mem::take(&mut self.arms);
            for &token in &arms {
                if self.has_room() {
                    self.poll(token);
                } else {
                    self.backlog.push(token);
                }
            }
            arms.clear();
            self.arms = arms;
        } else {
            self.backlog.append(&mut self.arms);
        }
    }

    /// Empties the submission ring into this struct without a system call. Sends stay in the slab.
    pub fn ingest(&mut self) {
        let count = usize::try_from(self.control(control::COUNT))
            .unwrap_or(0)
            .min(self.regions.submission_capacity());
        for position in 0..count {
            if let Some((index, generation, submission)) = decode(self.regions.submission(position)) {
                self.ingest_one(HandleId { index, generation }, submission);
            }
        }
        self.regions.set_control(control::COUNT, 0);
    }

    fn ingest_one(&mut self, id: HandleId, submission: Submission) {
        match (self.handles.get(id), submission) {
            (Some(Entry::Stream(stream)), Submission::Send { offset, length }) => {
                let segment = u32::try_from(self.segments.len()).unwrap_or(NO_SEGMENT);
                if stream.first_segment == NO_SEGMENT {
                    stream.first_segment = segment;
                    self.touched.push(id.index);
                } else if let Some(last) = self.segments.get_mut(stream.last_segment as usize) {
                    if last.offset + last.length == offset {
                        // The same connection wrote twice in a row: one piece of memory.
                        last.length += length;
                        return;
                    }
                    last.next = segment;
                }
                stream.last_segment = segment;
                self.segments.push(Segment {
                    offset,
                    length,
                    next: NO_SEGMENT,
                });
            }
            (Some(Entry::Stream(stream)), Submission::Receive { limit, descriptors }) => {
                stream.receive = match descriptors {
                    0 if limit == 0 => ReceiveDemand::Ready,
                    0 => ReceiveDemand::Bytes(limit),
                    _ => ReceiveDemand::WithDescriptors(limit, descriptors),
                };
                self.arms.push(Token(id.index));
            }
            (Some(Entry::Stream(stream)), Submission::CancelReceive) => stream.receive = ReceiveDemand::None,
            (Some(Entry::Stream(stream)), Submission::WaitSend(what, number)) => {
                stream.send_wait = Some((what, number));
                self.waits.push(id);
            }
            (Some(Entry::Stream(stream)), Submission::CancelSend) => {
                stream.send_wait = None;
                stream.connection.withdraw();
            }
            (Some(Entry::Datagrams(datagrams)), Submission::Receive { limit, .. }) => {
                datagrams.demand = limit;
                self.arms.push(Token(id.index));
            }
            (Some(Entry::Datagrams(datagrams)), Submission::CancelReceive) => datagrams.demand = 0,
            (Some(Entry::Datagrams(datagrams)), Submission::WaitSend(..)) => {
                datagrams.sending = true;
                self.waits.push(id);
            }
            (Some(Entry::Datagrams(datagrams)), Submission::CancelSend) => datagrams.sending = false,
            (Some(Entry::Listener { demand, .. }), Submission::Accept { demand: wanted }) => {
                *demand = wanted;
                if wanted > 0 {
                    self.arms.push(Token(id.index));
                }
            }
            // A handle that has ended meanwhile, or a record that does not fit it: nothing is owed.
            _ => {}
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.staged.len() < self.regions.completion_capacity()
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

    fn poll_accept(&mut self, index: u32) {
        for accepted in 0.. {
            if accepted == ACCEPTS || !self.has_room() {
                self.backlog.push(Token(index));
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
            match listener.poll_accept(&mut Context::from_waker(waker)) {
                Poll::Pending => return,
                Poll::Ready(Ok(connection)) => {
                    *demand -= 1;
                    let id = self.insert_stream(connection);
                    let accepted = CompletionKind::Accepted;
                    self.staged.push(completion(
                        index,
                        generation,
                        accepted,
                        id.index.cast_signed(),
                        id.generation,
                    ));
                }
                Poll::Ready(Err(error)) => {
                    *demand = 0;
                    self.staged.push(completion(
                        index,
                        generation,
                        CompletionKind::AcceptFailed,
                        errno(&error),
                        0,
                    ));
                    return;
                }
            }
        }
    }

    pub(super) fn poll_connect(&mut self, index: u32) {
        let Some((Entry::Connecting { attempt, waker }, generation)) = self.handles.at(index) else {
            return;
        };
        match attempt.poll_connect(&mut Context::from_waker(waker)) {
            Poll::Pending => {}
            Poll::Ready(Ok(connection)) => {
                let stream = Stream::new(connection, index, &self.ready);
                self.handles.replace(index, Entry::Stream(stream));
                self.staged
                    .push(completion(index, generation, CompletionKind::Connected, 0, 0));
            }
            Poll::Ready(Err(error)) => {
                // Not free before JavaScript has heard of it: another attempt could get the index in the meantime, and this
                // completion would be taken for that one's, and ignored.
                self.handles.replace(index, Entry::Over);
                self.staged.push(completion(
                    index,
                    generation,
                    CompletionKind::ConnectFailed,
                    errno(&error),
                    0,
                ));
            }
        }
    }

    pub(super) fn insert_stream(&mut self, connection: Connection) -> HandleId {
        let stream = Stream::new(connection, self.handles.next_index(), &self.ready);
        self.handles.insert(Entry::Stream(stream))
    }
}

/// Offsets and lengths inside a region fit a word: TypeScript makes regions far below 2 GiB.
pub(super) fn word(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The error's number; [`TLS_FAILED`] for what is wrong in TLS. The runtime's own refusals carry none.
pub fn errno(error: &io::Error) -> i32 {
    let is_tls = || {
        error
            .get_ref()
            .is_some_and(<dyn Error + Send + Sync>::is::<Failure>)
    };
    error.raw_os_error().unwrap_or_else(|| match error.kind() {
        io::ErrorKind::WouldBlock => libc::EAGAIN,
        io::ErrorKind::Unsupported => libc::EOPNOTSUPP,
        io::ErrorKind::BrokenPipe => libc::EPIPE,
        io::ErrorKind::NotConnected => libc::ENOTCONN,
        io::ErrorKind::InvalidInput => libc::EINVAL,
        io::ErrorKind::OutOfMemory => libc::ENOMEM,
        _ if is_tls() => TLS_FAILED,
        _ => libc::EIO,
    })
}
