//! Certificate verification.
//!
//! rustls calls it on the thread of the handshake, for a server's certificate or a client's. The rules are webpki's,
//! with these changes:
//!
//! 1. A certificate that was given as trusted is accepted as the peer's own although it is a CA certificate. `openssl
//!    req -x509` makes such certificates, and development servers use them. Its name is still verified.
//! 2. Without any trusted certificate, every certificate is refused as "unknown issuer". rustls would refuse to make
//!    the verifier.
//! 3. A CA certificate of an unknown issuer is refused as "unknown issuer", which webpki would check last.
//! 4. The platform's store is read once in a process. What cannot be parsed is left out.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime},
    server::{
        ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use webpki::EndEntityCert;

use super::{ClientCertificate, Failure, Settings};

/// Verifies the peer's certificate, on a client and on a server.
#[derive(Debug)]
pub struct Trust {
    /// `None`: the certificate is not verified. Signatures of the handshake still are.
    checks: Option<Checks>,
    algorithms: WebPkiSupportedAlgorithms,
    client_certificate: ClientCertificate,
    /// The names of authorities that a server sends with its request for a certificate.
    hints: Vec<DistinguishedName>,
}

/// What certificates are verified against.
#[derive(Debug)]
struct Checks {
    roots: Arc<RootCertStore>,
    /// `None`: nothing is trusted (change 2).
    servers: Option<Arc<WebPkiServerVerifier>>,
    /// `None`: nothing is trusted (change 2).
    clients: Option<Arc<dyn ClientCertVerifier>>,
    /// The certificates that were given as trusted (change 1).
    pinned: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// A verifier of these settings.
    ///
    /// # Errors
    ///
    /// A trusted certificate cannot be used.
    pub fn new(settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Self, Failure> {
        let checks = if settings.verify {
            Some(Checks::new(settings, provider)?)
        } else {
            None
        };
        let hints = match &checks {
            // The names of the platform's store would add ten kilobytes to each handshake, and help no client to
            // choose.
            Some(Checks {
                clients: Some(clients),
                ..
            }) if !settings.system_ca => clients.root_hint_subjects().to_vec(),
            _ => Vec::new(),
        };
        Ok(Self {
            checks,
            algorithms: provider.signature_verification_algorithms,
            client_certificate: settings.client_certificate,
            hints,
        })
    }
}

impl Checks {
    fn new(settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Self, Failure> {
        let mut roots = if settings.system_ca {
            platform_store().clone()
        } else {
            RootCertStore::empty()
        };
        let pinned: Vec<_> = settings
            .ca
            .iter()
            .map(|der| CertificateDer::from(der.clone()))
            .collect();
        for certificate in &pinned {
            roots.add(certificate.clone()).map_err(|error| {
                let Failure { detail, .. } = Failure::of_refused_settings(&error);
                Failure::of_settings(format_args!("a trusted certificate: {detail}"))
            })?;
        }
        if roots.is_empty() {
            return Ok(Self {
                roots: Arc::new(roots),
                servers: None,
                clients: None,
                pinned,
            });
        }
        let roots = Arc::new(roots);
        let servers = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
            .build()
            .map_err(|_| Failure::of_settings("no trusted certificate can be used"))?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
            .build()
            .map_err(|_| Failure::of_settings("no trusted certificate can be used"))?;
        Ok(Self {
            roots,
            servers: Some(servers),
            clients: Some(clients),
            pinned,
        })
    }

    /// Decides about a CA certificate that the peer has shown as its own: changes 1 and 3. `error` is what webpki says.
    fn refuse_unless_pinned(
        &self,
        error: Error,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        if self
            .pinned
            .iter()
            .any(|pinned| pinned.as_ref() == certificate.as_ref())
        {
            Ok(())
        } else if self.knows_issuer(certificate, intermediates) {
            Err(error)
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    /// Whether the issuer is another certificate that is trusted or that the peer has sent.
    fn knows_issuer(&self, certificate: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> bool {
        let Ok(parsed) = EndEntityCert::try_from(certificate) else {
            return false;
        };
        let issuer = parsed.issuer();
        if issuer == parsed.subject() {
            return false;
        }
        let is_issuer = |other: &CertificateDer<'_>| {
            EndEntityCert::try_from(other).is_ok_and(|other| other.subject() == issuer)
        };
        let is_root = |root: &TrustAnchor<'_>| root.subject.as_ref() == issuer;
        self.roots.roots.iter().any(is_root) || intermediates.iter().any(is_issuer)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(checks) = &self.checks else {
            return Ok(ServerCertVerified::assertion());
        };
        let Some(servers) = &checks.servers else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        match servers.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(error) if is_authority(&error) => {
                checks.refuse_unless_pinned(error, end_entity, intermediates)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Trust {
    fn offer_client_auth(&self) -> bool {
        self.client_certificate != ClientCertificate::None
    }

    fn client_auth_mandatory(&self) -> bool {
        self.client_certificate == ClientCertificate::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let Some(checks) = &self.checks else {
            return Ok(ClientCertVerified::assertion());
        };
        let Some(clients) = &checks.clients else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        match clients.verify_client_cert(end_entity, intermediates, now) {
            Err(error) if is_authority(&error) => {
                checks.refuse_unless_pinned(error, end_entity, intermediates)?;
                Ok(ClientCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether the end entity's certificate is a CA certificate. webpki has verified the dates before it says so, not the
/// purposes.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else {
        return false;
    };
    matches!(
        inner.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

/// The platform's store (change 4). Reading it takes milliseconds.
fn platform_store() -> &'static RootCertStore {
    static STORE: OnceLock<RootCertStore> = OnceLock::new();
    STORE.get_or_init(|| {
        let mut store = RootCertStore::empty();
        // If nothing can be read, the store is empty and every certificate is refused.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        store
    })
}
