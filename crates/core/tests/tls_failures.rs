//! Every error of rustls and webpki, put through the table of `tls/failure.rs`: each gives a reason and words.
//!
//! The lists below hold all variants of `rustls::Error` and of the types in it. Those types are `non_exhaustive`, so
//! the compiler does not report a new one; the table words it by rule.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use rustls::{
    AlertDescription, CertRevocationListError, CertificateError, ContentType, EncryptedClientHelloError,
    Error, ExtendedKeyPurpose, HandshakeType, InconsistentKeys, InvalidMessage, OtherError, PeerIncompatible,
    PeerMisbehaved,
    pki_types::{ServerName, UnixTime},
};
use structio_core::tls::{Failure, Reason};

#[test]
fn no_error_of_rustls_is_worded_in_rust_syntax() {
    for error in everything() {
        let Failure { reason, detail, .. } = Failure::of_library(&error);
        assert!(is_words(&detail), "{error:?} gives {reason:?}: {detail}");
    }
    for refused in everything() {
        let Failure { detail, .. } = Failure::of_refused_settings(&refused);
        assert!(is_words(&detail), "{refused:?} as settings gives {detail}");
    }
}

#[test]
fn an_invalid_certificate_has_the_same_reason_as_with_openssl() {
    use webpki::Error as Webpki;
    let reason = |error: CertificateError| Failure::of_library(&error.into()).reason;
    let by_webpki = |error: Webpki| reason(CertificateError::Other(OtherError(Arc::new(error))));
    for (error, expected) in [
        (Webpki::CaUsedAsEndEntity, Reason::CertificateWrongPurpose),
        (Webpki::MalformedExtensions, Reason::CertificateMalformed),
        (Webpki::UnsupportedCertVersion, Reason::CertificateMalformed),
        (Webpki::NameConstraintViolation, Reason::CertificateInvalid),
        (Webpki::MaximumPathDepthExceeded, Reason::CertificateInvalid),
    ] {
        assert_eq!(by_webpki(error), expected);
    }
    assert_eq!(
        reason(CertificateError::UnhandledCriticalExtension),
        Reason::CertificateInvalid
    );
    let other = OtherError(Arc::new(std::io::Error::other("Some { debug: Text }")));
    assert_eq!(
        Failure::of_library(&CertificateError::Other(other).into()).detail,
        ""
    );
}

#[test]
fn names_of_a_certificate_are_shown_without_their_types() {
    let error = CertificateError::NotValidForNameContext {
        expected: ServerName::try_from("b.test").expect("a name"),
        presented: vec![
            "DnsName(\"a.test\")".to_owned(),
            "IpAddress(127.0.0.1)".to_owned(),
            "DirectoryName".to_owned(),
        ],
    };
    let Failure { reason, detail, .. } = Failure::of_library(&error.into());
    assert_eq!(reason, Reason::CertificateWrongName);
    assert_eq!(
        detail,
        "it is for a.test, 127.0.0.1, directory name, and should be for b.test"
    );
}

#[test]
fn an_error_is_worded_by_its_name() {
    let detail = |error: Error| Failure::of_library(&error).detail;
    assert_eq!(
        detail(PeerMisbehaved::TooManyKeyUpdateRequests.into()),
        "too many key update requests"
    );
    let algorithm = CertificateError::UnsupportedSignatureAlgorithmContext {
        signature_algorithm_id: vec![1],
        supported_algorithms: Vec::new(),
    };
    assert_eq!(detail(algorithm.into()), "unsupported signature algorithm");
    let message = Error::InappropriateMessage {
        expect_types: vec![ContentType::Handshake, ContentType::ChangeCipherSpec],
        got_type: ContentType::ApplicationData,
    };
    assert_eq!(
        detail(message),
        "it sent application data instead of handshake or change cipher spec"
    );
}

/// Whether a text has no braces, brackets or quotes, and no word with a capital inside. Names of alerts have
/// underscores.
fn is_words(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let camel = letters
        .windows(2)
        .any(|pair| pair[0].is_ascii_alphanumeric() && pair[1].is_ascii_uppercase());
    !camel && !text.contains(['{', '}', '[', ']', '(', ')', '"'])
}

