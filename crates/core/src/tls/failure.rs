//! TLS errors: a reason that TypeScript knows by the same key, and a detail in words.
//!
//! TypeScript makes the sentence of both (`src/backends/shared/tls-failure.ts`). The detail is "it …" for the peer or
//! its certificate, and goes in brackets.
//!
//! # Invariants
//!
//! 1. No Rust text reaches the user. Names of rustls' errors are turned into words ([`words`]); the values that they
//!    carry are left out unless this file writes them. `Display` of those errors is not used, for most print their
//!    `Debug` form.
//! 2. Every error of rustls and webpki has a reason, also one that a later version adds. `tests/tls_failures.rs` goes
//!    through all that exist.
//! 3. The same fault has the same reason on the `node` backend, which uses OpenSSL.

use std::{error, fmt, io};

use rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved,
    pki_types::{ServerName, UnixTime},
};

/// The kind of a failure: the keys of TypeScript's `TLSErrorReason`, and [`Reason::Truncated`], which is an error
/// class of its own there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its time is over; the detail has the day.
    CertificateExpired,
    /// Its time has not come; the detail has the day.
    CertificateNotYetValid,
    /// No trusted certificate has issued it.
    CertificateUnknownIssuer,
    /// It is for other host names or addresses.
    CertificateWrongName,
    /// It is a CA certificate, or not for this side of TLS.
    CertificateWrongPurpose,
    /// It cannot be parsed.
    CertificateMalformed,
    /// Its signature is not by its issuer.
    CertificateBadSignature,
    /// Its issuer has revoked it.
    CertificateRevoked,
    /// Any other fault of a certificate or its chain.
    CertificateInvalid,
    /// The peer sent none, and one is required.
    CertificateMissing,
    /// No common version of TLS.
    NoCommonVersion,
    /// No common cipher suite, key exchange group or signature algorithm.
    NoCommonCipher,
    /// No common application protocol.
    NoCommonProtocol,
    /// The peer sent a fatal alert; the detail is its name.
    Alert,
    /// The peer's bytes are no TLS records.
    NotTls,
    /// A record or a message is longer than allowed.
    RecordTooLarge,
    /// A record cannot be decrypted.
    BadRecord,
    /// The peer asks for a renegotiation, which is refused.
    Renegotiation,
    /// Any other violation of the protocol by the peer.
    Misbehaved,
    /// The connection ended or broke before the handshake was done.
    Closed,
    /// A server without a certificate for this client.
    NoSettings,
    /// A fault on our side, such as settings that cannot be used.
    Failed,
    /// The peer's data ended without `close_notify`.
    Truncated,
}

impl Reason {
    /// Every reason. The addon compares their keys with those of TypeScript.
    pub const ALL: [Self; 23] = [
        Self::CertificateExpired,
        Self::CertificateNotYetValid,
        Self::CertificateUnknownIssuer,
        Self::CertificateWrongName,
        Self::CertificateWrongPurpose,
        Self::CertificateMalformed,
        Self::CertificateBadSignature,
        Self::CertificateRevoked,
        Self::CertificateInvalid,
        Self::CertificateMissing,
        Self::NoCommonVersion,
        Self::NoCommonCipher,
        Self::NoCommonProtocol,
        Self::Alert,
        Self::NotTls,
        Self::RecordTooLarge,
        Self::BadRecord,
        Self::Renegotiation,
        Self::Misbehaved,
        Self::Closed,
        Self::NoSettings,
        Self::Failed,
        Self::Truncated,
    ];

