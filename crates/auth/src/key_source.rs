//! Sources of verification keys: fixed keys, a secret or PEM keys in a file, or a key set (JWKS) in a file or at a URL
//! that is refreshed.
//!
//! The keys loaded last are always available without waiting. A key set is loaded again at an interval, and when a token
//! names a key that it does not contain; tokens cause at most one request per [`COOL_DOWN`] and issuer. A key set that
//! cannot be loaded, or has no usable key, leaves the keys unchanged, so that an unreachable issuer does not lock its
//! callers out. Secrets and PEM keys in files are only loaded again on request (the operator's signal). URLs are `https`, or `http` on this machine; redirects are not followed, because a redirect would let
//! another server choose the keys.

use std::fmt;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use reqwest::Url;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{ConfigProblem, VerificationKeys, jwks};

/// The maximum size of a key set, in bytes. A large one has 64 keys of 4 kB, certificates included.
const KEY_SET_BYTES_MAX: usize = 512 * 1024;
/// The time after loading a key set, or failing to, in which tokens do not cause another attempt.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// The maximum time between a failure and the next attempt.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// When a key set is loaded again, and how long loading may take.
#[derive(Clone, Copy, Debug)]
pub struct RefreshPolicy {
    /// The interval between two loads.
    pub refresh: Duration,
    /// The timeout of one load.
    pub timeout: Duration,
}

/// The policy of keys that are not loaded again by themselves.
const NEVER: RefreshPolicy = RefreshPolicy { refresh: Duration::MAX, timeout: Duration::from_secs(30) };

/// A source of verification keys, and the keys loaded last.
pub struct KeySource {
    origin: KeyOrigin,
    policy: RefreshPolicy,
    snapshot: RwLock<Arc<KeySnapshot>>,
    /// The time of the last attempt to load the key set. Locked during an attempt.
    attempted_at: Mutex<Option<Instant>>,
}

/// The keys at one time.
pub(super) struct KeySnapshot {
    pub(super) keys: VerificationKeys,
    /// Increases whenever the keys change.
    pub(super) version: u64,
    /// What the keys were parsed from.
    text: String,
}

enum KeyOrigin {
    /// Keys from the configuration, which never change.
    Fixed,
    /// A file with a secret.
    SecretFile(PathBuf),
    /// A file with public keys in PEM form.
    PemFile(PathBuf),
    /// A file with a key set.
    File(PathBuf),
    /// The URL of a key set.
    Url(Url, reqwest::Client),
}

impl KeySource {
    /// Creates a source of keys that never change.
    pub fn fixed(keys: VerificationKeys) -> Arc<Self> {
        Self::new(KeyOrigin::Fixed, keys, NEVER)
    }

    /// Creates a source from a file with a key set (JWKS), and loads it. Fails if the key set cannot be used.
    pub fn from_file(path: &Path, policy: RefreshPolicy) -> Result<Arc<Self>, ConfigProblem> {
        Self::loaded(KeyOrigin::File(path.to_owned()), policy)
    }

    /// Creates a source from a file with a secret (HS256), without the line break at its end, and loads it. Fails if the
    /// secret cannot be used.
    pub fn from_secret_file(path: &Path) -> Result<Arc<Self>, ConfigProblem> {
        Self::loaded(KeyOrigin::SecretFile(path.to_owned()), NEVER)
    }

    /// Creates a source from a file with public keys in PEM form, and loads it. Fails if the keys cannot be used.
    pub fn from_pem_file(path: &Path) -> Result<Arc<Self>, ConfigProblem> {
        Self::loaded(KeyOrigin::PemFile(path.to_owned()), NEVER)
    }

    fn loaded(origin: KeyOrigin, policy: RefreshPolicy) -> Result<Arc<Self>, ConfigProblem> {
        let source = Self::new(origin, VerificationKeys::from_key_set(Vec::new()), policy);
        let path = match &source.origin {
            KeyOrigin::File(path) | KeyOrigin::SecretFile(path) | KeyOrigin::PemFile(path) => path,
            KeyOrigin::Fixed | KeyOrigin::Url(..) => return Ok(source),
        };
        let problem = |reason: String| ConfigProblem::new(format!("{source:?} cannot be used: {reason}"));
        let text = read_file(path).map_err(problem)?;
        let keys = source.parse(&text).map_err(problem)?;
        *source.snapshot.write() = Arc::new(KeySnapshot { keys, version: 0, text });
        Ok(source)
    }

    /// Creates a source from the URL of a key set (JWKS), without loading it: see [`Self::load`]. `ca_file` is a PEM
    /// file of certificates to trust in addition to the system's.
    pub fn from_url(url: &str, policy: RefreshPolicy, ca_file: Option<&Path>) -> Result<Arc<Self>, ConfigProblem> {
        let url = parse_url(url)?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(policy.timeout)
            // Requests are rare, and an idle connection would belong to the thread that opened it.
            .pool_max_idle_per_host(0)
            .tls_certs_merge(ca_file.map(certificates).transpose()?.unwrap_or_default())
            .user_agent(concat!("auditgraph/", env!("CARGO_PKG_VERSION")));
        let client = if url.scheme() == "http" { client.no_proxy() } else { client };
        let client = client
            .build()
            .map_err(|why| ConfigProblem::new(format!("the HTTP client for key sets cannot be created: {why}")))?;
        Ok(Self::new(KeyOrigin::Url(url, client), VerificationKeys::from_key_set(Vec::new()), policy))
    }

