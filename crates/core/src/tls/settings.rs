//! The settings of a context and the parameters of a handshake, in the form that TypeScript passes them.

/// Whether a server asks its clients for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// No.
    None,
    /// Yes; a client may send none. One that is sent is verified.
    Optional,
    /// Yes; the handshake fails without one.
    Required,
}

/// The settings of a context. The caller has checked them: the key matches the certificate, the names are known.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our certificate chain in DER, the end entity's first. Empty: no certificate.
    pub certificates: Vec<Vec<u8>>,
    /// The private key of the first certificate, PKCS #8 in DER.
    pub key: Option<Vec<u8>>,
    /// Trusted certificates in DER.
    pub ca: Vec<Vec<u8>>,
    /// Whether the platform's certificate store is trusted, too.
    pub system_ca: bool,
    /// Application protocols in order of preference. Empty: no negotiation.
    pub alpn_protocols: Vec<String>,
    /// Whether TLS 1.2 is offered.
    pub tls12: bool,
    /// Whether TLS 1.3 is offered.
    pub tls13: bool,
    /// Cipher suites by OpenSSL's names, in order of preference.
    pub cipher_suites: Vec<String>,
    /// Whether the peer's certificate is verified.
    pub verify: bool,
    /// Used by a server only.
    pub client_certificate: ClientCertificate,
    /// Whether sessions are resumed: a server sends tickets, a client keeps them.
    pub session_tickets: bool,
    /// Whether secrets are logged, see `Context::take_key_log`.
    pub key_log: bool,
}

/// The side of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Sends the first message and verifies the name of the other side.
    Client,
    /// Shows a certificate.
    Server,
}

/// The parameters of one handshake that do not belong to the context.
#[derive(Clone, Debug)]
pub struct Start {
    /// Our side.
    pub side: Side,
    /// Client: the host name or address that the server's certificate must be for. Empty on a server.
    pub hostname: String,
    /// Whether the peer's data must end with `close_notify`. An end without it is [`super::Reason::Truncated`] then.
    pub standard_compatible: bool,
    /// Server: stop with [`super::Step::Named`] after the `ClientHello` of a client that sent a name, to choose another
    /// context.
    pub ask_by_name: bool,
}