    /// The key that TypeScript knows the reason by.
    pub fn key(self) -> &'static str {
        match self {
            Self::CertificateExpired => "certificate-expired",
            Self::CertificateNotYetValid => "certificate-not-yet-valid",
            Self::CertificateUnknownIssuer => "certificate-unknown-issuer",
            Self::CertificateWrongName => "certificate-wrong-name",
            Self::CertificateWrongPurpose => "certificate-wrong-purpose",
            Self::CertificateMalformed => "certificate-malformed",
            Self::CertificateBadSignature => "certificate-bad-signature",
            Self::CertificateRevoked => "certificate-revoked",
            Self::CertificateInvalid => "certificate-invalid",
            Self::CertificateMissing => "certificate-missing",
            Self::NoCommonVersion => "no-common-version",
            Self::NoCommonCipher => "no-common-cipher",
            Self::NoCommonProtocol => "no-common-protocol",
            Self::Alert => "alert",
            Self::NotTls => "not-tls",
            Self::RecordTooLarge => "record-too-large",
            Self::BadRecord => "bad-record",
            Self::Renegotiation => "renegotiation",
            Self::Misbehaved => "misbehaved",
            Self::Closed => "closed",
            Self::NoSettings => "no-settings",
            Self::Failed => "failed",
            Self::Truncated => "truncated",
        }
    }
}

/// A TLS error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub reason: Reason,
    /// More about it, in words, for the brackets of the sentence. May be empty.
    pub detail: String,
    /// The error number, if the operating system failed below TLS.
    pub errno: Option<i32>,
}

impl Failure {
    /// A failure of this kind, without an error number.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            errno: None,
        }
    }

    /// rustls refuses our settings. The reason is always [`Reason::Failed`]: the fault is on our side.
    pub fn of_refused_settings(error: &Error) -> Self {
        let Self { reason, detail, .. } = Self::of_library(error);
        match (reason, detail.as_str()) {
            (Reason::Failed, _) => Self::of_settings(detail),
            (reason, "") => Self::of_settings(reason.key().replace('-', " ")),
            (reason, _) => Self::of_settings(format_args!("{}: {detail}", reason.key().replace('-', " "))),
        }
    }

    /// Our settings cannot be used.
    pub fn of_settings(detail: impl fmt::Display) -> Self {
        Self::new(Reason::Failed, detail.to_string())
    }

    /// The connection ended before the handshake was done.
    pub fn of_end() -> Self {
        Self::new(Reason::Closed, "")
    }

    /// The connection broke before the handshake was done.
    pub fn of_socket(error: &io::Error) -> Self {
        Self {
            reason: Reason::Closed,
            detail: String::new(),
            errno: error.raw_os_error(),
        }
    }

    /// An error of rustls.
    pub fn of_library(error: &Error) -> Self {
        let (reason, detail) = match error {
            Error::InvalidCertificate(error) => of_certificate(error),
            Error::NoCertificatesPresented => (Reason::CertificateMissing, String::new()),
            Error::PeerIncompatible(what) => of_incompatibility(what),
            Error::NoApplicationProtocol => (Reason::NoCommonProtocol, String::new()),
            Error::AlertReceived(AlertDescription::CloseNotify) => (Reason::Closed, String::new()),
            Error::AlertReceived(alert) => (Reason::Alert, alert_name(*alert)),
            Error::PeerSentOversizedRecord | Error::InvalidMessage(InvalidMessage::MessageTooLarge) => {
                (Reason::RecordTooLarge, String::new())
            }
            // No TLS record starts with such bytes.
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => (Reason::NotTls, String::new()),
            Error::DecryptError => (Reason::BadRecord, String::new()),
            Error::PeerMisbehaved(PeerMisbehaved::TooManyRenegotiationRequests) => {
                (Reason::Renegotiation, String::new())
            }
            Error::PeerMisbehaved(what) => (Reason::Misbehaved, words(what)),
            Error::InvalidMessage(what) => (Reason::Misbehaved, words(what)),
            Error::InappropriateMessage {
                expect_types,
                got_type,
            } => (Reason::Misbehaved, out_of_place(got_type, expect_types)),
            Error::InappropriateHandshakeMessage {
                expect_types,
                got_type,
            } => (Reason::Misbehaved, out_of_place(got_type, expect_types)),
            Error::InvalidCertRevocationList(what) => (Reason::Failed, words(what)),
            Error::InvalidEncryptedClientHello(what) => (Reason::Failed, words(what)),
            Error::InconsistentKeys(_) => (
                Reason::Failed,
                "the certificate does not match the key".to_owned(),
            ),
            Error::General(text) => (Reason::Failed, text.clone()),
            Error::Other(_) => (Reason::Failed, String::new()),
            other => (Reason::Failed, words(other)),
        };
        Self::new(reason, detail)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.reason.key(), self.detail)
    }
}

