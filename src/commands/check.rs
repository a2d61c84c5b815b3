//! `auditgraph check`: checks whether `serve` could start with its settings, without changing anything. Every problem is
//! reported with the way to fix it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::output::{error_chain, print_line};
use super::whole_file::folder_of;
use crate::config::file::ConfigFile;
use crate::config::{self, ServeArgs};
use crate::database;
use crate::server::{NO_CREDENTIALS, accepts_tokens, files, tls_problem, token_problems};
use crate::system::now;
use store::{self, Store, StoreError};

/// The most difference between the clocks of this machine and of the database.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(1);
/// The least free disk space for an SQLite log, in bytes.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Ok,
    /// `serve` starts, but the operator should know it.
    Warning,
    Wrong,
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    severity: Severity,
    subject: &'static str,
    /// The state of the subject; for a problem, also how to fix it.
    sentence: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Ok => "ok",
            Severity::Warning => "warn",
            Severity::Wrong => "WRONG",
        };
        write!(f, "{severity:<5} {}: {}", self.subject, self.sentence)
    }
}

fn ok(subject: &'static str, sentence: impl Into<String>) -> Finding {
    Finding { severity: Severity::Ok, subject, sentence: sentence.into() }
}

fn wrong(subject: &'static str, sentence: impl Into<String>) -> Finding {
    Finding { severity: Severity::Wrong, subject, sentence: sentence.into() }
}

#[cfg(unix)]
fn warning(subject: &'static str, sentence: impl Into<String>) -> Finding {
    Finding { severity: Severity::Warning, subject, sentence: sentence.into() }
}

pub(super) async fn run(config: &ServeArgs) -> ExitCode {
    let findings = findings(config).await;
    for finding in &findings {
        print_line(&finding.to_string());
    }
    let is_wrong = findings.iter().any(|finding| finding.severity == Severity::Wrong);
    if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs every check whose preconditions hold.
async fn findings(config: &ServeArgs) -> Vec<Finding> {
    let mut found = vec![variables(), open_files()];
    found.extend(tokens(config).await);
    found.extend(tls(config));
    #[cfg(unix)]
    found.extend(secret_files(config));
    match store::sqlite_file(config.database.url()) {
        Err(error) => {
            found.push(wrong("database", format!("AUDITGRAPH_DATABASE_URL is not valid: {}", error_chain(&error))));
            return found;
        }
        Ok(Some(file)) => {
            found.extend(sqlite_file(&file));
            if !file.exists() {
                found.push(missing_log(&file, config.create));
                return found;
            }
        }
        Ok(None) => {}
    }
    match database::open(&config.database).await {
        Ok(store) => found.extend(log(config, &store).await),
        Err(error) => found.push(wrong("database", unreachable_database(&error))),
    }
    found
}

/// Checks for environment variables with the prefix of settings that are no settings.
fn variables() -> Finding {
    match config::unknown_variables() {
        Some(unknown) => wrong("environment", unknown),
        None => ok("environment", "every AUDITGRAPH_ variable is a setting"),
    }
}

/// Reports an SQLite log that does not exist.
fn missing_log(file: &Path, serve_creates: bool) -> Finding {
    if serve_creates {
        return ok("database", "none yet: `auditgraph serve --create` creates it");
    }
    wrong("database", database::missing_log(file))
}

/// Checks the limit of open files, which bounds the connections.
fn open_files() -> Finding {
    match files::raise_limit() {
        None => ok("open files", "no limit"),
        Some(limit) if limit >= files::FILES_MIN => ok("open files", format!("up to {limit}")),
        Some(limit) => {
            let (needed, name) = (files::FILES_MIN, "the limit of open files");
            let fix =
                format!("raise it to at least {needed} (`ulimit -Hn`, `LimitNOFILE=` of systemd, `--ulimit nofile`)");
            wrong("open files", format!("{name} is {limit}, and each connection needs one: {fix}"))
        }
    }
}

async fn tokens(config: &ServeArgs) -> Vec<Finding> {
    let problems = token_problems(config).await;
    if problems.is_empty() {
        return vec![ok("tokens", "keys and issuers can be used, as far as any are configured")];
    }
    problems.into_iter().map(|problem| wrong("tokens", problem)).collect()
}

/// Checks the TLS certificate. Returns `None` if the settings name none.
fn tls(config: &ServeArgs) -> Option<Finding> {
    config.tls.tls_cert.as_ref()?;
    Some(match tls_problem(&config.tls) {
        None => ok("TLS", "the certificate and its key can be used"),
        Some(problem) => wrong("TLS", problem),
    })
}

/// Names the files with secrets that other users may open.
#[cfg(unix)]
fn secret_files(config: &ServeArgs) -> Vec<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let url = config.database.database_url_file.as_ref().map(|file| &file.path);
    let files = [config.tokens.jwt_secret_file.as_ref(), config.tls.tls_key.as_ref(), url];
    let wide = |path: &&std::path::PathBuf| {
        // The owner and a reading group may open it.
        let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
        let path = path.display();
        (mode & 0o037 != 0)
            .then(|| warning("secrets", format!("others may open {path} ({mode:o}): run `chmod 640 {path}`")))
    };
    files.iter().flatten().filter_map(wide).collect()
}

