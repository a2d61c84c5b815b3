//! TLS of the listener: its certificate and private key, which are read again when the files change.
//!
//! TLS 1.2 and 1.3 are offered, with the cipher suites of rustls, and HTTP/1.1 as the only protocol. A certificate that
//! cannot be used leaves the current one in place, so that a mistake in a renewal does not stop a running server.
//! Connections that are open keep the certificate of their handshake.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig, version};

use crate::config::TlsSettings;

/// The interval at which the files are compared with what was read.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// The most bytes of each file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The certificate of the listener. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct TlsIdentity(Arc<IdentityInner>);

#[derive(Debug)]
struct IdentityInner {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<CurrentIdentity>,
}

/// The certificate that handshakes use.
#[derive(Debug)]
struct CurrentIdentity {
    /// The hash of the files that it was read from.
    hash: [u8; 32],
    certified: Arc<CertifiedKey>,
}

impl ResolvesServerCert for IdentityInner {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().certified))
    }
}

impl TlsIdentity {
    /// Reads the certificate and the key that the settings name. `None` if they name none.
    ///
    /// # Errors
    ///
    /// Fails with a sentence for the operator if a file cannot be read, or if the key does not belong to the certificate.
    pub(super) fn read(settings: &TlsSettings) -> anyhow::Result<Option<Self>> {
        let (Some(certificate), Some(key)) = (&settings.tls_cert, &settings.tls_key) else { return Ok(None) };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let files = read_files(certificate, key)?;
        let certified = certified_key(&files, (certificate, key), &provider)?;
        let current = RwLock::new(CurrentIdentity { hash: hash_of(&files), certified });
        Ok(Some(Self(Arc::new(IdentityInner {
            certificate: certificate.clone(),
            key: key.clone(),
            provider,
            current,
        }))))
    }

    /// Returns the acceptor of connections.
    pub(super) fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.0.provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .context("TLS 1.2 and 1.3 are not available")?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::<IdentityInner>::clone(&self.0));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again, and uses them from the next handshake on if they changed. A certificate that cannot be used
    /// is logged.
    pub(super) fn reload(&self) {
        if let Err(problem) = self.try_reload() {
            tracing::warn!(problem = format!("{problem:#}"), "the TLS certificate read last stays in use");
        }
    }

    fn try_reload(&self) -> anyhow::Result<()> {
        let IdentityInner { certificate, key, provider, current } = &*self.0;
        let files = read_files(certificate, key)?;
        let hash = hash_of(&files);
        if current.read().hash == hash {
            return Ok(());
        }
        let certified = certified_key(&files, (certificate, key), provider)?;
        *current.write() = CurrentIdentity { hash, certified };
        tracing::info!(certificate = %certificate.display(), "a new TLS certificate is in use");
        Ok(())
    }

    /// Reloads the files when they change, without end.
    pub(super) async fn reload_loop(self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            let identity = self.clone();
            // Reading files may block. The task ends only if the runtime does.
            let _ended = tokio::task::spawn_blocking(move || identity.reload()).await;
        }
    }
}

/// Returns why the certificate and the key that the settings name cannot be used, or `None` if they can.
pub(crate) fn tls_problem(settings: &TlsSettings) -> Option<String> {
    TlsIdentity::read(settings).err().map(|problem| format!("{problem:#}"))
}

fn read_files(certificate: &Path, key: &Path) -> anyhow::Result<[Vec<u8>; 2]> {
    let read = |path: &Path| {
        use std::io::Read as _;
        let mut content = Vec::new();
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        file.take(FILE_BYTES_MAX)
            .read_to_end(&mut content)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok::<_, anyhow::Error>(content)
    };
    Ok([read(certificate)?, read(key)?])
}

/// Returns the hash of the certificate and the key.
fn hash_of(files: &[Vec<u8>; 2]) -> [u8; 32] {
    let hashes = files.each_ref().map(Sha256::digest);
    Sha256::digest(hashes.concat()).into()
}

fn certified_key(
    [certificate, key]: &[Vec<u8>; 2],
    (certificate_path, key_path): (&Path, &Path),
    provider: &CryptoProvider,
) -> anyhow::Result<Arc<CertifiedKey>> {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).with_context(|| {
        format!(
            "{} has no certificate: write the server's certificate, followed by those of intermediate authorities, each \
             as a block `-----BEGIN CERTIFICATE-----`",
            certificate_path.display()
        )
    })?;
    let key = PrivateKeyDer::from_pem_slice(key).ok().with_context(|| {
        format!("{} has no private key: write it as a block `-----BEGIN PRIVATE KEY-----`", key_path.display())
    })?;
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => anyhow::anyhow!(
            "the private key in {} does not belong to the certificate in {}",
            key_path.display(),
            certificate_path.display()
        ),
        error => anyhow::Error::new(error).context(format!(
            "the certificate in {} and the key in {} cannot be used",
            certificate_path.display(),
            key_path.display()
        )),
    })?;
    Ok(Arc::new(certified))
}
