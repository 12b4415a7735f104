//! Datagrams: received in batches into the receive slab, sent in batches from the send slab.
//!
//! In the receive slab a datagram stands behind the peer record of its sender, and one completion names each.
//! JavaScript lays datagrams in the send slab the same way, and sends them with a call: the kernel answers for each
//! at once, and a round of the turn for every datagram would cost more than the call.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

use structio_core::{
    address::{Address, UnixName},
    datagrams::{DatagramSocket, Outgoing, UdpRequest},
};

use super::{
    delivery::Delivery,
    errno::{errno, word},
    handle_id::HandleId,
    handles::{Datagrams, Entry},
    peers,
    records::{CompletionKind, DATAGRAM_ALIGN, control},
    turn::Turn,
};

/// Most datagrams of one answer. Then other handles are polled.
const BATCH: usize = 256;

impl Turn {
    pub fn open_udp(&mut self, request: &UdpRequest) -> io::Result<HandleId> {
        let socket = DatagramSocket::open_udp(request)?;
        Ok(self.insert_datagrams(socket))
    }

    pub fn open_unix_datagrams(&mut self, name: Option<&UnixName>) -> io::Result<HandleId> {
        let socket = DatagramSocket::open_unix(name)?;
        Ok(self.insert_datagrams(socket))
    }