fn unreachable_database(error: &anyhow::Error) -> String {
    let hint = match error.downcast_ref::<StoreError>() {
        Some(StoreError::Unavailable(_)) => {
            ": check that the database runs and can be reached from here at this host and port"
        }
        Some(StoreError::Misconfigured(_)) => ": change that setting of the database",
        _ => ": check that AUDITGRAPH_DATABASE_URL names the right user, password and database",
    };
    format!("{}{hint}", error_chain(&**error))
}

/// Checks the file of an SQLite log and its folder.
fn sqlite_file(file: &Path) -> Vec<Finding> {
    let folder = folder_of(file);
    let mut found = Vec::new();
    if let Err(error) = tempfile::tempfile_in(folder) {
        let fix = "create the folder, and let the user who runs auditgraph write in it, as SQLite adds files there";
        found.push(wrong("folder", format!("nothing can be written in {}: {error}: {fix}", folder.display())));
        return found;
    }
    #[cfg(unix)]
    {
        if let Ok(free) = rustix::fs::statvfs(folder).map(|stats| stats.f_bavail.saturating_mul(stats.f_frsize)) {
            let space = format!("{} MiB are free in {}", free >> 20, folder.display());
            found.push(if free < FREE_BYTES_MIN {
                wrong("disk space", format!("{space}: a log that cannot grow refuses to record; free some disk space"))
            } else {
                ok("disk space", space)
            });
        }
        found.extend(permissions(file));
    }
    found
}

/// Checks that only the owner may open the file. Returns `None` if the file does not exist.
#[cfg(unix)]
fn permissions(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    Some(if mode.trailing_zeros() >= 6 {
        ok("file permissions", "only the owner may open the file")
    } else {
        let fix = format!("chmod 600 {}", file.display());
        wrong("file permissions", format!("others may open the file ({mode:o}): run `{fix}`"))
    })
}

/// Checks a database that can be reached.
async fn log(config: &ServeArgs, store: &Store) -> Vec<Finding> {
    let mut found = vec![ok("database", "it can be reached, and commits are on disk")];
    match store.check_schema().await {
        Ok(()) => found.push(ok("schema", "it is the schema of this version")),
        Err(error) => {
            let serve_migrates = store::is_sqlite(config.database.url()) && store.check_older().await.is_ok();
            let problem = error_chain(&error);
            found.push(if serve_migrates {
                ok("schema", format!("{problem}, as `serve` will do"))
            } else {
                wrong("schema", problem)
            });
            return found;
        }
    }
    // Problems of the configuration file are reported with the tokens.
    let file = ConfigFile::read_if_set(config.config_file.as_deref()).unwrap_or_default();
    if let Err(error) = store.check_writable(config.records_access(&file)).await {
        found.push(wrong("recording", error_chain(&error)));
    }
    found.extend(clock(store).await);
    found.extend(connections(config, store).await);
    found.push(tenants(store).await);
    found.push(credentials(config, store).await);
    found
}

/// Checks that some caller can authenticate: with a token or an API key.
async fn credentials(config: &ServeArgs, store: &Store) -> Finding {
    match store.has_active_api_key(now()).await {
        Ok(true) => ok("credentials", "there are API keys"),
        Ok(false) if accepts_tokens(config) => ok("credentials", "tokens are accepted; there are no API keys"),
        Ok(false) => wrong("credentials", NO_CREDENTIALS),
        Err(error) => wrong("credentials", error_chain(&error)),
    }
}

/// Compares the clocks of this machine and of the database. Returns `None` for SQLite, which has no clock of its own.
async fn clock(store: &Store) -> Option<Finding> {
    let before = now();
    match store.clock().await {
        Ok(clock) => clock.map(|clock| skew(before.0, clock.0, now().0)),
        Err(error) => Some(wrong("clock", error_chain(&error))),
    }
}

/// Derives the least possible skew of the database's clock from the times before and after reading it, in
/// microseconds.
fn skew(before: i64, clock: i64, after: i64) -> Finding {
    let skew = (before - clock).max(clock - after).max(0);
    let skew = Duration::from_micros(skew.unsigned_abs());
    if skew <= CLOCK_SKEW_MAX {
        return ok("clock", "the database's clock and this machine's agree");
    }
    let fix = "set both by NTP: times of recording come from this machine";
    wrong("clock", format!("the database's clock and this machine's differ by {} s: {fix}", skew.as_secs()))
}

/// Compares the connections that `serve` opens with the limit of the database. Returns `None` for SQLite.
async fn connections(config: &ServeArgs, store: &Store) -> Option<Finding> {
    let max = match store.connections_max().await {
        Ok(max) => max?,
        Err(error) => return Some(wrong("connections", error_chain(&error))),
    };
    let needed = config.database.database_connections + store::WRITE_CONNECTIONS;
    let sentence = format!("up to {needed} of the {max} that the database allows to all its clients");
    let fix = "lower AUDITGRAPH_DATABASE_CONNECTIONS or raise max_connections";
    Some(if needed < max { ok("connections", sentence) } else { wrong("connections", format!("{sentence}: {fix}")) })
}

async fn tenants(store: &Store) -> Finding {
    match store.tenants().await {
        Ok(tenants) if tenants.iter().any(|tenant| !tenant.is_disabled) => ok("tenants", tenants.len().to_string()),
        Ok(_) => {
            wrong("tenants", "no tenant is enabled: `auditgraph tenant add KEY`, with the tokens' tenant claim as KEY")
        }
        Err(error) => wrong("tenants", error_chain(&error)),
    }
}
