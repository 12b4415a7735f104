//! Datagram sockets, driven as the addon drives them, beside sockets of the standard library.

#![allow(clippy::expect_used, reason = "a test that cannot set itself up fails")]

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use structio_core::{
    address::Address,
    datagrams::{DatagramSocket, Outgoing, UdpRequest},
    reactor::Reactor,
    ready::{ReadyList, Token},
};

/// Much longer than loopback needs. A test that waits this long hangs.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    reactor: Reactor,
    waker: Waker,
    ready: Arc<ReadyList>,
}

impl Bench {
    fn new() -> Self {
        let ready = ReadyList::new(None);
        Self {
            reactor: Reactor::new().expect("a reactor"),
            waker: ready.waker(Token(0)),
            ready,
        }
    }

    fn drive<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let started = Instant::now();
        let _guard = self.reactor.enter();
        loop {
            if let Poll::Ready(value) = poll(&mut Context::from_waker(&self.waker)) {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "nothing became ready");
            self.reactor.turn();
            self.ready.take(&mut Vec::new());
        }
    }

    /// As `drive`, but polls again only when the waker has been called.
    fn drive_by_waker<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let started = Instant::now();
        let _guard = self.reactor.enter();
        let mut tokens = vec![Token(0)];
        loop {
            if !tokens.is_empty()
                && let Poll::Ready(value) = poll(&mut Context::from_waker(&self.waker))
            {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "nothing became ready");
            self.reactor.turn();
            tokens.clear();
            self.ready.take(&mut tokens);
        }
    }

    fn open(&self, address: Option<SocketAddr>) -> DatagramSocket {
        let _guard = self.reactor.enter();
        DatagramSocket::open_udp(&UdpRequest {
            address,
            port: 0,
            reuse_port: false,
        })
        .expect("bound")
    }

    fn receive(&self, socket: &mut DatagramSocket) -> std::io::Result<(Vec<u8>, Address)> {
        let mut buffer = vec![0; socket.most()];
        let (length, from) = self.drive(|cx| socket.poll_receive(cx, &mut buffer))?;
        Ok((buffer[..length].to_vec(), from))
    }
}

fn local() -> Option<SocketAddr> {
    Some((Ipv4Addr::LOCALHOST, 0).into())
}

fn peer() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let address = socket.local_addr().expect("bound");
    (socket, address)
}

fn address_of(socket: &DatagramSocket) -> Option<SocketAddr> {
    match socket.local_address() {
        Ok(Address::Ip(address)) => Some(address),
        _ => None,
    }
}

fn send(
    socket: &DatagramSocket,
    list: &[(&[u8], Option<SocketAddr>)],
) -> (usize, Option<std::io::ErrorKind>) {
    let list: Vec<_> = list
        .iter()
        .map(|(bytes, to)| Outgoing {
            bytes,
            to: to.as_ref(),
        })
        .collect();
    let DatagramSocket::Udp(udp) = socket else {
        return (0, None);
    };
    let (sent, error) = udp.send(&list);
    (sent, error.map(|error| error.kind()))
}

#[test]
fn datagrams_of_every_length_are_sent_and_received() {
    let bench = Bench::new();
    let mut socket = bench.open(local());
    let own = address_of(&socket).expect("bound");
    let (theirs, there) = peer();
    for length in [0, 1, 1400, 65_507] {
        let bytes = vec![7; length];
        assert_eq!(send(&socket, &[(&bytes, Some(there))]), (1, None));
        let mut buffer = vec![0; 65_536];
        let (received, from) = theirs.recv_from(&mut buffer).expect("received");
        assert_eq!((received, from), (length, own));
        theirs.send_to(&bytes, own).expect("sent");
        let (echoed, from) = bench.receive(&mut socket).expect("received");
        assert_eq!((echoed, from), (bytes, Address::Ip(there)));
    }
}

#[test]
fn a_batch_stops_at_the_first_datagram_that_fails() {
    let bench = Bench::new();
    let socket = bench.open(local());
    let (theirs, there) = peer();
    let long = vec![0; 65_508];
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, there.port()));
    let to = Some(there);
    let list: [(&[u8], _); 4] = [(b"a", to), (b"b", to), (&long, to), (b"c", to)];
    let (sent, error) = send(&socket, &list);
    assert_eq!(sent, 2);
    assert!(error.is_some());
    let (sent, error) = send(&socket, &[(b"d", to), (b"e", Some(six)), (b"f", to)]);
    assert_eq!(sent, 1);
    assert!(error.is_some());
    // More datagrams than one system call takes.
    let many: Vec<(&[u8], _)> = (0..150).map(|_| (&b"g"[..], to)).collect();
    assert_eq!(send(&socket, &many), (150, None));
    let mut buffer = [0; 8];
    let text: Vec<u8> = (0..5)
        .map(|_| {
            theirs.recv(&mut buffer).expect("received");
            buffer[0]
        })
        .collect();
    assert_eq!(text, b"abdgg");
}