    pub fn connect_datagrams(&mut self, id: HandleId, to: &Address) -> io::Result<()> {
        match self.handles.datagrams(id) {
            Some(datagrams) => datagrams.socket.connect(to),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn insert_datagrams(&mut self, socket: DatagramSocket) -> HandleId {
        let waker = self.next_waker();
        self.handles.insert(Entry::Datagrams(Datagrams {
            socket,
            waker,
            demand: 0,
            sending: false,
            error: None,
        }))
    }

    /// Sends the datagrams that the control words name, and puts the result there.
    pub fn send_datagrams(&mut self) {
        let count = self.control(control::SEND_COUNT);
        // The result, should a panic end this call.
        self.set_control(control::SENT, 0);
        self.set_control(control::SEND_ERROR, libc::EIO);
        let (sent, error) = self.send_laid();
        // A socket that is gone takes everything, and sends nothing.
        let sent = sent.map_or(count, word);
        self.set_control(control::SENT, sent);
        self.set_control(control::SEND_ERROR, error.as_ref().map_or(0, errno));
    }

    /// How many datagrams have left (`None` without a socket), and the error of the next one.
    fn send_laid(&mut self) -> (Option<usize>, Option<io::Error>) {
        let id = HandleId {
            index: self.control(control::SEND_INDEX).cast_unsigned(),
            generation: self.control(control::SEND_GENERATION),
        };
        let offset = usize::try_from(self.control(control::SEND_OFFSET)).unwrap_or(usize::MAX);
        let count = usize::try_from(self.control(control::SEND_COUNT)).unwrap_or(0);
        let Some(datagrams) = self.handles.datagrams(id) else {
            return (None, None);
        };
        if let Some(error) = datagrams.error.take() {
            return (Some(0), Some(error));
        }
        let (sent, error) = match &datagrams.socket {
            DatagramSocket::Udp(udp) => {
                let laid = Laid::new(&self.delivery, offset, peers::IP_BYTES);
                match laid.single(count) {
                    Some((place, bytes)) => {
                        let to: Option<SocketAddr> = peers::ip_target(place);
                        udp.send(&[Outgoing {
                            bytes,
                            to: to.as_ref(),
                        }])
                    }
                    None => send_all(laid, count, peers::ip_target, |list| udp.send(list)),
                }
            }
            #[cfg(unix)]
            DatagramSocket::Unix(unix) => {
                let laid = Laid::new(&self.delivery, offset, peers::UNIX_BYTES);
                send_all(laid, count, peers::unix_target, |list| unix.send(list))
            }
        };
        (Some(sent), error)
    }

    pub(super) fn poll_datagrams(&mut self, index: u32) {
        let Some((Entry::Datagrams(datagrams), generation)) = self.handles.at(index) else {
            return;
        };
        let id = HandleId { index, generation };
        let cx = &mut Context::from_waker(&datagrams.waker);
        if datagrams.sending && datagrams.socket.poll_writable(cx).is_ready() {
            datagrams.sending = false;
            self.delivery.stage(id, CompletionKind::SendSettled, 0, 0);
        }
        if datagrams.demand == 0 {
            return;
        }
        if let Some(error) = datagrams.error.take() {
            datagrams.demand = 0;
            self.delivery
                .stage(id, CompletionKind::ReceiveFailed, errno(&error), 0);
            return;
        }
        let header = match &datagrams.socket {
            DatagramSocket::Udp(_) => peers::IP_BYTES,
            #[cfg(unix)]
            DatagramSocket::Unix(_) => peers::UNIX_BYTES,
        };
        let needed = header + datagrams.socket.most();
        let wanted = usize::try_from(datagrams.demand)
            .unwrap_or(BATCH)
            .min(BATCH)
            .min(self.delivery.room());
        let mut count = 0;
        while count < wanted {
            // A full slab is empty after the next dispatch (turn.rs, invariant 3).
            let Some((place, buffer)) = self
                .delivery
                .slab(needed)
                .and_then(|bytes| bytes.split_at_mut_checked(header))
            else {
                break;
            };
            match datagrams.socket.poll_receive(cx, buffer) {
                Poll::Pending if count == 0 => return,
                Poll::Pending => break,
                Poll::Ready(Ok((length, from))) => {
                    peers::write(place, &from);
                    let offset = self.delivery.keep(header + length) + header;
                    self.delivery
                        .stage(id, CompletionKind::Datagram, word(offset), word(length));
                    count += 1;
                }
                Poll::Ready(Err(error)) if count == 0 => {
                    datagrams.demand = 0;
                    self.delivery
                        .stage(id, CompletionKind::ReceiveFailed, errno(&error), 0);
                    return;
                }
                Poll::Ready(Err(error)) => {
                    datagrams.error = Some(error);
                    break;
                }
            }
        }
        if count == 0 {
            self.agenda.put_off(index);
            return;
        }
        datagrams.demand = 0;
        self.delivery.end_datagrams();
    }
}

/// Datagrams in the send slab. The first one that does not lie inside the slab ends the list.
#[derive(Clone, Copy)]
struct Laid<'a> {
    slab: &'a Delivery,
    at: usize,
    header: usize,
}

impl<'a> Laid<'a> {
    fn new(slab: &'a Delivery, at: usize, header: usize) -> Self {
        Self { slab, at, header }
    }

    fn single(mut self, count: usize) -> Option<(&'a [u8], &'a [u8])> {
        if count == 1 { self.next() } else { None }
    }
}

impl<'a> Iterator for Laid<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.slab.sent(self.at, self.header)?;
        let start = self.at.checked_add(self.header)?;
        let length = peers::length(place);
        let bytes = self.slab.sent(start, length)?;
        self.at = start
            .checked_add(length)?
            .checked_next_multiple_of(DATAGRAM_ALIGN)?;
        Some((place, bytes))
    }
}

fn send_all<T>(
    laid: Laid<'_>,
    count: usize,
    target: impl Fn(&[u8]) -> Option<T>,
    send: impl Fn(&[Outgoing<'_, T>]) -> (usize, Option<io::Error>),
) -> (usize, Option<io::Error>) {
    let (targets, all): (Vec<Option<T>>, Vec<&[u8]>) = laid
        .take(count)
        .map(|(place, bytes)| (target(place), bytes))
        .unzip();
    let list: Vec<Outgoing<'_, T>> = targets
        .iter()
        .zip(all)
        .map(|(to, bytes)| Outgoing {
            bytes,
            to: to.as_ref(),
        })
        .collect();
    send(&list)
}