impl error::Error for Failure {}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::other(failure)
    }
}

/// An error of a certificate.
fn of_certificate(error: &CertificateError) -> (Reason, String) {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            (Reason::CertificateExpired, format!("on {}", date(*not_after)))
        }
        CertificateError::Expired => (Reason::CertificateExpired, String::new()),
        CertificateError::NotValidYetContext { not_before, .. } => (
            Reason::CertificateNotYetValid,
            format!("before {}", date(*not_before)),
        ),
        CertificateError::NotValidYet => (Reason::CertificateNotYetValid, String::new()),
        CertificateError::UnknownIssuer => (Reason::CertificateUnknownIssuer, String::new()),
        CertificateError::NotValidForNameContext { expected, presented } => {
            (Reason::CertificateWrongName, names(expected, presented))
        }
        CertificateError::NotValidForName => (Reason::CertificateWrongName, String::new()),
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            (Reason::CertificateWrongPurpose, String::new())
        }
        CertificateError::BadEncoding => (Reason::CertificateMalformed, String::new()),
        CertificateError::BadSignature => (Reason::CertificateBadSignature, String::new()),
        CertificateError::Revoked => (Reason::CertificateRevoked, String::new()),
        CertificateError::Other(OtherError(inner)) => inner
            .downcast_ref::<webpki::Error>()
            .map_or_else(|| (Reason::CertificateInvalid, String::new()), of_webpki),
        other => (Reason::CertificateInvalid, words(other)),
    }
}

/// An error of webpki that rustls passes on as it is.
fn of_webpki(error: &webpki::Error) -> (Reason, String) {
    use webpki::Error as Webpki;
    match error {
        Webpki::CaUsedAsEndEntity => (
            Reason::CertificateWrongPurpose,
            "it belongs to a certificate authority".to_owned(),
        ),
        Webpki::EndEntityUsedAsCa => (
            Reason::CertificateInvalid,
            "an issuer in its chain is no certificate authority".to_owned(),
        ),
        Webpki::BadDer
        | Webpki::BadDerTime
        | Webpki::EmptyEkuExtension
        | Webpki::ExtensionValueInvalid
        | Webpki::InvalidCertValidity
        | Webpki::InvalidNetworkMaskConstraint
        | Webpki::InvalidSerialNumber
        | Webpki::MalformedDnsIdentifier
        | Webpki::MalformedExtensions
        | Webpki::MalformedNameConstraint
        | Webpki::SignatureAlgorithmMismatch
        | Webpki::TrailingData(_)
        | Webpki::UnsupportedCertVersion => (Reason::CertificateMalformed, words(error)),
        other => (Reason::CertificateInvalid, words(other)),
    }
}

/// A message that is not expected now.
fn out_of_place(got: &impl fmt::Debug, expected: &[impl fmt::Debug]) -> String {
    // `Debug` shows a number without a name as its type.
    let named = |kind: String| match kind.as_str() {
        "content type" | "handshake type" => "a message of an unknown type".to_owned(),
        _ => kind,
    };
    let got = named(words(got));
    let expected: Vec<_> = expected.iter().map(words).collect();
    match expected.as_slice() {
        [] => format!("it sent {got} at the wrong time"),
        _ => format!("it sent {got} instead of {}", expected.join(" or ")),
    }
}