#[test]
fn a_socket_for_both_families_shows_ipv4_addresses_as_ipv4() {
    let bench = Bench::new();
    let mut socket = bench.open(None);
    if socket.family() != 0 {
        // This machine has no IPv6.
        return;
    }
    let port = address_of(&socket).expect("bound").port();
    let (theirs, there) = peer();
    theirs
        .send_to(b"four", (Ipv4Addr::LOCALHOST, port))
        .expect("sent");
    assert_eq!(
        bench.receive(&mut socket).expect("received"),
        (b"four".to_vec(), Address::Ip(there))
    );
    assert_eq!(send(&socket, &[(b"back", Some(there))]), (1, None));
    let mut buffer = [0; 8];
    assert_eq!(theirs.recv(&mut buffer).expect("received"), 4);
}

#[test]
fn a_connected_socket_drops_other_senders_and_reports_a_refusal_while_it_waits() {
    let bench = Bench::new();
    let (stranger, _) = peer();
    let (gone, there) = peer();
    drop(gone);
    let mut socket = bench.open(local());
    let own = address_of(&socket).expect("bound");
    // In the queue before `connect`.
    stranger.send_to(b"early", own).expect("sent");
    socket.connect(&Address::Ip(there)).expect("connected");
    let mut buffer = vec![0; 65_536];
    let mut sent = false;
    let outcome = bench.drive_by_waker(|cx| {
        let outcome = socket.poll_receive(cx, &mut buffer);
        if outcome.is_pending() && !sent {
            sent = true;
            assert_eq!(send(&socket, &[(b"hello", None)]), (1, None));
        }
        outcome
    });
    assert_eq!(
        outcome.expect_err("refused").kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    let back = UdpSocket::bind(there).expect("the same port");
    assert_eq!(send(&socket, &[(b"again", None)]), (1, None));
    back.send_to(b"here", own).expect("sent");
    assert_eq!(bench.receive(&mut socket).expect("received").0, b"here");
}

#[cfg(unix)]
mod unix {
    use std::{os::unix::net::UnixDatagram, path::PathBuf};

    use structio_core::address::UnixName;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("structio-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("made");
        folder
    }

    fn name(path: &std::path::Path) -> UnixName {
        UnixName::new(path.as_os_str().as_encoded_bytes())
    }

    fn open(bench: &Bench, name: &UnixName) -> std::io::Result<DatagramSocket> {
        let _guard = bench.reactor.enter();
        DatagramSocket::open_unix(Some(name))
    }

    fn send_unix(socket: &DatagramSocket, bytes: &[u8], to: Option<&UnixName>) -> Option<std::io::ErrorKind> {
        let DatagramSocket::Unix(unix) = socket else {
            return None;
        };
        unix.send(&[Outgoing { bytes, to }]).1.map(|error| error.kind())
    }

    #[test]
    fn a_sender_is_named_by_its_path_and_a_closed_socket_removes_its_file() {
        let bench = Bench::new();
        let folder = folder("datagrams");
        let (ours, theirs) = (folder.join("ours"), folder.join("theirs"));
        // A stale file: no socket is bound to it.
        drop(UnixDatagram::bind(&ours).expect("bound"));
        let mut socket = open(&bench, &name(&ours)).expect("bound");
        assert_eq!(
            open(&bench, &name(&ours)).expect_err("in use").kind(),
            std::io::ErrorKind::AddrInUse
        );
        let peer = UnixDatagram::bind(&theirs).expect("bound");
        let large = vec![1; 150_000];
        for bytes in [&b""[..], b"small", &large] {
            peer.send_to(bytes, &ours).expect("sent");
            assert_eq!(
                bench.receive(&mut socket).expect("received"),
                (bytes.to_vec(), Address::Unix(name(&theirs)))
            );
        }
        let nameless = UnixDatagram::unbound().expect("made");
        nameless.send_to(b"x", &ours).expect("sent");
        let (_, from) = bench.receive(&mut socket).expect("received");
        assert_eq!(from, Address::Unix(UnixName::default()));
        assert_eq!(send_unix(&socket, b"answer", Some(&name(&theirs))), None);
        drop(socket);
        assert!(!ours.exists());
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_send_waits_for_a_receiver_with_a_full_queue() {
        let bench = Bench::new();
        let folder = folder("full");
        let path = folder.join("slow");
        let slow = UnixDatagram::bind(&path).expect("bound");
        let mut socket = {
            let _guard = bench.reactor.enter();
            DatagramSocket::open_unix(None).expect("made")
        };
        assert!(!socket.tells_room());
        socket.connect(&Address::Unix(name(&path))).expect("connected");
        assert!(socket.tells_room());
        let mut sent = 0;
        while send_unix(&socket, b"x", None).is_none() {
            sent += 1;
        }
        let mut left = sent;
        bench.drive_by_waker(|cx| match socket.poll_writable(cx) {
            Poll::Ready(()) if send_unix(&socket, b"y", None).is_none() => Poll::Ready(()),
            Poll::Ready(()) => socket.poll_writable(cx),
            Poll::Pending => {
                let mut buffer = [0; 8];
                while left > 0 {
                    slow.recv(&mut buffer).expect("received");
                    left -= 1;
                }
                Poll::Pending
            }
        });
        assert!(sent > 0);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