fn everything() -> Vec<Error> {
    let mut all: Vec<Error> = vec![
        Error::NoCertificatesPresented,
        Error::UnsupportedNameType,
        Error::DecryptError,
        Error::EncryptError,
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::PeerSentOversizedRecord,
        Error::NoApplicationProtocol,
        Error::BadMaxFragmentSize,
        Error::General("something else".to_owned()),
        Error::Other(OtherError(Arc::new(std::io::Error::other(
            "Some { debug: Text }",
        )))),
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
        Error::InconsistentKeys(InconsistentKeys::Unknown),
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::InvalidConfigList),
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::NoCompatibleConfig),
        Error::InvalidEncryptedClientHello(EncryptedClientHelloError::SniRequired),
        Error::InappropriateMessage {
            expect_types: Vec::new(),
            got_type: ContentType::Unknown(99),
        },
        Error::InappropriateHandshakeMessage {
            expect_types: vec![HandshakeType::ServerHello, HandshakeType::HelloRetryRequest],
            got_type: HandshakeType::KeyUpdate,
        },
    ];
    all.extend(messages().into_iter().map(Error::from));
    all.extend(misbehaviour().into_iter().map(Error::from));
    all.extend(incompatibilities().into_iter().map(Error::from));
    all.extend(certificates().into_iter().map(Error::from));
    all.extend(lists().into_iter().map(Error::from));
    all.extend(alerts().into_iter().map(Error::AlertReceived));
    let of_webpki =
        |error| CertificateError::Other(OtherError(Arc::new(error) as Arc<dyn StdError + Send + Sync>));
    all.extend(webpki_errors().into_iter().map(of_webpki).map(Error::from));
    all
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn messages() -> Vec<InvalidMessage> {
    vec![
        InvalidMessage::CertificatePayloadTooLarge,
        InvalidMessage::HandshakePayloadTooLarge,
        InvalidMessage::InvalidCcs,
        InvalidMessage::InvalidContentType,
        InvalidMessage::InvalidCertificateStatusType,
        InvalidMessage::InvalidCertRequest,
        InvalidMessage::InvalidDhParams,
        InvalidMessage::InvalidEmptyPayload,
        InvalidMessage::InvalidKeyUpdate,
        InvalidMessage::InvalidServerName,
        InvalidMessage::MessageTooLarge,
        InvalidMessage::MessageTooShort,
        InvalidMessage::MissingKeyExchange,
        InvalidMessage::NoSignatureSchemes,
        InvalidMessage::UnknownProtocolVersion,
        InvalidMessage::UnsupportedCompression,
        InvalidMessage::UnsupportedCurveType,
        InvalidMessage::EmptyTicketValue,
        InvalidMessage::IllegalEmptyValue,
        InvalidMessage::PreSharedKeyIsNotFinalExtension,
        InvalidMessage::UnknownHelloRetryRequestExtension,
        InvalidMessage::UnknownCertificateExtension,
        InvalidMessage::MissingData("HandshakePayload"),
        InvalidMessage::TrailingData("HandshakePayload"),
        InvalidMessage::UnexpectedMessage("HandshakePayload"),
        InvalidMessage::IllegalEmptyList("ProtocolNames"),
        InvalidMessage::DuplicateExtension(7),
    ]
}

