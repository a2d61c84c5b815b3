//! `auditgraph check`: whether `serve` would work with its settings, and how to fix what is wrong. It changes nothing.

use std::path::Path;
use std::time::Duration;

use super::{configuration_file, now, open, records_access, token_problems};
use crate::config::{self, Serve};
use crate::import::chain;
use store::{self, Store, StoreError};

/// How far the clocks of this machine and of the database may be apart.
const SKEW_MAX: Duration = Duration::from_secs(1);
/// How much disk space an SQLite log needs at least, in bytes.
const FREE_MIN: u64 = 1 << 30;

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it should be.
    pub is_good: bool,
    /// What was looked at.
    pub what: &'static str,
    /// What was found, and how to fix it.
    pub sentence: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<5} {}: {}", if self.is_good { "ok" } else { "WRONG" }, self.what, self.sentence)
    }
}

fn good(what: &'static str, sentence: impl Into<String>) -> Finding {
    Finding { is_good: true, what, sentence: sentence.into() }
}

fn wrong(what: &'static str, sentence: impl Into<String>) -> Finding {
    Finding { is_good: false, what, sentence: sentence.into() }
}

/// Looks at everything, as far as one thing does not need another.
pub async fn check(config: &Serve) -> Vec<Finding> {
    let mut found = vec![variables()];
    found.extend(tokens(config).await);
    match store::sqlite_file(&config.database.database_url) {
        Err(error) => {
            found.push(wrong("database", format!("AUDITGRAPH_DATABASE_URL cannot be read: {}", chain(&error))));
            return found;
        }
        Ok(Some(file)) => {
            found.extend(file_of_the_log(&file));
            if !file.exists() {
                found.push(good("database", "none yet: `auditgraph serve` or `auditgraph tenant add` creates it"));
                return found;
            }
        }
        Ok(None) => {}
    }
    match open(&config.database).await {
        Ok(store) => found.extend(log(config, &store).await),
        Err(error) => found.push(wrong("database", how_to_reach(&error))),
    }
    found
}

/// Variables that look like settings and are none.
fn variables() -> Finding {
    let unknown = config::unknown_variables();
    if unknown.is_empty() {
        return good("environment", "every AUDITGRAPH_ variable is a setting");
    }
    let names = unknown.join(", ");
    wrong(
        "environment",
        format!("no setting is called {names}: correct or unset it (`auditgraph serve --help` lists all)"),
    )
}

async fn tokens(config: &Serve) -> Vec<Finding> {
    let problems = token_problems(config).await;
    if problems.is_empty() {
        return vec![good("tokens", "keys and issuers can be used")];
    }
    problems.into_iter().map(|problem| wrong("tokens", problem)).collect()
}

fn how_to_reach(error: &anyhow::Error) -> String {
    let hint = match error.downcast_ref::<StoreError>() {
        Some(StoreError::Unavailable(_)) => {
            ": check that the database runs and can be reached from here at this host and port"
        }
        Some(StoreError::Misconfigured(_)) => ": change that setting of the database",
        _ => ": check that AUDITGRAPH_DATABASE_URL names the right user, password and database",
    };
    format!("{}{hint}", chain(&**error))
}

/// The file of an SQLite log and the folder that it is in.
fn file_of_the_log(file: &Path) -> Vec<Finding> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    if let Err(error) = tempfile::tempfile_in(folder) {
        let mend = "create the folder, and let the user who runs auditgraph write in it, as SQLite adds files there";
        found.push(wrong("folder", format!("nothing can be written in {}: {error}: {mend}", folder.display())));
        return found;
    }
    #[cfg(unix)]
    {
        if let Ok(free) = rustix::fs::statvfs(folder).map(|figures| figures.f_bavail.saturating_mul(figures.f_frsize)) {
            let room = format!("{} MiB are free in {}", free >> 20, folder.display());
            found.push(if free < FREE_MIN {
                wrong("room", format!("{room}: a log that cannot grow refuses to record; free some disk space"))
            } else {
                good("room", room)
            });
        }
        found.extend(permissions(file));
    }
    found
}

/// Who may open the file.
#[cfg(unix)]
fn permissions(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    Some(if mode.trailing_zeros() >= 6 {
        good("permissions", "only the owner may open the file")
    } else {
        let mend = format!("chmod 600 {}", file.display());
        wrong("permissions", format!("others may open the file ({mode:o}): run `{mend}`"))
    })
}

/// The database behind the log.
async fn log(config: &Serve, store: &Store) -> Vec<Finding> {
    let mut found = vec![good("database", "it can be reached, and commits are on disk")];
    match store.check_schema().await {
        Ok(()) => found.push(good("schema", "it is that of this version")),
        Err(error) => {
            let is_made = store::is_sqlite(&config.database.database_url) && store.check_older().await.is_ok();
            let text = chain(&error);
            found.push(if is_made {
                good("schema", format!("{text}, as `serve` will do"))
            } else {
                wrong("schema", text)
            });
            return found;
        }
    }
    // Problems of the file are reported with the tokens.
    let file = configuration_file(config.config_file.as_deref()).unwrap_or_default();
    let records_access = records_access(config, &file);
    if let Err(error) = store.check_writable(records_access).await {
        found.push(wrong("recording", chain(&error)));
    }
    let before = now();
    match store.clock().await {
        Ok(Some(clock)) => found.push(skew(before.0, clock.0, now().0)),
        Ok(None) => {}
        Err(error) => found.push(wrong("clock", chain(&error))),
    }
    match store.connections_max().await {
        Ok(Some(max)) => {
            let wanted = config.database.database_connections + store::WRITE_CONNECTIONS;
            let sentence = format!("up to {wanted} of the {max} that the database allows to all its clients");
            let mend = "lower AUDITGRAPH_DATABASE_CONNECTIONS or raise max_connections";
            found.push(if wanted < max {
                good("connections", sentence)
            } else {
                wrong("connections", format!("{sentence}: {mend}"))
            });
        }
        Ok(None) => {}
        Err(error) => found.push(wrong("connections", chain(&error))),
    }
    found.push(match store.tenants().await {
        Ok(tenants) if tenants.iter().any(|tenant| !tenant.is_disabled) => good("tenants", tenants.len().to_string()),
        Ok(_) => {
            wrong("tenants", "no tenant is enabled: `auditgraph tenant add KEY`, with the tokens' tenant claim as KEY")
        }
        Err(error) => wrong("tenants", chain(&error)),
    });
    found
}

/// How far the database's clock is off, told from the moments before and after asking, in microseconds.
fn skew(before: i64, clock: i64, after: i64) -> Finding {
    let off = (before - clock).max(clock - after).max(0);
    let off = Duration::from_micros(off.unsigned_abs());
    if off <= SKEW_MAX {
        return good("clock", "the database's clock and this machine's agree");
    }
    let mend = "set both by NTP: times of recording come from this machine";
    wrong("clock", format!("the database's clock and this machine's differ by {} s: {mend}", off.as_secs()))
}
