//! UNIX streams and pipes, driven as the addon drives them: what they do and TCP does not.

#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test that cannot set itself up fails")]

use std::{
    fs,
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::{
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use structio_core::{
    address::{Address, UnixName},
    reactor::Reactor,
    streams::{Connection, Listener, Parcel, StreamSocket, UnixListenRequest, connect_unix},
};

const PATIENCE: Duration = Duration::from_secs(20);

struct Bench(Reactor);

impl Bench {
    fn new() -> Self {
        Self(Reactor::new().expect("a reactor"))
    }

    fn drive<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let started = Instant::now();
        let _guard = self.0.enter();
        loop {
            if let Poll::Ready(value) = poll(&mut Context::from_waker(Waker::noop())) {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "nothing became ready");
            self.0.turn();
        }
    }

    fn listen(&self, path: &Path, mode: Option<u32>) -> io::Result<Listener> {
        let _guard = self.0.enter();
        Listener::open_unix(&UnixListenRequest {
            name: name(path),
            mode,
            backlog: 8,
        })
    }

    fn connect(&self, path: &Path) -> io::Result<Connection> {
        let _guard = self.0.enter();
        connect_unix(name(path))
    }

    /// A connection of ours, with a blocking socket at its other end.
    fn pair(&self, folder: &Folder) -> (Connection, UnixStream) {
        let path = folder.0.join("pair");
        let listener = UnixListener::bind(&path).expect("bound");
        let connection = self.connect(&path).expect("connected");
        (connection, listener.accept().expect("accepted").0)
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("structio-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("made");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn name(path: &Path) -> UnixName {
    UnixName::new(path.as_os_str().as_encoded_bytes())
}

#[test]
fn bytes_go_both_ways_and_each_end_has_its_name() {
    let bench = Bench::new();
    let folder = Folder::new("streams");
    let path = folder.0.join("server");
    let mut listener = bench.listen(&path, None).expect("listening");
    let mut client = bench.connect(&path).expect("connected");
    let mut server = bench.drive(|cx| listener.poll_accept(cx)).expect("accepted");
    assert_eq!(client.remote_address(), &Address::Unix(name(&path)));
    assert_eq!(client.local_address().expect("known"), UnixName::default().into());
    assert_eq!(server.remote_address(), &UnixName::default().into());
    assert_eq!(server.local_address().expect("known"), name(&path).into());
    bench.drive(|cx| {
        client.send(cx, &[b"ab", b"c"]);
        Poll::Ready(())
    });
    let mut buffer = [0; 8];
    assert_eq!(
        bench
            .drive(|cx| server.poll_receive(cx, &mut buffer))
            .expect("received"),
        3
    );
    bench.drive(|cx| server.poll_shutdown(cx));
    assert_eq!(
        bench
            .drive(|cx| client.poll_receive(cx, &mut buffer))
            .expect("ended"),
        0
    );
}

#[test]
fn a_stale_socket_file_is_replaced_and_any_other_file_is_not() {
    let bench = Bench::new();
    let folder = Folder::new("stale");
    let path = folder.0.join("server");
    drop(UnixListener::bind(&path).expect("bound"));
    let mut listener = bench.listen(&path, Some(0o600)).expect("replaced");
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        bench.listen(&path, None).expect_err("in use").kind(),
        io::ErrorKind::AddrInUse
    );
    // The probe for a stale file has not been taken for a client.
    let waiting = bench.drive(|cx| Poll::Ready(listener.poll_accept(cx).is_pending()));
    assert!(waiting);
    let file = folder.0.join("file");
    fs::write(&file, b"precious").expect("written");
    assert_eq!(
        bench.listen(&file, None).expect_err("no socket").kind(),
        io::ErrorKind::AddrInUse
    );
    assert_eq!(fs::read(&file).expect("there"), b"precious");
    // Another socket has taken the path, and its file stays.
    fs::remove_file(&path).expect("removed");
    let other = UnixListener::bind(&path).expect("bound");
    drop(listener);
    assert!(path.exists());
    drop(other);
    assert_eq!(
        bench.connect(&path).expect_err("no listener").kind(),
        io::ErrorKind::ConnectionRefused
    );
}

#[test]
fn descriptors_arrive_with_bytes_and_unrequested_ones_are_closed() {
    let bench = Bench::new();
    let folder = Folder::new("descriptors");
    let (mut ours, theirs) = bench.pair(&folder);
    let (mut back, other) = UnixStream::pair().expect("made");
    let descriptors = vec![
        other.as_fd().try_clone_to_owned().expect("copied"),
        other.as_fd().try_clone_to_owned().expect("copied"),
    ];
    drop(other);
    ours.post(Parcel {
        bytes: b"with them".to_vec(),
        descriptors,
    });
    bench.drive(|cx| ours.poll_send_parcel(cx)).expect("sent");
    // A connection of ours receives them, too.
    let mut receiver = {
        let _guard = bench.0.enter();
        theirs.set_nonblocking(true).expect("set");
        let socket = StreamSocket::unix(theirs).expect("registered");
        Connection::new(socket, UnixName::default().into())
    };
    let mut buffer = [0; 64];
    let (length, arrived) = bench
        .drive(|cx| receiver.poll_receive_with(cx, &mut buffer, 1))
        .expect("received");
    assert_eq!((&buffer[..length], arrived.len()), (&b"with them"[..], 1));
    let mut copy = UnixStream::from(arrived.into_iter().next().expect("one"));
    copy.write_all(b"alive").expect("written");
    drop(copy);
    // The end comes once every copy is closed, so the unrequested descriptor has been closed.
    let mut text = String::new();
    back.read_to_string(&mut text).expect("read");
    assert_eq!(text, "alive");
}

#[test]
fn a_withdrawn_parcel_is_not_sent_and_its_descriptors_are_closed() {
    let bench = Bench::new();
    let folder = Folder::new("withdrawn");
    let (mut ours, mut theirs) = bench.pair(&folder);
    let (mut back, other) = UnixStream::pair().expect("made");
    // Fills the send buffer.
    let chunk = vec![b'x'; 65_536];
    let mut taken = 0;
    while ours.unsent() == 0 {
        bench.drive(|cx| {
            ours.send(cx, &[&chunk]);
            Poll::Ready(())
        });
        taken += chunk.len();
    }
    ours.post(Parcel {
        bytes: b"never".to_vec(),
        descriptors: vec![other.into()],
    });
    assert!(bench.drive(|cx| Poll::Ready(ours.poll_send_parcel(cx).is_pending())));
    ours.withdraw();
    let mut text = Vec::new();
    back.read_to_end(&mut text).expect("closed");
    let reader = std::thread::spawn(move || {
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).map(|_| received)
    });
    bench.drive(|cx| ours.poll_shutdown(cx));
    let received = reader.join().expect("joined").expect("read");
    assert_eq!(received.len(), taken);
    assert!(received.iter().all(|byte| *byte == b'x'));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_may_be_abstract_or_a_path_of_any_bytes() {
    let bench = Bench::new();
    let folder = Folder::new("names");
    let mut path = folder.0.as_os_str().as_encoded_bytes().to_vec();
    path.extend(b"/\xff\xfe");
    let abstract_name = format!("\0structio-{}", std::process::id()).into_bytes();
    for bytes in [path, abstract_name] {
        let listener = {
            let _guard = bench.0.enter();
            Listener::open_unix(&UnixListenRequest {
                name: UnixName::new(&bytes),
                mode: None,
                backlog: 8,
            })
            .expect("listening")
        };
        assert_eq!(
            listener.local_address().expect("known"),
            UnixName::new(&bytes).into()
        );
        let _guard = bench.0.enter();
        connect_unix(UnixName::new(&bytes)).expect("connected");
    }
}

/// A read stops behind ancillary data, whether it is asked for or not.
#[test]
fn a_receive_without_descriptors_gets_the_bytes_behind_them() {
    let bench = Bench::new();
    let folder = Folder::new("behind");
    let (mut ours, theirs) = bench.pair(&folder);
    let mut sender = {
        let _guard = bench.0.enter();
        theirs.set_nonblocking(true).expect("set");
        let socket = StreamSocket::unix(theirs).expect("registered");
        Connection::new(socket, UnixName::default().into())
    };
    for text in ["one", "two"] {
        let descriptor = fs::File::open("/dev/null").expect("opened").into();
        sender.post(Parcel {
            bytes: text.into(),
            descriptors: vec![descriptor],
        });
        bench.drive(|cx| sender.poll_send_parcel(cx)).expect("sent");
    }
    sender.send(&mut Context::from_waker(Waker::noop()), &[b"three"]);
    let mut received = Vec::<u8>::new();
    let mut buffer = [0; 64];
    while received.len() < 11 {
        let count = bench
            .drive(|cx| ours.poll_receive(cx, &mut buffer))
            .expect("received");
        received.extend(&buffer[..count]);
    }
    assert_eq!(received, b"onetwothree");
}

/// A read of a packet pipe gives one packet, however much room there is.
#[test]
#[cfg(target_os = "linux")]
fn every_packet_of_a_packet_pipe_is_received() {
    let bench = Bench::new();
    let (reader, mut writer) = io::pipe().expect("a pipe");
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::DIRECT).expect("packets");
    rustix::io::ioctl_fionbio(&reader, true).expect("set");
    let mut connection = {
        let _guard = bench.0.enter();
        let socket = StreamSocket::reading(reader).expect("registered");
        Connection::new(socket, UnixName::default().into())
    };
    for packet in [&b"one"[..], b"two", b"three"] {
        writer.write_all(packet).expect("room");
    }
    let mut buffer = [0; 64];
    for packet in [&b"one"[..], b"two", b"three"] {
        let count = bench
            .drive(|cx| connection.poll_receive(cx, &mut buffer))
            .expect("received");
        assert_eq!(&buffer[..count], packet);
    }
    // Without a packet it is not readable.
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(connection.poll_ready(cx).is_pending());
}