fn misbehaviour() -> Vec<PeerMisbehaved> {
    vec![
        PeerMisbehaved::AttemptedDowngradeToTls12WhenTls13IsSupported,
        PeerMisbehaved::BadCertChainExtensions,
        PeerMisbehaved::CipherSuiteDifferedOnRetry,
        PeerMisbehaved::DisallowedEncryptedExtension,
        PeerMisbehaved::DuplicateClientHelloExtensions,
        PeerMisbehaved::DuplicateEncryptedExtensions,
        PeerMisbehaved::DuplicateHelloRetryRequestExtensions,
        PeerMisbehaved::DuplicateNewSessionTicketExtensions,
        PeerMisbehaved::DuplicateServerHelloExtensions,
        PeerMisbehaved::DuplicateServerNameTypes,
        PeerMisbehaved::EarlyDataAttemptedInSecondClientHello,
        PeerMisbehaved::EarlyDataExtensionWithoutResumption,
        PeerMisbehaved::EarlyDataOfferedWithVariedCipherSuite,
        PeerMisbehaved::EchAcceptanceVariedAfterRetry,
        PeerMisbehaved::HandshakeHashVariedAfterRetry,
        PeerMisbehaved::IllegalHelloRetryRequestWithEmptyCookie,
        PeerMisbehaved::IllegalHelloRetryRequestWithNoChanges,
        PeerMisbehaved::IllegalHelloRetryRequestWithOfferedGroup,
        PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedCipherSuite,
        PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedNamedGroup,
        PeerMisbehaved::IllegalHelloRetryRequestWithUnsupportedVersion,
        PeerMisbehaved::IllegalHelloRetryRequestWithWrongSessionId,
        PeerMisbehaved::IllegalHelloRetryRequestWithInvalidEch,
        PeerMisbehaved::IllegalMiddleboxChangeCipherSpec,
        PeerMisbehaved::IllegalTlsInnerPlaintext,
        PeerMisbehaved::IncorrectBinder,
        PeerMisbehaved::InvalidCertCompression,
        PeerMisbehaved::InvalidMaxEarlyDataSize,
        PeerMisbehaved::InvalidKeyShare,
        PeerMisbehaved::KeyEpochWithPendingFragment,
        PeerMisbehaved::KeyUpdateReceivedInQuicConnection,
        PeerMisbehaved::MessageInterleavedWithHandshakeMessage,
        PeerMisbehaved::MissingBinderInPskExtension,
        PeerMisbehaved::MissingKeyShare,
        PeerMisbehaved::MissingPskExtensionInSecondClientHello,
        PeerMisbehaved::MissingPskModesExtension,
        PeerMisbehaved::MissingQuicTransportParameters,
        PeerMisbehaved::OfferedDuplicateCertificateCompressions,
        PeerMisbehaved::OfferedDuplicateKeyShares,
        PeerMisbehaved::OfferedEarlyDataWithOldProtocolVersion,
        PeerMisbehaved::OfferedEmptyApplicationProtocol,
        PeerMisbehaved::OfferedIncorrectCompressions,
        PeerMisbehaved::PskExtensionMustBeLast,
        PeerMisbehaved::PskExtensionWithMismatchedIdsAndBinders,
        PeerMisbehaved::RefusedToFollowHelloRetryRequest,
        PeerMisbehaved::RejectedEarlyDataInterleavedWithHandshakeMessage,
        PeerMisbehaved::ResumptionAttemptedWithVariedEms,
        PeerMisbehaved::ResumptionOfferedWithVariedCipherSuite,
        PeerMisbehaved::ResumptionOfferedWithVariedEms,
        PeerMisbehaved::ResumptionOfferedWithIncompatibleCipherSuite,
        PeerMisbehaved::SelectedDifferentCipherSuiteAfterRetry,
        PeerMisbehaved::SelectedInvalidPsk,
        PeerMisbehaved::SelectedTls12UsingTls13VersionExtension,
        PeerMisbehaved::SelectedUnofferedApplicationProtocol,
        PeerMisbehaved::SelectedUnofferedCertCompression,
        PeerMisbehaved::SelectedUnofferedCipherSuite,
        PeerMisbehaved::SelectedUnofferedCompression,
        PeerMisbehaved::SelectedUnofferedKxGroup,
        PeerMisbehaved::SelectedUnofferedPsk,
        PeerMisbehaved::SelectedUnusableCipherSuiteForVersion,
        PeerMisbehaved::ServerEchoedCompatibilitySessionId,
        PeerMisbehaved::ServerHelloMustOfferUncompressedEcPoints,
        PeerMisbehaved::ServerNameDifferedOnRetry,
        PeerMisbehaved::ServerNameMustContainOneHostName,
        PeerMisbehaved::SignedKxWithWrongAlgorithm,
        PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme,
        PeerMisbehaved::TooManyEmptyFragments,
        PeerMisbehaved::TooManyKeyUpdateRequests,
        PeerMisbehaved::TooManyRenegotiationRequests,
        PeerMisbehaved::TooManyWarningAlertsReceived,
        PeerMisbehaved::TooMuchEarlyDataReceived,
        PeerMisbehaved::UnexpectedCleartextExtension,
        PeerMisbehaved::UnsolicitedCertExtension,
        PeerMisbehaved::UnsolicitedEncryptedExtension,
        PeerMisbehaved::UnsolicitedSctList,
        PeerMisbehaved::UnsolicitedServerHelloExtension,
        PeerMisbehaved::WrongGroupForKeyShare,
        PeerMisbehaved::UnsolicitedEchExtension,
    ]
}

