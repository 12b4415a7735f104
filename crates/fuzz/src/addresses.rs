//! Addresses and host names, as text and as the records that datagrams carry.

use std::{net::IpAddr, str, sync::Arc};

use structio_core::{
    address::{self, Address, UnixName},
    socket_options,
    tls::{Engine, Side, Start},
};

use crate::{rings::peers, script::Script, tls::PLAIN_CONTEXT};

pub fn addresses(bytes: &[u8]) {
    let script = &mut Script::new(bytes);
    match script.byte() % 4 {
        0 => {
            let port = u16::try_from(script.short()).unwrap_or(0);
            text(&String::from_utf8_lossy(script.rest()), port);
        }
        1 => host_name(&String::from_utf8_lossy(script.rest())),
        2 => record(script.rest()),
        _ => unix_name(script.rest()),
    }
}

/// Accepts a numeric address, and refuses text that only begins as one or has a port of its own.
fn text(text: &str, port: u16) {
    let parsed = address::parse(text, port);
    let plain: Option<IpAddr> = text.parse().ok();
    if let Some(plain) = plain {
        assert_eq!(parsed.map(|address| address.ip()), Some(plain), "{text}");
    }
    if let Some(parsed) = parsed {
        assert_eq!(parsed.port(), port, "{text}");
        let without_zone = text.split('%').next().and_then(|text| text.parse().ok());
        assert_eq!(Some(parsed.ip()), without_zone, "{text}");
        assert_eq!(parsed.to_string().parse(), Ok(parsed));

        let mut place = [0; peers::IP_BYTES];
        peers::write(&mut place, &Address::Ip(parsed));
        assert_eq!(peers::ip_target(&place), Some(parsed));
    }
    // Names of options are looked up in a table, and nothing else.
    if let Some(number) = socket_options::number(text) {
        assert!(socket_options::names().any(|name| name == text), "{number}");
    }
}

/// The host name that a client connects to.
fn host_name(name: &str) {
    let start = Start {
        side: Side::Client,
        hostname: name.to_owned(),
        standard_compatible: true,
        ask_by_name: false,
    };
    let engine = Engine::new(&start, Arc::clone(&PLAIN_CONTEXT));
    if name.parse::<IpAddr>().is_ok() {
        assert!(engine.is_ok(), "{name} is an address");
    }
    if let Ok(mut engine) = engine {
        assert!(!engine.take_ciphertext().is_empty(), "a client speaks first");
    }
}

/// The peer record before a datagram, as JavaScript may leave it.
fn record(bytes: &[u8]) {
    for length in [peers::IP_BYTES, peers::UNIX_BYTES, bytes.len()] {
        let place = &bytes[..length.min(bytes.len())];
        if let Some(target) = peers::ip_target(place) {
            let mut again = [0; peers::IP_BYTES];
            peers::write(&mut again, &Address::Ip(target));
            assert_eq!(peers::ip_target(&again), Some(target));
        }
        if let Some(target) = peers::unix_target(place) {
            let mut again = [0; peers::UNIX_BYTES];
            peers::write(&mut again, &Address::Unix(target.clone()));
            assert_eq!(peers::unix_target(&again), Some(target));
        }
        let _ = peers::length(place);
    }
}

fn unix_name(bytes: &[u8]) {
    let name = UnixName::new(bytes);
    assert_eq!(name.is_abstract(), bytes.first() == Some(&0));
    let mut place = [0; peers::UNIX_BYTES];
    peers::write(&mut place, &Address::Unix(name.clone()));
    let back = peers::unix_target(&place).expect("a name");
    // A name longer than the system takes is cut; it was never bound.
    assert!(bytes.starts_with(back.bytes()));
    assert!(back == name || bytes.len() > 108);
    assert!(!format!("{name:?}").is_empty());
}
