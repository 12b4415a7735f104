//! Child processes, driven as the addon drives them: the test polls their pipes, the pool reports their end.

#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test that cannot set itself up fails")]

use std::{
    ffi::OsString,
    io,
    sync::mpsc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use structio_core::{
    pool::{Bounds, Pool},
    processes::{SpawnRequest, Spawned, Standard, spawn},
    reactor::Reactor,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn drive<T>(reactor: &Reactor, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let started = Instant::now();
    let _guard = reactor.enter();
    loop {
        if let Poll::Ready(value) = poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "nothing became ready");
        reactor.turn();
    }
}

fn shell(line: &str) -> SpawnRequest {
    SpawnRequest {
        program: "sh".into(),
        arguments: vec!["-c".into(), line.into()],
        environment: vec![(OsString::from("PATH"), OsString::from("/usr/bin:/bin"))],
        folder: None,
        stdin: Standard::Pipe,
        stdout: Standard::Pipe,
        stderr: Standard::Output,
        group: false,
    }
}

fn start(reactor: &Reactor, request: SpawnRequest) -> io::Result<(Spawned, mpsc::Receiver<i32>)> {
    let pool = Pool::get_or_start(Bounds::default())?;
    let spawned = {
        let _guard = reactor.enter();
        spawn(request)?
    };
    let (ended, end) = mpsc::channel();
    spawned.process.watch(pool, move |code| {
        let _ = ended.send(code);
    })?;
    Ok((spawned, end))
}

#[test]
fn a_child_echoes_its_input_and_its_return_code_is_reported() {
    let reactor = Reactor::new().expect("a reactor");
    let (spawned, end) = start(&reactor, shell("cat; echo error >&2; exit 3")).expect("a shell");
    let mut input = spawned.stdin.expect("a pipe");
    let mut output = spawned.stdout.expect("a pipe");
    assert!(spawned.stderr.is_none());
    drive(&reactor, |cx| {
        input.send(cx, &[b"hello "]);
        Poll::Ready(())
    });
    // Shutting down a pipe closes it.
    drive(&reactor, |cx| input.poll_shutdown(cx));
    let mut all = Vec::new();
    loop {
        let mut buffer = [0; 64];
        let count = drive(&reactor, |cx| output.poll_receive(cx, &mut buffer)).expect("bytes");
        if count == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(all, b"hello error\n");
    assert_eq!(end.recv_timeout(PATIENCE), Ok(3));
    // After reaping there is no process to signal.
    let gone = spawned.process.signal(0).expect_err("no process");
    assert_eq!(gone.raw_os_error(), Some(libc::ESRCH));
}

#[test]
fn a_child_ended_by_a_signal_has_minus_its_number_as_return_code() {
    let reactor = Reactor::new().expect("a reactor");
    let (spawned, end) = start(&reactor, shell("exec sleep 600")).expect("a shell");
    spawned.process.signal(0).expect("it runs");
    let wrong = spawned.process.signal(4711).expect_err("no such signal");
    assert_eq!(wrong.raw_os_error(), Some(libc::EINVAL));
    spawned.process.signal(libc::SIGKILL).expect("it runs");
    assert_eq!(end.recv_timeout(PATIENCE), Ok(-libc::SIGKILL));
}

#[test]
fn sending_to_a_child_that_has_closed_its_input_fails_only_the_sending_half() {
    let reactor = Reactor::new().expect("a reactor");
    let (spawned, end) = start(&reactor, shell("exec <&-; echo closed; read x; exit 0")).expect("a shell");
    let mut input = spawned.stdin.expect("a pipe");
    let mut output = spawned.stdout.expect("a pipe");
    let mut buffer = [0; 64];
    let count = drive(&reactor, |cx| output.poll_receive(cx, &mut buffer)).expect("bytes");
    assert_eq!(&buffer[..count], b"closed\n");
    drive(&reactor, |cx| {
        input.send(cx, &[b"x"]);
        Poll::Ready(())
    });
    drive(&reactor, |cx| input.poll_flush(cx));
    let error = input.take_write_error().expect("a failure");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert!(end.recv_timeout(PATIENCE).is_ok());
}

#[test]
fn a_failed_start_gives_the_error_of_the_system() {
    let reactor = Reactor::new().expect("a reactor");
    for (program, errno) in [("no-such-program", libc::ENOENT), ("/etc/passwd", libc::EACCES)] {
        let request = SpawnRequest {
            program: program.into(),
            ..shell("")
        };
        let error = start(&reactor, request).expect_err("it cannot be started");
        assert_eq!(error.raw_os_error(), Some(errno));
    }
}
