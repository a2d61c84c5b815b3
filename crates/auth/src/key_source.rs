//! Where keys come from, and how they stay fresh: given once, or a key set in a file or at an address.
//!
//! The keys read last are always available without waiting. A set is read again from time to time, and when a token
//! names a key that is not in it; that costs the issuer at most one request per [`COOL_DOWN`], whoever asks. A set that
//! cannot be read, or has no usable key, changes nothing: an issuer that is unreachable for a while does not lock
//! everybody out. Addresses are `https`, or `http` on this machine; redirects are not followed, because whoever can
//! send one would choose our keys.

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

/// The most bytes of a key set. A large one has 64 keys of 4 kB, certificates included.
const SET_BYTES_MAX: usize = 512 * 1024;
/// How long after a set was read, or tried to be, no token makes it be read again.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// How long after a failure the set is read again at the latest.
const RETRY: Duration = Duration::from_mins(1);

/// How often a key set is read, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub struct RefreshPolicy {
    /// How often it is read.
    pub refresh: Duration,
    /// How long reading it may take.
    pub timeout: Duration,
}

/// VerificationKeys, and where they come from.
pub struct KeySource {
    origin: KeyOrigin,
    policy: RefreshPolicy,
    snapshot: RwLock<Arc<KeySnapshot>>,
    /// When the set was last read, or tried to be; locked while it is.
    read_at: Mutex<Option<Instant>>,
}

/// VerificationKeys as they were at one time.
pub(super) struct KeySnapshot {
    pub(super) keys: VerificationKeys,
    /// Counts how often the keys have become others.
    pub(super) version: u64,
    text: String,
}

enum KeyOrigin {
    /// They were given, and stay.
    Fixed,
    /// A file with a key set.
    File(PathBuf),
    /// The address of a key set.
    Address(Url, reqwest::Client),
}

impl KeySource {
    /// VerificationKeys that stay as they are.
    pub fn fixed(keys: VerificationKeys) -> Arc<Self> {
        Self::of(KeyOrigin::Fixed, keys, RefreshPolicy { refresh: Duration::MAX, timeout: Duration::MAX })
    }

    /// A file with a key set (JWKS), which must be readable now.
    pub fn from_file(path: &Path, policy: RefreshPolicy) -> Result<Arc<Self>, ConfigProblem> {
        let problem =
            |reason: String| ConfigProblem::new(format!("the key set in {} cannot be used: {reason}", path.display()));
        let text = read_file(path).map_err(&problem)?;
        let keys = jwks::parse(&text).map_err(|reason| problem(reason.to_owned()))?;
        let source = Self::of(KeyOrigin::File(path.to_owned()), keys, policy);
        source.replace(|snapshot| text.clone_into(&mut snapshot.text));
        Ok(source)
    }

    /// The address of a key set (JWKS). It is read by [`Self::read`]. Besides those that the system trusts, who answers
    /// there may be vouched for by the certificates in a file.
    pub fn from_url(address: &str, policy: RefreshPolicy, ca_file: Option<&Path>) -> Result<Arc<Self>, ConfigProblem> {
        let url = checked(address)?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(policy.timeout)
            // A connection is not worth keeping for so long, and would belong to the thread that made it.
            .pool_max_idle_per_host(0)
            .tls_certs_merge(ca_file.map(certificates).transpose()?.unwrap_or_default())
            .user_agent(concat!("auditgraph/", env!("CARGO_PKG_VERSION")));
        let client = if url.scheme() == "http" { client.no_proxy() } else { client };
        let client = client
            .build()
            .map_err(|why| ConfigProblem::new(format!("connections to key set addresses cannot be set up: {why}")))?;
        Ok(Self::of(KeyOrigin::Address(url, client), VerificationKeys::of_set(Vec::new()), policy))
    }

    fn of(origin: KeyOrigin, keys: VerificationKeys, policy: RefreshPolicy) -> Arc<Self> {
        let snapshot = RwLock::new(Arc::new(KeySnapshot { keys, version: 0, text: String::new() }));
        Arc::new(Self { origin, policy, snapshot, read_at: Mutex::new(None) })
    }

    /// Whether whoever can verify a token can also make one.
    pub(super) fn is_symmetric(&self) -> bool {
        self.current().keys.is_symmetric()
    }

    /// The keys read last.
    pub(super) fn current(&self) -> Arc<KeySnapshot> {
        Arc::clone(&self.snapshot.read())
    }

    /// The keys after they were read again because those seen lacked one; the same where that is not worth while.
    pub(super) async fn refreshed(self: &Arc<Self>, seen: &Arc<KeySnapshot>) -> Arc<KeySnapshot> {
        if !matches!(self.origin, KeyOrigin::Fixed) {
            let (source, seen) = (Arc::clone(self), Arc::clone(seen));
            // On its own, so that a caller who goes away does not take the answer along and leave the cool-down.
            let reading = tokio::spawn(async move {
                let mut read_at = source.read_at.lock().await;
                let is_early = read_at.is_some_and(|at| at.elapsed() < COOL_DOWN);
                if !is_early && Arc::ptr_eq(&seen, &source.current()) {
                    *read_at = Some(Instant::now());
                    source.refresh_and_log().await;
                }
            });
            let _ended = reading.await;
        }
        self.current()
    }

