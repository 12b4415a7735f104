//! The client side of TLS: its offer, its checks and its counters.
//!
//! 1. The offer is one version (TLS 1.3), one cipher suite and one group, so every server negotiates the same.
//! 2. No session is resumed: every handshake is a full one. Tickets are counted and not kept. The count matters,
//!    because a server that sends fewer tickets does less work.
//! 3. The first handshake of a process is verified in full: chain, name and signature. Later ones must show the same
//!    certificate and derive the same keys (`Finished` is always checked). Their signatures are not verified, for
//!    that is the most expensive part of a client's handshake, and the generator must stay cheaper than the server.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue, WebPkiServerVerifier,
};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, NamedGroup, RootCertStore, SignatureScheme,
    SupportedCipherSuite, version,
};

use crate::certificates::{AUTHORITY, NAMES};
use crate::options::TlsOptions;

/// The suites that can be offered, by OpenSSL's names. Servers with a free choice choose the first.
const SUITES: [(&str, SupportedCipherSuite); 3] = [
    (
        "TLS_AES_256_GCM_SHA384",
        aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
    ),
    (
        "TLS_AES_128_GCM_SHA256",
        aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    ),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
];
/// The groups that can be offered.
const GROUPS: [(&str, &dyn SupportedKxGroup); 2] = [
    ("X25519", aws_lc_rs::kx_group::X25519),
    ("P-256", aws_lc_rs::kx_group::SECP256R1),
];

pub const DEFAULT_SUITE: &str = SUITES[0].0;
pub const DEFAULT_GROUP: &str = GROUPS[0].0;

pub fn suite_named(name: &str) -> Option<&'static str> {
    SUITES
        .iter()
        .map(|(known, _)| *known)
        .find(|known| *known == name)
}

pub fn group_named(name: &str) -> Option<&'static str> {
    GROUPS
        .iter()
        .map(|(known, _)| *known)
        .find(|known| *known == name)
}

/// The TLS configuration, shared by all connections of a run.
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    tickets: Arc<Tickets>,
    sessions: AtomicU64,
}

impl Tls {
    pub fn new(options: &TlsOptions) -> io::Result<Self> {
        let provider = provider(options.suite, options.group);
        let tickets = Arc::new(Tickets::default());
        let verifier = Verifier::new(&options.folder, &provider).map_err(io::Error::other)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.resumption = Resumption::store(tickets.clone());
        Ok(Self {
            config: Arc::new(config),
            name: ServerName::try_from(NAMES[0]).map_err(io::Error::other)?,
            tickets,
            sessions: AtomicU64::new(0),
        })
    }

    /// A connection with its ClientHello made. It takes all bytes that it is given to send.
    pub fn session(&self) -> io::Result<ClientConnection> {
        self.sessions.fetch_add(1, Ordering::Relaxed);
        let mut session =
            ClientConnection::new(self.config.clone(), self.name.clone()).map_err(io::Error::other)?;
        session.set_buffer_limit(None);
        Ok(session)
    }

    /// The number of received session tickets for each connection.
    pub fn tickets_per_session(&self) -> f64 {
        let sessions = self.sessions.load(Ordering::Relaxed).max(1);
        self.tickets.0.load(Ordering::Relaxed) as f64 / sessions as f64
    }
}

fn provider(suite: &str, group: &str) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = chosen(&SUITES, suite);
    provider.kx_groups = chosen(&GROUPS, group);
    Arc::new(provider)
}

fn chosen<T: Copy>(table: &[(&str, T)], name: &str) -> Vec<T> {
    table
        .iter()
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| *value)
        .collect()
}

/// Counts tickets and keeps none.
#[derive(Debug, Default)]
struct Tickets(AtomicU64);

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

/// Verifies the server (3).
#[derive(Debug)]
struct Verifier {
    fully: Arc<WebPkiServerVerifier>,
    /// The verified certificate.
    known: OnceLock<CertificateDer<'static>>,
    /// Whether a signature of its key has been verified.
    proven: AtomicBool,
}

