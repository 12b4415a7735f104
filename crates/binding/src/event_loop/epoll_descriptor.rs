//! Finds the epoll descriptor of a reactor, which tokio does not publish.
//!
//! 1. A sentinel socket is registered with the reactor. The epoll descriptor whose `/proc/self/fdinfo` lists that
//!    socket is the reactor's. Number, inode and device must match: an epoll set lists a duplicated file under the
//!    number it was added with, so that a number alone may be stale.
//! 2. The descriptor is tried: it must be readable while the sentinel is, and not after a turn of the reactor.
//! 3. Where either fails there is no answer, and the driver uses its helper thread.

#![expect(unsafe_code, reason = "one call of poll(2)")]

use std::{
    fs,
    io::{self, Write},
    os::{
        fd::{AsRawFd, RawFd},
        unix::{fs::MetadataExt, net::UnixStream},
    },
};

use structio_core::reactor::Reactor;
use tokio::net::UnixStream as RegisteredStream;

/// So many descriptors below the sentinel's are tried first: the reactor's were opened just before it.
const NEARBY: RawFd = 8;

/// The reactor's epoll descriptor, or `None` where it was not found for certain.
pub fn find(reactor: &Reactor) -> Option<RawFd> {
    let (mut writer, sentinel) = sentinel(reactor).ok()?;
    let number = sentinel.as_raw_fd();
    let wanted = fdinfo_line(number)?;
    let found = (number.saturating_sub(NEARBY).max(0)..number)
        .find(|&candidate| is_epoll(candidate) && watches(candidate, &wanted))
        .or_else(|| {
            every_descriptor()?
                .into_iter()
                .find(|&candidate| is_epoll(candidate) && watches(candidate, &wanted))
        })?;

    reactor.turn();
    let before = is_readable(found)?;
    writer.write_all(&[1]).ok()?;
    let signalled = is_readable(found)?;
    reactor.turn();
    let after = is_readable(found)?;
    (!before && signalled && !after).then_some(found)
}

fn sentinel(reactor: &Reactor) -> io::Result<(UnixStream, RegisteredStream)> {
    let (writer, watched) = UnixStream::pair()?;
    watched.set_nonblocking(true)?;
    let _guard = reactor.enter();
    Ok((writer, RegisteredStream::from_std(watched)?))
}

/// What identifies a watched file in `fdinfo`.
struct Watched {
    number: RawFd,
    inode: u64,
    device: u64,
}

fn fdinfo_line(number: RawFd) -> Option<Watched> {
    // Following the link gives the socket's own inode and device.
    let metadata = fs::metadata(format!("/proc/self/fd/{number}")).ok()?;
    // The kernel prints its own form of the device number, `stat` returns the C library's.
    let device = u64::from(libc::major(metadata.dev())) << 20 | u64::from(libc::minor(metadata.dev()));
    Some(Watched {
        number,
        inode: metadata.ino(),
        device,
    })
}

fn every_descriptor() -> Option<Vec<RawFd>> {
    let mut numbers: Vec<RawFd> = fs::read_dir("/proc/self/fd")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    // A runtime holds its epoll descriptor twice (mio's registry has a duplicate): the lowest is the original.
    numbers.sort_unstable();
    Some(numbers)
}

fn is_epoll(candidate: RawFd) -> bool {
    fs::read_link(format!("/proc/self/fd/{candidate}"))
        .is_ok_and(|target| target.as_os_str() == "anon_inode:[eventpoll]")
}

fn watches(candidate: RawFd, wanted: &Watched) -> bool {
    fs::read_to_string(format!("/proc/self/fdinfo/{candidate}"))
        .is_ok_and(|info| info.lines().any(|line| line_names(line, wanted)))
}

/// `tfd:  19 events: 8000201d data: 7f… pos:0 ino:1a2b sdev:9`: the number is decimal, the rest hexadecimal.
fn line_names(line: &str, wanted: &Watched) -> bool {
    let Some(rest) = line.strip_prefix("tfd:") else {
        return false;
    };
    let number = rest
        .split_whitespace()
        .next()
        .and_then(|text| text.parse::<RawFd>().ok());
    let field = |name: &str| {
        rest.split_whitespace()
            .find_map(|word| word.strip_prefix(name))
            .and_then(|text| u64::from_str_radix(text, 16).ok())
    };
    number == Some(wanted.number)
        && field("ino:") == Some(wanted.inode)
        && field("sdev:") == Some(wanted.device)
}

fn is_readable(descriptor: RawFd) -> Option<bool> {
    let mut entry = libc::pollfd {
        fd: descriptor,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one entry, live for the call, which does not wait.
    let ready = unsafe { libc::poll(&raw mut entry, 1, 0) };
    (ready >= 0).then_some(ready == 1 && entry.revents & libc::POLLIN != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_reactors_are_told_apart() {
        let reactors: Vec<Reactor> = (0..4).map(|_| Reactor::new().expect("a reactor")).collect();
        let mut found: Vec<RawFd> = reactors
            .iter()
            .map(|reactor| find(reactor).expect("its descriptor"))
            .collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), reactors.len());
    }

    #[test]
    fn a_stale_number_with_another_inode_is_not_taken() {
        let wanted = Watched {
            number: 19,
            inode: 0x1a2b,
            device: 9,
        };
        assert!(line_names(
            "tfd:       19 events: 8000201d data: 7f00  pos:0 ino:1a2b sdev:9",
            &wanted
        ));
        assert!(!line_names(
            "tfd:       19 events: 8000201d data: 7f00  pos:0 ino:1a2c sdev:9",
            &wanted
        ));
        assert!(!line_names(
            "tfd:       20 events: 8000201d data: 7f00  pos:0 ino:1a2b sdev:9",
            &wanted
        ));
        assert!(!line_names("pos:	0", &wanted));
    }
}
