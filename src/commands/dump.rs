//! `auditgraph dump`: prints the stored bodies of events as text, one per line.
//!
//! In the database, bodies are compressed. This command is for operators who look at the database by hand.

use std::io::{ErrorKind, Write as _};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use super::output::{printable, report_error};
use crate::config::DumpArgs;
use crate::database::{self, for_whole_log};
use store::{Store, Tenant};

/// The bytes of lines that are written at once.
const BUFFER_BYTES: usize = 1 << 16;

pub(super) async fn run(config: &DumpArgs) -> anyhow::Result<ExitCode> {
    database::ensure_exists(&config.database)?;
    let store = database::open(&for_whole_log(&config.database)).await?;
    store.check_schema().await?;
    let log = find(&store, config).await?;
    let mut out = std::io::BufWriter::with_capacity(BUFFER_BYTES, std::io::stdout().lock());
    let (mut undecodable, mut written) = (0_u64, Ok(()));
    let take = |sequence, text| {
        match text {
            Ok(text) => written = writeln!(out, "{text}"),
            Err(error) => {
                undecodable += 1;
                report_error(&format!("event {sequence}: {error}"));
            }
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // Boxed: the future is large.
    Box::pin(store.dump(&log, config.after, take)).await?;
    match written.and_then(|()| out.flush()) {
        // The reader, such as `head`, has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.context("cannot write to standard output")?,
    }
    Ok(if undecodable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Finds the log to print: that of the tenant with the key given, else of the only tenant.
async fn find(store: &Store, config: &DumpArgs) -> anyhow::Result<Tenant> {
    let tenant = if let Some(key) = &config.tenant {
        store.tenant(key).await?.with_context(|| format!("there is no tenant `{}`", printable(key)))?
    } else {
        let mut tenants = store.tenants().await?;
        ensure!(tenants.len() < 2, "there are several tenants: choose one with --tenant KEY");
        tenants.pop().context("there is no tenant")?
    };
    if !config.accesses {
        return Ok(tenant);
    }
    let log = store.access_log(&tenant).await?;
    log.with_context(|| format!("no access to the log of `{}` was recorded", tenant.key))
}