    /// Reads the set for the first time, or says why it cannot be read.
    pub async fn load(&self) -> Result<(), ConfigProblem> {
        self.try_load().await.map_err(|reason| ConfigProblem::new(format!("{self:?} cannot be read: {reason}")))
    }

    /// Reads the set again and again. Ends only where there is nothing to read.
    pub(super) async fn refresh_loop(&self) {
        if matches!(self.origin, KeyOrigin::Fixed) {
            return;
        }
        let mut is_read = self.current().keys.count() > 0;
        loop {
            let pause = if is_read { self.policy.refresh } else { self.policy.refresh.min(RETRY) };
            tokio::time::sleep(pause).await;
            let mut read_at = self.read_at.lock().await;
            *read_at = Some(Instant::now());
            is_read = self.refresh_and_log().await;
        }
    }

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
            KeyOrigin::File(path) => {
                let path = path.clone();
                let reading = tokio::task::spawn_blocking(move || read_file(&path));
                let read = tokio::time::timeout(self.policy.timeout, reading).await;
                read.map_err(|_late| "it took too long".to_owned())?
                    .map_err(|_ended| "reading it was aborted".to_owned())??
            }
            KeyOrigin::Address(url, client) => download(url, client).await?,
        };
        if text != self.current().text {
            let keys = jwks::parse(&text)?;
            tracing::info!(source = ?self, keys = ?keys, "a key set was read");
            self.replace(|snapshot| *snapshot = KeySnapshot { keys, version: snapshot.version + 1, text });
        }
        Ok(())
    }

    fn replace(&self, change: impl FnOnce(&mut KeySnapshot)) {
        let mut snapshot = self.snapshot.write();
        let mut next = KeySnapshot { keys: snapshot.keys.clone(), version: snapshot.version, text: String::new() };
        change(&mut next);
        *snapshot = Arc::new(next);
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            KeyOrigin::Fixed => write!(f, "keys {:?}", self.current().keys),
            KeyOrigin::File(path) => write!(f, "the key set in {}", path.display()),
            // What follows a question mark may be a secret.
            KeyOrigin::Address(url, _) => {
                write!(f, "the key set at {}{}", url.origin().ascii_serialization(), url.path())
            }
        }
    }
}

fn checked(address: &str) -> Result<Url, ConfigProblem> {
    let problem = |reason: &str| ConfigProblem::new(format!("the address of the key set {reason}"));
    let url = Url::parse(address).map_err(|_unreadable| problem("is not a URL: write it with `https://`"))?;
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if !(url.scheme() == "https" || url.scheme() == "http" && is_here) {
        return Err(problem(
            "is not `https`, so somebody in between could replace the keys: `http` is allowed only on this machine \
             (127.0.0.1, localhost)",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("has a user name or password in it: key sets are public, remove them"));
    }
    Ok(url)
}

/// The certificates in a PEM file.
fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, ConfigProblem> {
    let problem =
        |reason: &str| ConfigProblem::new(format!("the certificates in {} cannot be used: {reason}", path.display()));
    let text = read_file(path).map_err(|reason| problem(&reason))?;
    match reqwest::Certificate::from_pem_bundle(text.as_bytes()) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(problem("there must be a `-----BEGIN CERTIFICATE-----` block for each")),
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|why| why.to_string())?;
    let mut text = String::new();
    let limit = SET_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|why| why.to_string())?;
    if text.len() > SET_BYTES_MAX { Err(too_long()) } else { Ok(text) }
}

async fn download(url: &Url, client: &reqwest::Client) -> Result<String, String> {
    let told = |why: reqwest::Error| chain(&why.without_url());
    let mut response = client.get(url.clone()).header("accept", "application/json").send().await.map_err(told)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("the response was {}", response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(told)? {
        if bytes.len() + chunk.len() > SET_BYTES_MAX {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_unreadable| "it is not UTF-8".to_owned())
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn too_long() -> String {
    format!("it is longer than {} KiB", SET_BYTES_MAX / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encrypted_or_on_this_machine() {
        for good in [
            "https://login.microsoftonline.com/common/discovery/v2.0/keys",
            "http://127.0.0.1:8080/keys",
            "http://127.9.9.9/keys",
            "http://[::1]:1/keys",
            "http://localhost/keys",
            "HTTPS://issuer.example",
        ] {
            assert!(checked(good).is_ok(), "{good}");
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
            let why = checked(bad).unwrap_err().to_string();
            assert!(!why.contains("password@"), "{why}");
        }
    }

    #[test]
    fn printing_a_source_shows_no_parameters() {
        let policy = RefreshPolicy { refresh: RETRY, timeout: RETRY };
        let source = KeySource::from_url("https://issuer.example:8443/keys?code=hunter2#x", policy, None).unwrap();
        assert_eq!(format!("{source:?}"), "the key set at https://issuer.example:8443/keys");
    }
}
