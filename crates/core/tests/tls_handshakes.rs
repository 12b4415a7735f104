//! TLS handshakes: on sockets, and between engines on memory.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up fails"
)]

mod support;

use std::{
    io::{Read, Write},
    sync::Arc,
    task::Poll,
};

use structio_core::tls::{ClientCertificate, Context, Engine, EngineStep, Reason, Settings, Side, Start};
use support::*;

#[test]
fn both_sides_report_the_same_result_of_a_handshake() {
    for (tls12, version, cipher) in [
        (true, "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        (false, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    ] {
        let bench = Bench::new();
        let [mut client, mut server] = bench.pair_with(start, |settings| {
            settings.tls12 = tls12;
            settings.tls13 = !tls12;
            settings.alpn_protocols = vec!["one".to_owned(), "two".to_owned()];
        });
        {
            let (ours, theirs) = (
                client.session().expect("secure"),
                server.session().expect("secure"),
            );
            let facts = theirs.facts();
            assert_eq!((facts.version, facts.cipher), (version, cipher));
            assert_eq!(facts.alpn_protocol.as_deref(), Some(b"one".as_slice()));
            assert_eq!(facts.server_name.as_deref(), Some("server.test"));
            assert_eq!(
                facts.shared_ciphers.map(|names| names.contains(&cipher)),
                Some(true)
            );
            assert_eq!(ours.facts().cipher, cipher);
            assert_eq!(ours.peer_certificate(), Some(CREDENTIALS.certificate.as_slice()));
            let exported = ours
                .export_keying_material(32, "EXPORTER-Channel-Binding")
                .expect("exported");
            assert_eq!(
                exported,
                theirs
                    .export_keying_material(32, "EXPORTER-Channel-Binding")
                    .expect("exported")
            );
            assert!(exported.iter().any(|byte| *byte != 0));
        }
        bench.once(|cx| client.send(cx, &[b"pi", b"", b"ng"]));
        assert_eq!(bench.receive_all(&mut server, 4), b"ping");
        bench.once(|cx| server.send(cx, &[b"pong"]));
        assert_eq!(bench.receive_all(&mut client, 4), b"pong");
    }
}

#[test]
fn a_wrong_name_fails_the_client_and_reaches_the_server_as_an_alert() {
    let bench = Bench::new();
    let client = Start {
        hostname: "wrong.test".to_owned(),
        ..start(Side::Client)
    };
    let [ours, theirs] = bench.shake_hands(
        (&client, client_settings()),
        (&start(Side::Server), server_settings()),
    );
    let ours = ours.expect_err("refused");
    assert_eq!(ours.reason, Reason::CertificateWrongName);
    assert!(ours.detail.contains("server.test") && ours.detail.contains("wrong.test"));
    assert_eq!(theirs.expect_err("refused").reason, Reason::Alert);
}

#[test]
fn a_trusted_certificate_is_accepted_for_its_own_name_although_it_is_a_ca_certificate() {
    let (certificate, key) = CREDENTIALS.lone.clone();
    let shake = |hostname: &str, ca: Vec<Vec<u8>>| {
        let bench = Bench::new();
        let server = Settings {
            certificates: vec![certificate.clone()],
            key: Some(key.clone()),
            ..settings()
        };
        let client = Start {
            hostname: hostname.to_owned(),
            ..start(Side::Client)
        };
        let [ours, _] = bench.shake_hands(
            (&client, Settings { ca, ..settings() }),
            (&start(Side::Server), server),
        );
        ours.map(drop).map_err(|failure| failure.reason)
    };
    assert_eq!(shake("server.test", vec![certificate.clone()]), Ok(()));
    assert_eq!(shake("127.0.0.1", vec![certificate.clone()]), Ok(()));
    assert_eq!(
        shake("wrong.test", vec![certificate.clone()]),
        Err(Reason::CertificateWrongName)
    );
    assert_eq!(
        shake("server.test", Vec::new()),
        Err(Reason::CertificateUnknownIssuer)
    );
    assert_ne!(shake("server.test", vec![CREDENTIALS.ca.clone()]), Ok(()));
}

#[test]
fn a_peer_that_does_not_speak_tls_gets_an_alert() {
    let bench = Bench::new();
    for (bytes, hangs_up) in [(b"GET / HTTP/1.1\r\n\r\n".as_slice(), false), (b"hi\n", true)] {
        let (mut theirs, ours) = sockets();
        let mut handshake = bench.handshake(&start(Side::Server), server_settings(), ours, &[]);
        theirs.write_all(bytes).expect("written");
        if hangs_up {
            theirs.shutdown(std::net::Shutdown::Write).expect("shut down");
        }
        let failure = bench.drive(|cx| handshake.poll(cx)).expect_err("refused");
        assert_eq!(failure.reason, Reason::NotTls);
        drop(handshake);
        let mut alert = Vec::new();
        theirs.read_to_end(&mut alert).expect("an orderly end");
        assert_eq!(alert[..2], [21, 3]);
    }
}

#[test]
fn a_peer_that_closes_during_the_handshake_is_reason_closed() {
    let bench = Bench::new();
    let (theirs, ours) = sockets();
    let mut handshake = bench.handshake(&start(Side::Server), server_settings(), ours, &[]);
    drop(theirs);
    let failure = bench.drive(|cx| handshake.poll(cx)).expect_err("over");
    assert_eq!(failure.reason, Reason::Closed);
}

#[test]
fn a_handshake_succeeds_byte_by_byte_and_from_prefetched_bytes() {
    let bench = Bench::new();
    let (ours, theirs) = sockets();
    let mut far = Far::new(engine(Side::Client), theirs);
    far.engine.feed(&[]).expect("begun");
    let hello = far.engine.take_ciphertext();
    let (ahead, rest) = hello.split_at(100);
    let mut handshake = Some(bench.handshake(&start(Side::Server), server_settings(), ours, ahead));
    let mut pending: Vec<u8> = rest.to_vec();
    let mut server = None;
    bench.drive(|cx| {
        if let Some(ours) = &mut handshake
            && let Poll::Ready(step) = ours.poll(cx)
        {
            let ours = handshake.take().expect("here");
            server = Some(finish(ours, step.expect("a handshake that succeeds"), cx));
        }
        let mut buffer = [0; 4096];
        if let Ok(count @ 1..) = far.socket.read(&mut buffer) {
            for byte in &buffer[..count] {
                far.engine.feed(&[*byte]).expect("understood");
                pending.extend(far.engine.take_ciphertext());
            }
        }
        if !pending.is_empty() {
            let byte = pending.remove(0);
            far.socket.write_all(&[byte]).expect("written");
        }
        if server.is_some() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    let mut server = server.expect("looked at above");
    far.push(b"hello");
    assert_eq!(bench.receive_all(&mut server, 5), b"hello");
}

#[test]
fn two_engines_exchange_data_after_a_context_was_chosen_by_name() {
    let by_name = Start {
        ask_by_name: true,
        ..start(Side::Server)
    };
    // The first context of the server has no certificate.
    let mut server = Engine::new(&by_name, Arc::new(Context::new(settings()))).expect("an engine");
    let mut client = engine(Side::Client);
    assert_eq!(client.feed(&[]), Ok(EngineStep::More));
    let hello = client.take_ciphertext();
    assert_eq!(
        server.feed(&hello),
        Ok(EngineStep::Named("server.test".to_owned()))
    );
    let chosen = Arc::new(Context::new(server_settings()));
    assert_eq!(server.choose(Some(chosen)), Ok(EngineStep::More));
    assert_eq!(client.feed(&server.take_ciphertext()), Ok(EngineStep::Handshaken));
    client.send(b"early words").expect("sent");
    assert_eq!(server.feed(&client.take_ciphertext()), Ok(EngineStep::Handshaken));
    assert_eq!(server.take_plaintext(), b"early words");
    client.send_close();
    assert_eq!(server.feed(&client.take_ciphertext()), Ok(EngineStep::More));
    assert!(server.has_ended() && !client.has_ended());
}

#[test]
fn a_server_that_refuses_or_has_no_certificate_sends_an_alert() {
    for refuses in [true, false] {
        let by_name = Start {
            ask_by_name: true,
            ..start(Side::Server)
        };
        let mut server = Engine::new(&by_name, Arc::new(Context::new(settings()))).expect("an engine");
        let mut client = engine(Side::Client);
        client.feed(&[]).expect("begun");
        server.feed(&client.take_ciphertext()).expect("a name");
        if refuses {
            server.refuse();
        } else {
            let failure = server.choose(None).expect_err("nothing to show");
            assert_eq!(failure.reason, Reason::NoSettings);
        }
        let failure = client.feed(&server.take_ciphertext()).expect_err("an alert");
        let alert = if refuses {
            "internal_error"
        } else {
            "handshake_failure"
        };
        assert_eq!((failure.reason, failure.detail.as_str()), (Reason::Alert, alert));
    }
}

#[test]
fn while_a_server_chooses_a_context_it_keeps_a_bounded_number_of_bytes() {
    let by_name = Start {
        ask_by_name: true,
        ..start(Side::Server)
    };
    let mut server = Engine::new(&by_name, Arc::new(Context::new(settings()))).expect("an engine");
    let mut client = engine(Side::Client);
    client.feed(&[]).expect("begun");
    server.feed(&client.take_ciphertext()).expect("a name");
    let flood = [0; 16_384];
    let failure = (0..5).find_map(|_| server.feed(&flood).err()).expect("a limit");
    assert_eq!(failure.reason, Reason::Misbehaved);
}

#[test]
fn client_certificates_are_requested_and_verified() {
    let (certificate, key) = CREDENTIALS.lone.clone();
    let shake = |asked: ClientCertificate, shown: bool, trusted: bool| {
        let bench = Bench::new();
        let server = Settings {
            client_certificate: asked,
            ca: if trusted {
                vec![certificate.clone()]
            } else {
                vec![CREDENTIALS.ca.clone()]
            },
            ..server_settings()
        };
        let mut client = client_settings();
        if shown {
            client.certificates = vec![certificate.clone()];
            client.key = Some(key.clone());
        }
        let [_, theirs] = bench.shake_hands((&start(Side::Client), client), (&start(Side::Server), server));
        theirs
            .map(|server| {
                server
                    .session()
                    .is_some_and(|session| session.peer_certificate().is_some())
            })
            .map_err(|failure| failure.reason)
    };
    assert_eq!(shake(ClientCertificate::Required, true, true), Ok(true));
    assert_eq!(
        shake(ClientCertificate::Required, false, true),
        Err(Reason::CertificateMissing)
    );
    assert_eq!(shake(ClientCertificate::Optional, false, true), Ok(false));
    assert!(shake(ClientCertificate::Optional, true, false).is_err());
    assert_eq!(shake(ClientCertificate::None, true, false), Ok(false));
}

#[test]
fn without_verification_any_certificate_is_accepted() {
    let bench = Bench::new();
    let client = Settings {
        ca: Vec::new(),
        verify: false,
        ..client_settings()
    };
    let stranger = Start {
        hostname: "192.0.2.1".to_owned(),
        ..start(Side::Client)
    };
    let [ours, theirs] = bench.shake_hands((&stranger, client), (&start(Side::Server), server_settings()));
    assert!(ours.is_ok());
    let name = theirs.map(|server| server.session().and_then(|session| session.facts().server_name));
    assert_eq!(
        name.expect("a handshake that succeeds"),
        None,
        "an address is not sent"
    );
}

#[test]
fn the_key_log_has_a_line_for_each_secret() {
    let context = |settings| {
        Arc::new(Context::new(Settings {
            key_log: true,
            ..settings
        }))
    };
    let (ours, theirs) = (context(client_settings()), context(server_settings()));
    let mut client = Engine::new(&start(Side::Client), Arc::clone(&ours)).expect("an engine");
    let mut server = Engine::new(&start(Side::Server), Arc::clone(&theirs)).expect("an engine");
    client.feed(&[]).expect("begun");
    server.feed(&client.take_ciphertext()).expect("a hello");
    client.feed(&server.take_ciphertext()).expect("an answer");
    server.feed(&client.take_ciphertext()).expect("the end of it");
    let mut lines = ours.take_key_log();
    let mut others = theirs.take_key_log();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 "))
    );
    lines.sort();
    others.sort();
    assert_eq!(lines, others);
    assert!(ours.take_key_log().is_empty());
}

/// Found by the fuzz target `tls_handshake`: the server's last message and an alert came in one feed. The feed
/// failed, and the next one opened the session.
#[test]
fn a_handshake_that_an_alert_has_ended_stays_failed() {
    let mut client = engine(Side::Client);
    let mut server = engine(Side::Server);
    let mut hello = client.take_ciphertext();
    // Bytes that start no record, behind the hello, which is answered.
    hello.extend([9; 40]);
    assert!(server.feed(&hello).is_err());
    assert!(server.feed(&[]).is_err());

    let failure = client.feed(&server.take_ciphertext()).expect_err("an alert");
    assert_eq!(failure.reason, Reason::Alert);
    assert_eq!(client.feed(&[]), Err(failure.clone()));
    assert_eq!(client.choose(None), Err(failure));
    assert!(client.session().is_none());
}