/// What the two sides do not have in common.
fn of_incompatibility(what: &PeerIncompatible) -> (Reason, String) {
    use PeerIncompatible as Peer;
    match what {
        Peer::ServerDoesNotSupportTls12Or13
        | Peer::ServerTlsVersionIsDisabledByOurConfig
        | Peer::SupportedVersionsExtensionRequired
        | Peer::Tls12NotOffered
        | Peer::Tls12NotOfferedOrEnabled
        // A ClientHello without it is older than TLS 1.2.
        | Peer::SignatureAlgorithmsExtensionRequired => (Reason::NoCommonVersion, String::new()),
        Peer::NoCipherSuitesInCommon
        | Peer::NoKxGroupsInCommon
        | Peer::NoSignatureSchemesInCommon
        | Peer::NoCertificateRequestSignatureSchemesInCommon
        | Peer::NoEcPointFormatsInCommon => (Reason::NoCommonCipher, words(what)),
        other => (Reason::Misbehaved, words(other)),
    }
}

/// The names of a certificate, and the one that it should have.
fn names(expected: &ServerName<'_>, presented: &[String]) -> String {
    let wanted = expected.to_str();
    if presented.is_empty() {
        format!("it has no names, and should be for {wanted}")
    } else {
        let presented: Vec<_> = presented.iter().map(|name| presented_name(name)).collect();
        format!("it is for {}, and should be for {wanted}", presented.join(", "))
    }
}

/// The name in webpki's text of it: `example.org` of `DnsName("example.org")`.
fn presented_name(debug: &str) -> String {
    let Some((kind, rest)) = debug.split_once('(') else {
        return words(&Plainly(debug));
    };
    let inner = rest.trim_end_matches(')').trim_matches('"');
    match kind {
        "DnsName" | "IpAddress" | "UniformResourceIdentifier" => inner.to_owned(),
        _ => "a name of another kind".to_owned(),
    }
}

/// Text whose `Debug` is itself.
struct Plainly<'a>(&'a str);

impl fmt::Debug for Plainly<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// The name of an alert as the RFC writes it.
fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnrecognisedName => "unrecognized_name".to_owned(),
        AlertDescription::UnknownCA => "unknown_ca".to_owned(),
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity".to_owned(),
        AlertDescription::EncryptedClientHelloRequired => "ech_required".to_owned(),
        AlertDescription::Unknown(number) => format!("number {number}"),
        other => words(&other).replace(' ', "_"),
    }
}

/// The name of an error in words: "unsupported signature algorithm" of `UnsupportedSignatureAlgorithmContext { … }`.
/// The values are left out (invariant 1).
fn words(error: &impl fmt::Debug) -> String {
    let text = format!("{error:?}");
    let name: Vec<char> = text.chars().take_while(char::is_ascii_alphanumeric).collect();
    let mut words = String::with_capacity(name.len() + 8);
    for (at, letter) in name.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| name.get(at));
        let follows_small = before.is_some_and(|before| !before.is_ascii_uppercase());
        // The last of several capitals begins a word, as in `EKUNotFound`.
        let begins_word = before.is_some() && name.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (follows_small || begins_word) {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
        .strip_suffix(" context")
        .map_or(words.clone(), str::to_owned)
}

/// The day in ISO 8601, such as `2025-12-31`.
fn date(time: UnixTime) -> String {
    // Days since 1 March of the year 0, in eras of 400 years: a leap day is then the last day of its year.
    let days = time.as_secs() / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + carry)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_date_is_written_as_iso_8601() {
        for (seconds, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (4_107_542_399, "2100-02-28"),
            (4_107_542_400, "2100-03-01"),
            (1_767_225_599, "2025-12-31"),
        ] {
            assert_eq!(
                date(UnixTime::since_unix_epoch(Duration::from_secs(seconds))),
                text
            );
        }
    }

    #[test]
    fn alerts_have_the_names_of_the_rfcs() {
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(
            alert_name(AlertDescription::NoApplicationProtocol),
            "no_application_protocol"
        );
        assert_eq!(alert_name(AlertDescription::BadRecordMac), "bad_record_mac");
        assert_eq!(alert_name(AlertDescription::Unknown(200)), "number 200");
    }
}
