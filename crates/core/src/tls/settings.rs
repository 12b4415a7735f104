/// What a server asks of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    None,
    /// Asked for; one that is sent has to be good.
    Optional,
    Required,
}

/// What a context is made from, checked by whoever made it: keys match their certificates, names are known.
#[derive(Clone, Debug)]
pub struct Settings {
    /// DER, the end entity's first.
    pub certificates: Vec<Vec<u8>>,
    /// PKCS #8, DER.
    pub key: Option<Vec<u8>>,
    /// DER.
    pub ca: Vec<Vec<u8>>,
    /// Trusts the platform's store, too.
    pub system_ca: bool,
    /// In order of preference.
    pub alpn_protocols: Vec<String>,
    pub tls12: bool,
    pub tls13: bool,
    /// OpenSSL's names, in order of preference.
    pub cipher_suites: Vec<String>,
    /// Whether a peer's certificate has to be good.
    pub verify: bool,
    pub client_certificate: ClientCertificate,
    /// Whether sessions are resumed: a server sends tickets, a client keeps them.
    pub session_tickets: bool,
    pub key_log: bool,
}
