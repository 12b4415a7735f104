//! The cipher suites of rustls by OpenSSL's names, which TypeScript and Node use.

use rustls::{CipherSuite, SupportedCipherSuite, crypto::aws_lc_rs};

/// OpenSSL's name and the suite, in rustls' order of preference.
const SUITES: [(&str, CipherSuite); 9] = [
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// OpenSSL's name of a suite. `None` for a suite that rustls does not have.
pub fn name_of(suite: CipherSuite) -> Option<&'static str> {
    SUITES
        .iter()
        .find(|(_, known)| *known == suite)
        .map(|(name, _)| *name)
}

/// The suite with this OpenSSL name.
pub fn by_name(name: &str) -> Option<SupportedCipherSuite> {
    let (_, suite) = SUITES.iter().find(|(known, _)| *known == name)?;
    aws_lc_rs::ALL_CIPHER_SUITES
        .iter()
        .find(|supported| supported.suite() == *suite)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_of_rustls_has_a_name_and_is_found_by_it() {
        for suite in aws_lc_rs::ALL_CIPHER_SUITES {
            let name = name_of(suite.suite());
            assert_eq!(
                name.and_then(by_name).map(|found| found.suite()),
                Some(suite.suite())
            );
        }
        assert_eq!(aws_lc_rs::ALL_CIPHER_SUITES.len(), SUITES.len());
    }
}