    fn new(origin: KeyOrigin, keys: VerificationKeys, policy: RefreshPolicy) -> Arc<Self> {
        let snapshot = RwLock::new(Arc::new(KeySnapshot { keys, version: 0, text: String::new() }));
        Arc::new(Self { origin, policy, snapshot, attempted_at: Mutex::new(None) })
    }

    /// Whether the verification key can also sign tokens.
    pub(super) fn is_symmetric(&self) -> bool {
        self.current().keys.is_symmetric()
    }

    /// Returns the keys loaded last.
    pub(super) fn current(&self) -> Arc<KeySnapshot> {
        Arc::clone(&self.snapshot.read())
    }

    /// Loads the key set again because `seen` lacks a key, unless the last attempt was less than [`COOL_DOWN`] ago or
    /// the keys have changed since. Returns the current keys.
    pub(super) async fn refreshed(self: &Arc<Self>, seen: &Arc<KeySnapshot>) -> Arc<KeySnapshot> {
        if self.is_refreshed() {
            let (source, seen) = (Arc::clone(self), Arc::clone(seen));
            // In a separate task, so that a client that disconnects does not cancel the request but start the cool-down.
            let refresh = tokio::spawn(async move {
                let mut attempted_at = source.attempted_at.lock().await;
                let is_cooling_down = attempted_at.is_some_and(|at| at.elapsed() < COOL_DOWN);
                if !is_cooling_down && Arc::ptr_eq(&seen, &source.current()) {
                    *attempted_at = Some(Instant::now());
                    source.refresh_and_log().await;
                }
            });
            let _ended = refresh.await;
        }
        self.current()
    }

    /// Loads the key set, or returns why it cannot be loaded.
    pub async fn load(&self) -> Result<(), ConfigProblem> {
        self.try_load().await.map_err(|reason| ConfigProblem::new(format!("{self:?} cannot be read: {reason}")))
    }

    /// Whether the keys are a key set, which is loaded again at an interval and when a token names an unknown key.
    fn is_refreshed(&self) -> bool {
        matches!(self.origin, KeyOrigin::File(_) | KeyOrigin::Url(..))
    }

    /// Loads the key set at the interval of the policy. Returns only if the keys are not a key set.
    pub(super) async fn refresh_loop(&self) {
        if !self.is_refreshed() {
            return;
        }
        let mut is_loaded = self.current().keys.count() > 0;
        loop {
            let pause = if is_loaded { self.policy.refresh } else { self.policy.refresh.min(RETRY_INTERVAL) };
            tokio::time::sleep(pause).await;
            let mut attempted_at = self.attempted_at.lock().await;
            *attempted_at = Some(Instant::now());
            is_loaded = self.refresh_and_log().await;
        }
    }

    /// Loads the key set and logs a failure. Returns whether it was loaded.
    async fn refresh_and_log(&self) -> bool {
        match self.try_load().await {
            Ok(()) => true,
            Err(reason) => {
                tracing::warn!(source = ?self, reason, "a key set cannot be read; the keys read last stay in use");
                false
            }
        }
    }

    async fn try_load(&self) -> Result<(), String> {
        let text = match &self.origin {
            KeyOrigin::Fixed => return Ok(()),
            KeyOrigin::File(path) | KeyOrigin::SecretFile(path) | KeyOrigin::PemFile(path) => {
                let path = path.clone();
                let reading = tokio::task::spawn_blocking(move || read_file(&path));
                let read = tokio::time::timeout(self.policy.timeout, reading).await;
                read.map_err(|_elapsed| "reading it timed out".to_owned())?
                    .map_err(|_aborted| "reading it was aborted".to_owned())??
            }
            KeyOrigin::Url(url, client) => download(url, client).await?,
        };
        if text != self.current().text {
            let keys = self.parse(&text)?;
            tracing::info!(source = ?self, keys = ?keys, "new keys were read");
            let mut snapshot = self.snapshot.write();
            *snapshot = Arc::new(KeySnapshot { keys, version: snapshot.version + 1, text });
        }
        Ok(())
    }

    /// Parses the keys in what was read. The error is the reason.
    fn parse(&self, text: &str) -> Result<VerificationKeys, String> {
        match &self.origin {
            KeyOrigin::SecretFile(_) => {
                VerificationKeys::secret(without_line_break(text)).map_err(|problem| problem.to_string())
            }
            KeyOrigin::PemFile(_) => VerificationKeys::public(text).map_err(|problem| problem.to_string()),
            KeyOrigin::Fixed | KeyOrigin::File(_) | KeyOrigin::Url(..) => jwks::parse(text).map_err(str::to_owned),
        }
    }
}