impl Verifier {
    fn new(
        folder: &Path,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let file = folder.join(AUTHORITY);
        let authority =
            CertificateDer::from_pem_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut roots = RootCertStore::empty();
        roots.add(authority)?;
        let fully = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()?;
        Ok(Self {
            fully,
            known: OnceLock::new(),
            proven: AtomicBool::new(false),
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.known.get() {
            Some(known) if known == end_entity => Ok(ServerCertVerified::assertion()),
            Some(_) => Err(Error::General("the server changed its certificate".into())),
            None => {
                let verified = self.fully.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                )?;
                self.known.get_or_init(|| end_entity.clone().into_owned());
                Ok(verified)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.fully.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.proven.load(Ordering::Relaxed) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let valid = self.fully.verify_tls13_signature(message, certificate, signed)?;
        self.proven.store(true, Ordering::Relaxed);
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.fully.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::path::PathBuf;

    use rustls::pki_types::PrivateKeyDer;
    use rustls::{DEFAULT_VERSIONS, ServerConfig, ServerConnection};

    use super::*;
    use crate::certificates::{CERTIFICATE, KEY, write};

    struct Folder(PathBuf);

    impl Folder {
        fn with_certificates(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("structio-load-test-{}-{name}", std::process::id()));
            write(&folder).expect("a folder of certificates");
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn client(folder: &Folder) -> Tls {
        Tls::new(&TlsOptions {
            folder: folder.0.clone(),
            suite: DEFAULT_SUITE,
            group: DEFAULT_GROUP,
        })
        .expect("an authority")
    }

    fn server(folder: &Folder) -> Arc<ServerConfig> {
        let certificate = CertificateDer::from_pem_file(folder.0.join(CERTIFICATE)).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(folder.0.join(KEY)).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(DEFAULT_VERSIONS)
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a pair");
        Arc::new(config)
    }

    /// Makes a handshake without sockets, and sends one byte there and back.
    fn shake(client: &Tls, server: &Arc<ServerConfig>) -> Result<ClientConnection, Error> {
        let mut ours = client.session().expect("a session");
        let mut theirs = ServerConnection::new(server.clone()).expect("a session");
        ours.writer().write_all(b"!").expect("room");
        let mut echoed = false;
        loop {
            let mut flight = Vec::new();
            while ours.wants_write() {
                ours.write_tls(&mut flight).expect("memory");
            }
            theirs.read_tls(&mut flight.as_slice()).expect("memory");
            theirs.process_new_packets()?;
            let mut byte = [0];
            if theirs.reader().read(&mut byte).is_ok_and(|count| count == 1) {
                theirs.writer().write_all(&byte).expect("room");
                echoed = true;
            }
            let mut flight = Vec::new();
            while theirs.wants_write() {
                theirs.write_tls(&mut flight).expect("memory");
            }
            ours.read_tls(&mut flight.as_slice()).expect("memory");
            ours.process_new_packets()?;
            if echoed {
                ours.reader().read_exact(&mut byte).expect("the echo");
                assert_eq!(&byte, b"!");
                return Ok(ours);
            }
        }
    }

    #[test]
    fn every_handshake_is_full_and_its_tickets_are_counted() {
        let folder = Folder::with_certificates("full");
        let (client, server) = (client(&folder), server(&folder));
        for _ in 0..3 {
            let session = shake(&client, &server).expect("a handshake");
            assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
            let suite = session.negotiated_cipher_suite().expect("negotiated").suite();
            assert_eq!(format!("{suite:?}"), "TLS13_AES_256_GCM_SHA384");
            let group = session.negotiated_key_exchange_group().expect("negotiated");
            assert_eq!(group.name(), NamedGroup::X25519);
        }
        assert!((client.tickets_per_session() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_server_of_another_authority_is_refused() {
        let (folder, other) = (
            Folder::with_certificates("ours"),
            Folder::with_certificates("other"),
        );
        let refused = shake(&client(&folder), &server(&other)).expect_err("a stranger");
        assert!(matches!(refused, Error::InvalidCertificate(_)), "{refused:?}");
    }

    #[test]
    fn a_server_that_changes_its_certificate_is_refused() {
        let (folder, other) = (
            Folder::with_certificates("first"),
            Folder::with_certificates("second"),
        );
        let client = client(&folder);
        shake(&client, &server(&folder)).expect("a handshake");
        shake(&client, &server(&other)).expect_err("another certificate");
    }
}
