//! The certificate of TURN over TLS: the operator's, or one that is made once and pinned.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{0} holds no certificate, or no key, in PEM")]
    NotPem(PathBuf),
    /// Key and certificate do not go together, or cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// None could be made.
    #[error("no certificate could be made: {0}")]
    NotMade(#[from] rcgen::Error),
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    pub(crate) config: Arc<rustls::ServerConfig>,
    sha256: String,
}

impl TlsIdentity {
    /// One that is made now and known to nobody.
    ///
    /// # Errors
    /// [`TlsError`] if it cannot be made.
    pub fn self_signed() -> Result<Self, TlsError> {
        Self::from_pem(&make_pem()?, Path::new("a certificate in memory"))
    }

    /// The self-signed one that is kept in a file; it is made if there is none yet.
    ///
    /// # Errors
    /// [`TlsError`] if the file cannot be read, written or understood.
    pub fn kept_in(path: &Path) -> Result<Self, TlsError> {
        let failed = |source| TlsError::File { path: path.to_owned(), source };
        match fs::read(path) {
            Ok(pem) => Self::from_pem(&pem, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pem = make_pem()?;
                write_private(path, &pem).map_err(failed)?;
                Self::from_pem(&pem, path)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The operator's, from PEM files.
    ///
    /// # Errors
    /// [`TlsError`] if the files cannot be read or understood.
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
        };
        let chain = read_certificates(&read(certificates)?, certificates)?;
        Self::new(chain, read_key(&read(key)?, key)?)
    }

    /// SHA-256 of the certificate that clients are shown, in lower-case hexadecimal.
    pub fn certificate_sha256(&self) -> &str {
        &self.sha256
    }

    fn from_pem(pem: &[u8], path: &Path) -> Result<Self, TlsError> {
        Self::new(read_certificates(pem, path)?, read_key(pem, path)?)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let digest = chain.first().map(Sha256::digest).unwrap_or_default();
        let sha256 = digest.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self { config: Arc::new(config), sha256 })
    }
}

fn read_certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_| TlsError::NotPem(path.to_owned()))?;
    if chain.is_empty() { Err(TlsError::NotPem(path.to_owned())) } else { Ok(chain) }
}

fn read_key(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsError::NotPem(path.to_owned()))
}

/// Certificate and key. Clients know it by its digest, so that no name matters.
fn make_pem() -> Result<Vec<u8>, TlsError> {
    let key = rcgen::KeyPair::generate()?;
    let parameters = rcgen::CertificateParams::new(vec!["tincan.invalid".to_owned()])?;
    let certificate = parameters.self_signed(&key)?;
    Ok((certificate.pem() + &key.serialize_pem()).into_bytes())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
