//! Whom a client of a `turns:` server trusts: one certificate by its hash, or the system's roots.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore};
use rustls::{Error, SignatureScheme};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// A pin must be 64 hexadecimal digits.
    #[error("the certificate's hash is not a SHA-256 in hexadecimal")]
    Pin,
    /// Nothing to verify a certificate with.
    #[error("the system trusts no certificate authority")]
    NoRoots,
    /// The library refused.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] Error),
}

/// Returns a configuration that accepts the certificate with this SHA-256 of its DER form alone
/// (whatever its name and dates say, for a self-signed one is known by nothing else), or without
/// a hash those that the system's authorities issued for the server's name.
pub fn tls_client_config(certificate_sha256: Option<&str>) -> Result<ClientConfig, TlsConfigError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    Ok(match certificate_sha256 {
        Some(pin) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { pin: parse(pin)?, provider }))
            .with_no_client_auth(),
        None => builder.with_root_certificates(system_roots()?).with_no_client_auth(),
    })
}

/// Returns the SHA-256 of a certificate in DER form as lower-case hexadecimal.
pub fn certificate_sha256(der: &[u8]) -> String {
    Sha256::digest(der).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The system's roots; read once, as it takes tens of milliseconds.
fn system_roots() -> Result<Arc<RootCertStore>, TlsConfigError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    if roots.is_empty() { Err(TlsConfigError::NoRoots) } else { Ok(roots.clone()) }
}

fn parse(pin: &str) -> Result<[u8; 32], TlsConfigError> {
    let mut hash = [0; 32];
    if pin.len() != 64 || !pin.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(TlsConfigError::Pin);
    }
    for (byte, digits) in hash.iter_mut().zip(pin.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| TlsConfigError::Pin)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| TlsConfigError::Pin)?;
    }
    Ok(hash)
}

/// Accepts one certificate. That its owner holds the key is verified as ever.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if Sha256::digest(certificate)[..] == self.pin {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