fn incompatibilities() -> Vec<PeerIncompatible> {
    vec![
        PeerIncompatible::EcPointsExtensionRequired,
        PeerIncompatible::ExtendedMasterSecretExtensionRequired,
        PeerIncompatible::IncorrectCertificateTypeExtension,
        PeerIncompatible::KeyShareExtensionRequired,
        PeerIncompatible::NamedGroupsExtensionRequired,
        PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon,
        PeerIncompatible::NoCipherSuitesInCommon,
        PeerIncompatible::NoEcPointFormatsInCommon,
        PeerIncompatible::NoKxGroupsInCommon,
        PeerIncompatible::NoSignatureSchemesInCommon,
        PeerIncompatible::NullCompressionRequired,
        PeerIncompatible::ServerDoesNotSupportTls12Or13,
        PeerIncompatible::ServerSentHelloRetryRequestWithUnknownExtension,
        PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        PeerIncompatible::SignatureAlgorithmsExtensionRequired,
        PeerIncompatible::SupportedVersionsExtensionRequired,
        PeerIncompatible::Tls12NotOffered,
        PeerIncompatible::Tls12NotOfferedOrEnabled,
        PeerIncompatible::Tls13RequiredForQuic,
        PeerIncompatible::UncompressedEcPointsRequired,
        PeerIncompatible::UnsolicitedCertificateTypeExtension,
        PeerIncompatible::ServerRejectedEncryptedClientHello(None),
    ]
}

fn certificates() -> Vec<CertificateError> {
    vec![
        CertificateError::BadEncoding,
        CertificateError::Expired,
        CertificateError::NotValidYet,
        CertificateError::Revoked,
        CertificateError::UnhandledCriticalExtension,
        CertificateError::UnknownIssuer,
        CertificateError::UnknownRevocationStatus,
        CertificateError::ExpiredRevocationList,
        CertificateError::BadSignature,
        CertificateError::NotValidForName,
        CertificateError::InvalidPurpose,
        CertificateError::InvalidOcspResponse,
        CertificateError::ApplicationVerificationFailure,
        CertificateError::ExpiredContext {
            time: at(2),
            not_after: at(1),
        },
        CertificateError::NotValidYetContext {
            time: at(1),
            not_before: at(2),
        },
        CertificateError::ExpiredRevocationListContext {
            time: at(2),
            next_update: at(1),
        },
        CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![1],
            supported_algorithms: Vec::new(),
        },
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![1],
            public_key_algorithm_id: vec![2],
        },
        CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("b.test").unwrap_or_else(|_| unreachable!("it is a name")),
            presented: vec!["Unsupported(0x80)".to_owned(), "IpAddress(::1)".to_owned()],
        },
        CertificateError::InvalidPurposeContext {
            required: ExtendedKeyPurpose::ServerAuth,
            presented: vec![
                ExtendedKeyPurpose::ClientAuth,
                ExtendedKeyPurpose::Other(vec![1, 2]),
            ],
        },
        CertificateError::Other(OtherError(Arc::new(std::io::Error::other(
            "Some { debug: Text }",
        )))),
    ]
}

