//! `structio-load certificates FOLDER`: what a TLS benchmark needs, made anew for each run, so that no private key lives
//! in the project and no certificate of it can expire.

use std::error::Error;
use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};

/// What the clients trust.
pub const AUTHORITY: &str = "authority.pem";
/// What the servers show.
pub const CERTIFICATE: &str = "certificate.pem";
/// Its key, PKCS #8.
pub const KEY: &str = "key.pem";
/// A name and an address: the generator connects by the one and asks for the other.
pub const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// Writes an authority, and a certificate that it has signed. Both keys are P-256.
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let (authority, issuer) = authority()?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = server_params()?.signed_by(&key, &issuer)?;
    std::fs::write(folder.join(AUTHORITY), authority.pem())?;
    std::fs::write(folder.join(CERTIFICATE), certificate.pem())?;
    std::fs::write(folder.join(KEY), key.serialize_pem())?;
    Ok(())
}

fn authority() -> Result<(Certificate, Issuer<'static, KeyPair>), rcgen::Error> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "structio-load authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate, Issuer::new(params, key)))
}

fn server_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(NAMES.map(String::from))?;
    params.distinguished_name.push(DnType::CommonName, NAMES[0]);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}
