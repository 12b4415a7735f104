//! What a turn still has to look at: queues of handles, each with its reason.
//!
//! Invariants:
//! 1. A queue may name a handle that has ended. Every consumer looks the handle up first, and ignores one that is gone.
//! 2. The backlog keeps its order. What polling puts off goes behind what has not been polled yet.
//! 3. A turn computes [`HANDSHAKE_STEPS`] steps of handshakes at most.

use std::collections::VecDeque;

use structio_core::ready::{ReadyList, Token};

use super::handle_id::HandleId;

/// Steps of handshakes in one turn. A full handshake takes two, and some 0.1 ms of computing in all.
const HANDSHAKE_STEPS: usize = 8;

#[derive(Debug, Default)]
pub struct Agenda {
    /// Ready tokens to poll, and receives to try, in order.
    backlog: Vec<Token>,
    /// Receives and accepts submitted in this round.
    arms: Vec<Token>,
    /// Handles whose `WaitSend` is polled once their sends have been written.
    waits: Vec<HandleId>,
    /// Connections with the last flight of their handshake unsent. It leaves with the first data that JavaScript
    /// sends, or else at the end of that round.
    finished_handshakes: Vec<HandleId>,
    /// Handshakes that can go on, in order.
    handshakes: VecDeque<HandleId>,
    /// Steps of handshakes that this turn has left.
    handshake_steps: usize,
}

impl Agenda {
    pub fn begin_turn(&mut self) {
        self.handshake_steps = HANDSHAKE_STEPS;
    }

    /// Polls the handle at `index` in the next round.
    pub fn put_off(&mut self, index: u32) {
        self.backlog.push(Token(index));
    }

    /// Polls the handle at `index` when this round's sends have been written.
    pub fn arm(&mut self, index: u32) {
        self.arms.push(Token(index));
    }

    pub fn wait(&mut self, id: HandleId) {
        self.waits.push(id);
    }

    pub fn finish_handshake(&mut self, id: HandleId) {
        self.finished_handshakes.push(id);
    }

    pub fn queue_handshake(&mut self, id: HandleId) {
        self.handshakes.push_back(id);
    }

    /// The next handshake to poll, while this turn has steps left.
    pub fn next_handshake(&mut self) -> Option<HandleId> {
        if self.handshake_steps == 0 {
            return None;
        }
        self.handshakes.pop_front()
    }

    pub fn count_handshake_step(&mut self) {
        self.handshake_steps -= 1;
    }

    /// The backlog, with what has become ready behind it.
    pub fn take_backlog(&mut self, ready: &ReadyList) -> Vec<Token> {
        ready.begin();
        ready.take(&mut self.backlog);
        std::mem::take(&mut self.backlog)
    }

    /// Gives the backlog back after `done` of its tokens have been polled.
    pub fn return_backlog(&mut self, mut tokens: Vec<Token>, done: usize) {
        tokens.drain(..done);
        tokens.append(&mut self.backlog);
        self.backlog = tokens;
    }

    pub fn take_waits(&mut self) -> Vec<HandleId> {
        std::mem::take(&mut self.waits)
    }

    /// `waits` is the list that [`Agenda::take_waits`] gave, for its allocation.
    pub fn clear_waits(&mut self, mut waits: Vec<HandleId>) {
        waits.clear();
        self.waits = waits;
    }

    pub fn take_arms(&mut self) -> Vec<Token> {
        std::mem::take(&mut self.arms)
    }

    /// `arms` is the list that [`Agenda::take_arms`] gave, for its allocation.
    pub fn clear_arms(&mut self, mut arms: Vec<Token>) {
        arms.clear();
        self.arms = arms;
    }

    /// Moves the submitted receives to the backlog, untried.
    pub fn put_off_arms(&mut self) {
        self.backlog.append(&mut self.arms);
    }

    pub fn take_finished_handshakes(&mut self) -> Vec<HandleId> {
        std::mem::take(&mut self.finished_handshakes)
    }

    /// Whether another round of this turn would find nothing to do here.
    pub fn is_idle(&self) -> bool {
        self.backlog.is_empty()
            && self.finished_handshakes.is_empty()
            && (self.handshakes.is_empty() || self.handshake_steps == 0)
    }

    /// Whether nothing at all is left, for a later turn either.
    pub fn is_empty(&self) -> bool {
        self.backlog.is_empty() && self.finished_handshakes.is_empty() && self.handshakes.is_empty()
    }
}
