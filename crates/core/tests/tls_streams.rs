//! TLS streams after the handshake: data, its end, and failures.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up fails"
)]

mod support;

use std::{io::Read, task::Poll};

use structio_core::{
    streams::Goodbye,
    tls::{Reason, Side},
};
use support::*;

#[test]
fn bytes_for_a_peer_that_does_not_read_are_kept_and_none_is_lost() {
    let bench = Bench::new();
    let [mut client, mut server] = bench.pair();
    let data = pattern(200_000);
    let mut sent = 0;
    while client.unsent() == 0 {
        bench.once(|cx| client.send(cx, &[&data[..70_000], &data[70_000..]]));
        sent += data.len();
    }
    assert!(bench.once(|cx| client.poll_flush(cx)).is_pending());
    assert!(bench.once(|cx| client.poll_writable(cx)).is_pending());
    // The kernel is full, so a direct send takes nothing.
    assert_eq!(bench.once(|cx| client.send_direct(cx, &[], &data)), 0);
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 65_536];
    bench.drive(|cx| {
        let _ = client.poll_flush(cx);
        while let Poll::Ready(count) = server.poll_receive(cx, &mut buffer) {
            received.extend(&buffer[..count.expect("received")]);
        }
        if received.len() == sent {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    assert_eq!(client.unsent(), 0);
    assert!(received.chunks(data.len()).all(|chunk| chunk == data));
}

#[test]
fn a_direct_send_takes_what_the_kernel_takes_and_a_few_records_more() {
    let bench = Bench::new();
    let [mut client, mut server] = bench.pair();
    let data = pattern(64 << 20);
    let taken = bench.once(|cx| client.send_direct(cx, &[b"first"], &data));
    assert!(taken < data.len(), "more than any socket's buffer was taken");
    assert!(client.unsent() > 0 && client.unsent() <= 65_536 + 5);
    let _ = bench.once(|cx| client.poll_flush(cx));
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 65_536];
    bench.drive(|cx| {
        let _ = client.poll_flush(cx);
        while let Poll::Ready(count) = server.poll_receive(cx, &mut buffer) {
            received.extend(&buffer[..count.expect("received")]);
        }
        if received.len() == taken + 5 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    assert_eq!(&received[..5], b"first");
    assert_eq!(received[5..], data[..taken]);
}

#[test]
fn prefetched_data_is_received_without_new_readiness() {
    let bench = Bench::new();
    let (mut ours, mut far) = bench.beside_engine(Side::Client, true);
    let data = pattern(50_000);
    far.push(&data);
    far.engine.send_close();
    far.push(&[]);
    let mut first = [0; 1];
    assert_eq!(
        bench
            .drive(|cx| ours.poll_receive(cx, &mut first))
            .expect("received"),
        1
    );
    assert!(bench.once(|cx| ours.poll_readable(cx)).is_ready());
    // From here on the reactor is turned only for bytes that had not arrived at the first read.
    let mut received = first.to_vec();
    let mut piece = [0; 777];
    loop {
        match bench
            .drive(|cx| ours.poll_receive(cx, &mut piece))
            .expect("received")
        {
            0 => break,
            count => received.extend(&piece[..count]),
        }
    }
    assert_eq!(received, data);
    assert_eq!(bench.receive(&mut ours).expect("stays true"), b"");
}

#[test]
fn one_half_goes_on_after_the_other_has_ended() {
    let bench = Bench::new();
    let [mut client, mut server] = bench.pair();
    bench.once(|cx| client.send(cx, &[b"question"]));
    bench.drive(|cx| client.poll_shutdown(cx));
    assert_eq!(bench.receive_all(&mut server, 8), b"question");
    assert_eq!(bench.receive(&mut server).expect("the end"), b"");
    let answer = pattern(100_000);
    bench.once(|cx| server.send(cx, &[&answer]));
    assert_eq!(bench.receive_all(&mut client, answer.len()), answer);
    bench.drive(|cx| server.poll_shutdown(cx));
    assert_eq!(bench.receive(&mut client).expect("the end"), b"");
}

#[test]
fn an_end_without_close_notify_is_truncated_if_standard_compatible_and_the_end_otherwise() {
    for standard_compatible in [true, false] {
        let bench = Bench::new();
        let (mut ours, mut far) = bench.beside_engine(Side::Server, standard_compatible);
        far.push(b"data");
        drop(far);
        assert_eq!(bench.receive_all(&mut ours, 4), b"data");
        if standard_compatible {
            assert_eq!(bench.failure(&mut ours).reason, Reason::Truncated);
            assert_eq!(bench.failure(&mut ours).reason, Reason::Truncated);
        } else {
            assert_eq!(bench.receive(&mut ours).expect("the end"), b"");
        }
        assert!(
            ours.take_write_error().is_none(),
            "the sending half is another matter"
        );
    }
}

#[test]
fn a_record_that_does_not_decrypt_ends_both_halves_behind_the_data_before_it() {
    let bench = Bench::new();
    let (mut ours, mut far) = bench.beside_engine(Side::Client, true);
    far.engine.send(b"good").expect("sent");
    let mut bytes = far.engine.take_ciphertext();
    far.engine.send(b"bad").expect("sent");
    bytes.extend(far.engine.take_ciphertext());
    *bytes.last_mut().expect("a tag") ^= 1;
    far.write(&bytes);
    assert_eq!(bench.receive_all(&mut ours, 4), b"good");
    assert_eq!(bench.failure(&mut ours).reason, Reason::BadRecord);
    let error = ours.take_write_error().expect("the sending half");
    assert_eq!(failure_in(&error).reason, Reason::BadRecord);
    assert_eq!(bench.failure(&mut ours).reason, Reason::BadRecord);
    // The other side gets an alert.
    let mut alert = [0; 1024];
    let count = bench.drive(|_| match far.socket.read(&mut alert) {
        Ok(count) => Poll::Ready(count),
        Err(_) => Poll::Pending,
    });
    let failure = far.engine.feed(&alert[..count]).expect_err("an alert");
    assert_eq!(
        (failure.reason, failure.detail.as_str()),
        (Reason::Alert, "bad_record_mac")
    );
}

#[test]
fn a_bidirectional_shutdown_discards_data_and_waits_for_any_end_of_the_peer() {
    let bench = Bench::new();
    // Both sides at once, one of them with data that is never read.
    let [mut client, mut server] = bench.pair();
    bench.once(|cx| server.send(cx, &[&pattern(300_000)]));
    let mut done = [false; 2];
    bench.drive(|cx| {
        done[0] |= client.poll_goodbye(cx, &mut { usize::MAX }) == Goodbye::Done;
        done[1] |= server.poll_goodbye(cx, &mut { usize::MAX }) == Goodbye::Done;
        if done == [true; 2] {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    assert!(client.take_write_error().is_none() && server.take_write_error().is_none());

    // A peer that closes without `close_notify`.
    let (mut ours, far) = bench.beside_engine(Side::Server, true);
    assert_eq!(
        bench.once(|cx| ours.poll_goodbye(cx, &mut { usize::MAX })),
        Goodbye::Pending
    );
    drop(far);
    bench.drive(|cx| match ours.poll_goodbye(cx, &mut { usize::MAX }) {
        Goodbye::Done => Poll::Ready(()),
        _ => Poll::Pending,
    });
}
