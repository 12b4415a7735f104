//! What TypeScript sees of datagram sockets.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the napi macro hands over owned values"
)]
#![expect(unsafe_code, reason = "a function that Node-API has made")]

use napi::{
    Env, Result,
    bindgen_prelude::{Buffer, Unknown},
};
use napi_derive::napi;
use structio_core::{
    address::{Address, UnixName},
    datagrams::UdpRequest,
};

use crate::{
    event_loop::datagram_sender,
    facade::{EventLoop, socket_address},
    rings::{self, Entry, HandleId, errno},
};

#[napi]
impl EventLoop {
    /// Binds a UDP socket. Returns a handle, or `-errno`. Without an address: both families.
    #[napi(catch_unwind)]
    pub fn open_udp(&self, address: Option<String>, port: u16, reuse_port: bool) -> Result<f64> {
        let request = UdpRequest {
            address: address
                .map(|address| socket_address(&address, port))
                .transpose()?,
            port,
            reuse_port,
        };
        Ok(self.handle(|turn| turn.open_udp(&request)))
    }

    /// Connects a UDP socket. Returns the error number, or 0.
    #[napi(catch_unwind)]
    pub fn connect_udp(&self, handle: f64, address: String, port: u16) -> Result<i32> {
        let address = socket_address(&address, port)?;
        Ok(self.connect_datagrams(handle, &address.into()))
    }

    /// Opens a UNIX datagram socket, and binds it to `name`. Returns a handle, or `-errno`.
    #[napi(catch_unwind)]
    pub fn open_unix_datagrams(&self, name: Option<&[u8]>) -> f64 {
        let name = name.map(UnixName::new);
        self.handle(|turn| turn.open_unix_datagrams(name.as_ref()))
    }

    /// Connects a UNIX datagram socket. Returns the error number, or 0.
    #[napi(catch_unwind)]
    pub fn connect_unix_datagrams(&self, handle: f64, name: &[u8]) -> i32 {
        self.connect_datagrams(handle, &UnixName::new(name).into())
    }

    /// The family of the addresses that a UDP socket can send to: 4, 6, or 0 for both.
    #[napi(catch_unwind)]
    pub fn datagram_family(&self, handle: f64) -> u32 {
        self.entry(handle, |entry| match entry {
            Entry::Datagrams(datagrams) => datagrams.socket.family(),
            _ => 0,
        })
        .unwrap_or(0)
    }

    /// Whether the completion of a send wait also means that the receiver has room.
    #[napi(catch_unwind)]
    pub fn tells_room(&self, handle: f64) -> bool {
        self.entry(handle, |entry| match entry {
            Entry::Datagrams(datagrams) => datagrams.socket.tells_room(),
            _ => true,
        })
        .unwrap_or(true)
    }

    /// The function that sends datagrams. Its arguments and its result are words of the submission ring's header.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn datagram_sender<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        // SAFETY: the current environment, which is the driver's: an object of a class stays in its environment. The
        // value is fresh.
        unsafe {
            let function = datagram_sender(env.raw(), &self.driver)?;
            Ok(Unknown::from_raw_unchecked(env.raw(), function))
        }
    }
}

impl EventLoop {
    fn connect_datagrams(&self, handle: f64, to: &Address) -> i32 {
        match self
            .driver
            .with_turn(|turn| turn.connect_datagrams(HandleId::from_number(handle), to))
        {
            Some(Ok(())) => 0,
            Some(Err(error)) => errno(&error),
            None => libc::EBADF,
        }
    }
}

/// The peer record of an address, which stands before a datagram (`rings/peers.rs`).
#[napi(catch_unwind)]
pub fn ip_peer(address: String, port: u16) -> Result<Buffer> {
    let address = socket_address(&address, port)?;
    let mut place = vec![0; rings::IP_BYTES];
    rings::write_peer(&mut place, &address.into());
    Ok(place.into())
}
