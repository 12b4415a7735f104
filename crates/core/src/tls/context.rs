//! A context: settings, and the rustls configurations made from them.
//!
//! TypeScript makes a context once and uses it for many handshakes, from the JavaScript thread and the pool at the
//! same time.
//!
//! # Invariants
//!
//! 1. The configuration of a side is made when that side is first needed, once. Handshakes of one context share it,
//!    and so they share resumed sessions.
//! 2. A failure to make a configuration is kept like the configuration: every later handshake gets the same failure.
//! 3. A server keeps no session state: a ticket carries it, encrypted. Clients that never return cost nothing.
//! 4. The private key never appears in `Debug` output.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, NoKeyLog, ServerConfig, SupportedProtocolVersion,
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use super::{Failure, Settings, key_log::Lines, suites, trust::Trust};

/// The number of servers that a client keeps sessions of.
const CLIENT_SESSIONS: usize = 256;

/// Tickets that a server sends after a TLS 1.3 handshake. A ticket is used once, so a client with two connections at
/// a time needs two.
const TICKETS: usize = 2;

/// Settings and configurations for any number of handshakes. Cheap to share by `Arc`.
pub struct Context {
    settings: Settings,
    lines: Arc<Lines>,
    client: OnceLock<Result<Arc<ClientConfig>, Failure>>,
    server: OnceLock<Result<Arc<ServerConfig>, Failure>>,
}

impl Context {
    /// A context of these settings. Errors in them come with the first handshake of a side.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            lines: Arc::default(),
            client: OnceLock::new(),
            server: OnceLock::new(),
        }
    }

    /// Takes the key log lines since the last call, in the NSS format without line ends.
    pub fn take_key_log(&self) -> Vec<String> {
        self.lines.take()
    }

    /// Whether there is a certificate with its key. A server needs one.
    pub(super) fn has_certificate(&self) -> bool {
        self.settings.key.is_some() && !self.settings.certificates.is_empty()
    }

    /// Whether this context offers a cipher suite, by OpenSSL's name.
    pub(super) fn offers(&self, suite: &str) -> bool {
        let version = if suite.starts_with("TLS_") {
            self.settings.tls13
        } else {
            self.settings.tls12
        };
        version && self.settings.cipher_suites.iter().any(|name| name == suite)
    }

    /// The configuration of a client (invariants 1 and 2).
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, Failure> {
        self.client.get_or_init(|| self.make_client()).clone()
    }

    /// The configuration of a server (invariants 1 and 2).
    pub(super) fn server(&self) -> Result<Arc<ServerConfig>, Failure> {
        self.server.get_or_init(|| self.make_server()).clone()
    }

    fn make_client(&self) -> Result<Arc<ClientConfig>, Failure> {
        let provider = self.provider();
        let trust = Arc::new(Trust::new(&self.settings, &provider)?);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions())
            .map_err(|error| Failure::of_refused_settings(&error))?
            .dangerous()
            .with_custom_certificate_verifier(trust);
        let mut config = match self.certified_key(&provider)? {
            Some(key) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn_protocols();
        config.resumption = if self.settings.session_tickets {
            Resumption::in_memory_sessions(CLIENT_SESSIONS)
        } else {
            Resumption::disabled()
        };
        config.key_log = self.key_log();
        Ok(Arc::new(config))
    }

    fn make_server(&self) -> Result<Arc<ServerConfig>, Failure> {
        let provider = self.provider();
        let trust = Arc::new(Trust::new(&self.settings, &provider)?);
        let key = self
            .certified_key(&provider)?
            .ok_or_else(|| Failure::of_settings("no certificate"))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions())
            .map_err(|error| Failure::of_refused_settings(&error))?
            .with_client_cert_verifier(trust)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = self.alpn_protocols();
        config.ignore_client_order = true;
        // Invariant 3.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if self.settings.session_tickets {
            config.ticketer =
                aws_lc_rs::Ticketer::new().map_err(|error| Failure::of_refused_settings(&error))?;
            config.send_tls13_tickets = TICKETS;
        } else {
            config.send_tls13_tickets = 0;
        }
        config.key_log = self.key_log();
        Ok(Arc::new(config))
    }

    fn provider(&self) -> Arc<CryptoProvider> {
        Arc::new(CryptoProvider {
            cipher_suites: self
                .settings
                .cipher_suites
                .iter()
                .filter_map(|name| suites::by_name(name))
                .collect(),
            ..aws_lc_rs::default_provider()
        })
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let mut versions = Vec::new();
        if self.settings.tls13 {
            versions.push(&TLS13);
        }
        if self.settings.tls12 {
            versions.push(&TLS12);
        }
        versions
    }

    fn alpn_protocols(&self) -> Vec<Vec<u8>> {
        self.settings
            .alpn_protocols
            .iter()
            .map(|name| name.clone().into_bytes())
            .collect()
    }

    fn certified_key(&self, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, Failure> {
        let Some(key) = self
            .settings
            .key
            .as_ref()
            .filter(|_| !self.settings.certificates.is_empty())
        else {
            return Ok(None);
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| Failure::of_refused_settings(&error))?;
        let chain = self
            .settings
            .certificates
            .iter()
            .map(|der| CertificateDer::from(der.clone()))
            .collect();
        Ok(Some(CertifiedKey::new(chain, key)))
    }

    fn key_log(&self) -> Arc<dyn rustls::KeyLog> {
        if self.settings.key_log {
            Arc::clone(&self.lines) as Arc<dyn rustls::KeyLog>
        } else {
            Arc::new(NoKeyLog)
        }
    }
}

impl fmt::Debug for Context {
    // Invariant 4.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Context").finish_non_exhaustive()
    }
}