/// Returns the content of a file with a secret: everything but the line break at its end, which most editors add.
pub fn without_line_break(content: &str) -> &str {
    let line = content.strip_suffix('\n').unwrap_or(content);
    line.strip_suffix('\r').unwrap_or(line)
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            KeyOrigin::Fixed => write!(f, "keys {:?}", self.current().keys),
            KeyOrigin::SecretFile(path) => write!(f, "the secret in {}", path.display()),
            KeyOrigin::PemFile(path) => write!(f, "the public keys in {}", path.display()),
            KeyOrigin::File(path) => write!(f, "the key set in {}", path.display()),
            // The query may contain a secret.
            KeyOrigin::Url(url, _) => write!(f, "the key set at {}{}", url.origin().ascii_serialization(), url.path()),
        }
    }
}

fn parse_url(url: &str) -> Result<Url, ConfigProblem> {
    let problem = |reason: &str| ConfigProblem::new(format!("the URL of the key set {reason}"));
    let url = Url::parse(url).map_err(|_invalid| problem("is not valid: write it with `https://`"))?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if !(url.scheme() == "https" || url.scheme() == "http" && is_local) {
        return Err(problem(
            "is not `https`, so the keys could be replaced in transit: use `https`; `http` is allowed only on this \
             machine (127.0.0.1, localhost)",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("contains a user name or password: remove them, key sets are public"));
    }
    Ok(url)
}

/// Reads the certificates in a PEM file.
fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, ConfigProblem> {
    let problem =
        |reason: &str| ConfigProblem::new(format!("the certificates in {} cannot be used: {reason}", path.display()));
    let pem = read_file(path).map_err(|reason| problem(&reason))?;
    match reqwest::Certificate::from_pem_bundle(pem.as_bytes()) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(problem("the file must have one `-----BEGIN CERTIFICATE-----` block per certificate")),
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|why| why.to_string())?;
    let mut content = String::new();
    let limit = KEY_SET_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut content).map_err(|why| why.to_string())?;
    if content.len() > KEY_SET_BYTES_MAX { Err(too_long()) } else { Ok(content) }
}

async fn download(url: &Url, client: &reqwest::Client) -> Result<String, String> {
    let reason = |why: reqwest::Error| with_causes(&why.without_url());
    let mut response = client.get(url.clone()).header("accept", "application/json").send().await.map_err(reason)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("the response was {}", response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        if bytes.len() + chunk.len() > KEY_SET_BYTES_MAX {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_invalid| "it is not UTF-8".to_owned())
}

/// Formats an error with its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn too_long() -> String {
    format!("it is longer than {} KiB", KEY_SET_BYTES_MAX / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_https_or_local() {
        for good in [
            "https://login.microsoftonline.com/common/discovery/v2.0/keys",
            "http://127.0.0.1:8080/keys",
            "http://127.9.9.9/keys",
            "http://[::1]:1/keys",
            "http://localhost/keys",
            "HTTPS://issuer.example",
        ] {
            assert!(parse_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://issuer.example/keys",
            "http://10.0.0.1/keys",
            "http://localhost.evil.example/keys",
            "http://127.0.0.1.evil.example/keys",
            "http://localhost@evil.example/keys",
            "ftp://issuer.example/keys",
            "file:///etc/keys",
            "issuer.example/keys",
            "",
            "https://user:password@issuer.example/keys",
        ] {
            let why = parse_url(bad).unwrap_err().to_string();
            assert!(!why.contains("password@"), "{why}");
        }
    }

    #[test]
    fn line_break_at_the_end_of_a_secret_is_ignored() {
        for (content, secret) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a "), ("", "")]
        {
            assert_eq!(without_line_break(content), secret, "{content:?}");
        }
    }

    #[tokio::test]
    async fn secret_file_is_loaded_on_request_and_an_invalid_one_is_ignored() {
        let folder = std::env::temp_dir().join(format!("auditgraph-secret-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("secret");
        let write = |content: &str| std::fs::write(&file, content).unwrap();
        write("a secret for tests that is long enough\n");
        let source = KeySource::from_secret_file(&file).unwrap();
        assert!(source.is_symmetric());
        let versions = async |content: &str| {
            write(content);
            let loaded = source.load().await.is_ok();
            (loaded, source.current().version)
        };
        assert_eq!(versions("a secret for tests that is long enough\n").await, (true, 0));
        assert_eq!(versions("short").await, (false, 0));
        assert_eq!(versions("another secret for tests, long enough\n").await, (true, 1));
        write("short");
        let refused = KeySource::from_secret_file(&file).unwrap_err().to_string();
        assert!(refused.contains("5 bytes") && !refused.contains("short"), "{refused}");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(KeySource::from_pem_file(&file).unwrap_err().to_string().contains("the public keys in "));
    }

    #[test]
    fn debug_hides_query_of_url() {
        let policy = RefreshPolicy { refresh: RETRY_INTERVAL, timeout: RETRY_INTERVAL };
        let source = KeySource::from_url("https://issuer.example:8443/keys?code=hunter2#x", policy, None).unwrap();
        assert_eq!(format!("{source:?}"), "the key set at https://issuer.example:8443/keys");
    }
}
