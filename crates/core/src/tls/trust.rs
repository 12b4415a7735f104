//! Whose certificates are good.
//!
//! The rules are webpki's. Two things are added. A certificate that was given as trusted is also good as the peer's own,
//! though it says that it is an authority's: that is what `openssl req -x509` makes, and what everybody develops with.
//! And nothing trusted at all is a verifier that refuses everybody, where the library would refuse to make one.

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

/// Verifies the other side's certificate, on either side.
#[derive(Debug)]
pub struct Trust {
    /// `None`: nothing of the certificate is checked.
    checks: Option<Checks>,
    algorithms: WebPkiSupportedAlgorithms,
    client_certificate: ClientCertificate,
    hints: Vec<DistinguishedName>,
}

#[derive(Debug)]
struct Checks {
    roots: Arc<RootCertStore>,
    /// `None`: nobody is trusted.
    servers: Option<Arc<WebPkiServerVerifier>>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    /// Given as trusted, each as it is.
    pinned: Vec<CertificateDer<'static>>,
}

impl Trust {
    pub fn new(settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Self, Failure> {
        let checks = if settings.verify {
            Some(Checks::new(settings, provider)?)
        } else {
            None
        };
        let hints = match &checks {
            // The platform's whole store would be ten kilobytes of names in each handshake, of no use to a client.
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
            .map_err(|_| Failure::of_settings("no trusted certificate is of use"))?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
            .build()
            .map_err(|_| Failure::of_settings("no trusted certificate is of use"))?;
        Ok(Self {
            roots,
            servers: Some(servers),
            clients: Some(clients),
            pinned,
        })
    }

    /// Of a certificate that says it is an authority's. Where its issuer is itself, or known to nobody here, that is what is wrong
    /// with it: webpki looks at the issuer last.
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

/// An end entity that says it is an authority. webpki looks at the dates before it says so, and at the purposes after.
fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else {
        return false;
    };
    matches!(
        inner.downcast_ref::<webpki::Error>(),
        Some(webpki::Error::CaUsedAsEndEntity)
    )
}

/// The platform's store, read once in the process: it takes milliseconds.
fn platform_store() -> &'static RootCertStore {
    static STORE: OnceLock<RootCertStore> = OnceLock::new();
    STORE.get_or_init(|| {
        let mut store = RootCertStore::empty();
        // What cannot be read or parsed is nobody to trust. A store with nothing in it refuses everybody.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        store
    })
}
