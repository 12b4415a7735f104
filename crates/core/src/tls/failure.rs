//! What is wrong with a handshake or a record: a reason in a word, which TypeScript knows by the same name, and what the
//! library had to say. The sentence is made there (`src/backends/tls-failure.ts`).

use std::{error, fmt, io};

use rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved,
    pki_types::{ServerName, UnixTime},
};

/// The keys of TypeScript's `TLSErrorReason`, and [`Reason::Truncated`], which is an error class of its own there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUnknownIssuer,
    CertificateWrongName,
    CertificateWrongPurpose,
    CertificateMalformed,
    CertificateBadSignature,
    CertificateRevoked,
    CertificateInvalid,
    CertificateMissing,
    NoCommonVersion,
    NoCommonCipher,
    NoCommonProtocol,
    Alert,
    NotTls,
    RecordTooLarge,
    BadRecord,
    Renegotiation,
    Misbehaved,
    Closed,
    NoSettings,
    Failed,
    /// The peer's data ended without `close_notify`.
    Truncated,
}

impl Reason {
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: Reason,
    /// For the sentence, in brackets: the alert's name, or what the library said. May be empty.
    pub detail: String,
    /// The operating system's error below, if it was one.
    pub errno: Option<i32>,
}

impl Failure {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            errno: None,
        }
    }

    /// Of a context that could not be made.
    pub fn of_settings(detail: impl fmt::Display) -> Self {
        Self::new(Reason::Failed, detail.to_string())
    }

    /// A connection that ended before the handshake was done.
    pub fn of_end() -> Self {
        Self::new(Reason::Closed, "")
    }

    /// A connection that broke before the handshake was done.
    pub fn of_socket(error: &io::Error) -> Self {
        Self {
            reason: Reason::Closed,
            detail: String::new(),
            errno: error.raw_os_error(),
        }
    }

    /// What the library found.
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
            // No record begins like this, at the beginning or in the middle.
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => (Reason::NotTls, String::new()),
            Error::DecryptError => (Reason::BadRecord, String::new()),
            Error::PeerMisbehaved(PeerMisbehaved::TooManyRenegotiationRequests) => {
                (Reason::Renegotiation, String::new())
            }
            Error::PeerMisbehaved(what) => (Reason::Misbehaved, spaced(&format!("{what:?}"))),
            Error::InvalidMessage(what) => (Reason::Misbehaved, spaced(&format!("{what:?}"))),
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                (Reason::Misbehaved, error.to_string())
            }
            other => (Reason::Failed, other.to_string()),
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
        other => (Reason::CertificateInvalid, other.to_string()),
    }
}

fn of_incompatibility(what: &PeerIncompatible) -> (Reason, String) {
    use PeerIncompatible as Peer;
    match what {
        Peer::ServerDoesNotSupportTls12Or13
        | Peer::ServerTlsVersionIsDisabledByOurConfig
        | Peer::SupportedVersionsExtensionRequired
        | Peer::Tls12NotOffered
        | Peer::Tls12NotOfferedOrEnabled
        // A ClientHello without it is one of before TLS 1.2.
        | Peer::SignatureAlgorithmsExtensionRequired => (Reason::NoCommonVersion, String::new()),
        Peer::NoCipherSuitesInCommon
        | Peer::NoKxGroupsInCommon
        | Peer::NoSignatureSchemesInCommon
        | Peer::NoCertificateRequestSignatureSchemesInCommon
        | Peer::NoEcPointFormatsInCommon => (Reason::NoCommonCipher, spaced(&format!("{what:?}"))),
        other => (Reason::Misbehaved, spaced(&format!("{other:?}"))),
    }
}

fn names(expected: &ServerName<'_>, presented: &[String]) -> String {
    let wanted = expected.to_str();
    if presented.is_empty() {
        format!("it has no names, and should be for {wanted}")
    } else {
        format!("it is for {}, and should be for {wanted}", presented.join(", "))
    }
}

/// The name of an alert as the RFC writes it.
fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnrecognisedName => "unrecognized_name".to_owned(),
        AlertDescription::UnknownCA => "unknown_ca".to_owned(),
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity".to_owned(),
        AlertDescription::Unknown(number) => format!("number {number}"),
        other => separated(&format!("{other:?}"), '_'),
    }
}

/// `TooManyKeyUpdates` as words.
fn spaced(name: &str) -> String {
    separated(name, ' ')
}

fn separated(name: &str, separator: char) -> String {
    let mut text = String::with_capacity(name.len() + 8);
    let mut after_small = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_small {
            text.push(separator);
        }
        after_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// The day, as ISO 8601 writes it.
fn date(time: UnixTime) -> String {
    // Days since 1 March of the year 0 in eras of 400 years, so that a leap day is the last of its year.
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
    fn a_day_is_written_as_people_read_it() {
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
    fn alerts_are_named_as_the_standard_does() {
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(
            alert_name(AlertDescription::NoApplicationProtocol),
            "no_application_protocol"
        );
        assert_eq!(alert_name(AlertDescription::BadRecordMac), "bad_record_mac");
        assert_eq!(alert_name(AlertDescription::Unknown(200)), "number 200");
    }
}