fn lists() -> Vec<CertRevocationListError> {
    vec![
        CertRevocationListError::BadSignature,
        CertRevocationListError::InvalidCrlNumber,
        CertRevocationListError::InvalidRevokedCertSerialNumber,
        CertRevocationListError::IssuerInvalidForCrl,
        CertRevocationListError::ParseError,
        CertRevocationListError::UnsupportedCrlVersion,
        CertRevocationListError::UnsupportedCriticalExtension,
        CertRevocationListError::UnsupportedDeltaCrl,
        CertRevocationListError::UnsupportedIndirectCrl,
        CertRevocationListError::UnsupportedRevocationReason,
        CertRevocationListError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![1],
            supported_algorithms: Vec::new(),
        },
        CertRevocationListError::Other(OtherError(Arc::new(std::io::Error::other(
            "Some { debug: Text }",
        )))),
    ]
}

fn alerts() -> Vec<AlertDescription> {
    vec![
        AlertDescription::UnexpectedMessage,
        AlertDescription::BadRecordMac,
        AlertDescription::DecryptionFailed,
        AlertDescription::RecordOverflow,
        AlertDescription::DecompressionFailure,
        AlertDescription::HandshakeFailure,
        AlertDescription::NoCertificate,
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::IllegalParameter,
        AlertDescription::UnknownCA,
        AlertDescription::AccessDenied,
        AlertDescription::DecodeError,
        AlertDescription::DecryptError,
        AlertDescription::ExportRestriction,
        AlertDescription::ProtocolVersion,
        AlertDescription::InsufficientSecurity,
        AlertDescription::InternalError,
        AlertDescription::InappropriateFallback,
        AlertDescription::UserCanceled,
        AlertDescription::NoRenegotiation,
        AlertDescription::MissingExtension,
        AlertDescription::UnsupportedExtension,
        AlertDescription::CertificateUnobtainable,
        AlertDescription::UnrecognisedName,
        AlertDescription::BadCertificateStatusResponse,
        AlertDescription::BadCertificateHashValue,
        AlertDescription::UnknownPSKIdentity,
        AlertDescription::CertificateRequired,
        AlertDescription::NoApplicationProtocol,
        AlertDescription::EncryptedClientHelloRequired,
        AlertDescription::Unknown(200),
    ]
}

fn webpki_errors() -> Vec<webpki::Error> {
    use webpki::Error as Webpki;
    vec![
        Webpki::BadDer,
        Webpki::BadDerTime,
        Webpki::CaUsedAsEndEntity,
        Webpki::CertDistrusted,
        Webpki::CertRevoked,
        Webpki::EmptyEkuExtension,
        Webpki::EndEntityUsedAsCa,
        Webpki::ExtensionValueInvalid,
        Webpki::InvalidCertValidity,
        Webpki::InvalidCrlNumber,
        Webpki::InvalidNetworkMaskConstraint,
        Webpki::InvalidSerialNumber,
        Webpki::InvalidCrlSignatureForPublicKey,
        Webpki::InvalidSignatureForPublicKey,
        Webpki::IssuerNotCrlSigner,
        Webpki::MalformedDnsIdentifier,
        Webpki::MalformedExtensions,
        Webpki::MalformedNameConstraint,
        Webpki::MaximumNameConstraintComparisonsExceeded,
        Webpki::MaximumPathBuildCallsExceeded,
        Webpki::MaximumPathDepthExceeded,
        Webpki::MaximumSignatureChecksExceeded,
        Webpki::NameConstraintViolation,
        Webpki::PathLenConstraintViolated,
        Webpki::SignatureAlgorithmMismatch,
        Webpki::UnknownIssuer,
        Webpki::UnknownRevocationStatus,
        Webpki::UnsupportedCertVersion,
        Webpki::UnsupportedCriticalExtension,
        Webpki::UnsupportedCrlIssuingDistributionPoint,
        Webpki::UnsupportedCrlVersion,
        Webpki::UnsupportedDeltaCrl,
        Webpki::UnsupportedIndirectCrl,
        Webpki::UnsupportedNameType,
        Webpki::UnsupportedRevocationReason,
        Webpki::UnsupportedRevocationReasonsPartitioning,
        Webpki::CertExpired {
            time: at(2),
            not_after: at(1),
        },
        Webpki::CertNotValidYet {
            time: at(1),
            not_before: at(2),
        },
        Webpki::CrlExpired {
            time: at(2),
            next_update: at(1),
        },
    ]
}
