//! Runs servers as separate processes: started on a free port, awaited, and stopped on drop.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auditgraph::system;
use auth::{self, Grantable, Role, TokenRequest};
use clap::Args;
use model::time::SECOND;
use tokio::net::TcpStream;

/// The token secret of all measured servers.
pub(crate) const SECRET: &str = "a secret for benchmarks that is long enough to be one";

/// The program to measure.
#[derive(Clone, Debug, Args)]
pub(crate) struct Program {
    /// The program to measure; by default the `auditgraph` in this program's folder.
    #[arg(long)]
    server: Option<PathBuf>,
}

impl Program {
    /// Serves a database.
    pub(crate) async fn serve(&self, url: &str) -> anyhow::Result<Server> {
        let sibling = || anyhow::Ok(std::env::current_exe()?.with_file_name("auditgraph"));
        let program = self.server.clone().map_or_else(sibling, Ok)?;
        Server::start(&program, &["serve", "--database-url", url, "--jwt-secret", SECRET, "--log", "error"]).await
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) pid: u32,
    pub(crate) address: String,
    /// The time from the start of the process to the first response.
    pub(crate) ready: Duration,
}

impl Server {
    /// Starts a program with `--listen` and waits until it accepts connections.
    pub(crate) async fn start(program: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let started = Instant::now();
        let child = Command::new(program)
            .args(arguments)
            .args(["--listen", &address])
            .stdin(Stdio::null())
            .spawn()
            .map_err(|why| anyhow::anyhow!("cannot start {}: {why}", program.display()))?;
        let mut server = Self { pid: child.id(), child, address, ready: Duration::ZERO };
        while TcpStream::connect(&server.address).await.is_err() {
            if let Some(status) = server.child.try_wait()? {
                anyhow::bail!("{} ended at once: {status}", program.display());
            }
            anyhow::ensure!(started.elapsed() < Duration::from_mins(1), "{} does not listen", program.display());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.ready = started.elapsed();
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Killing a process that has already exited fails, which is fine.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Returns a token for the measured tenant.
pub(crate) fn token(role: Role) -> anyhow::Result<String> {
    token_for("contoso", &[Grantable::Role(role)])
}

/// Returns a token for a tenant.
pub(crate) fn token_for(tenant: &str, grants: &[Grantable]) -> anyhow::Result<String> {
    let now = system::now();
    let request = TokenRequest {
        subject: "bench",
        tenant,
        tenant_claim: "tid",
        grants,
        issuer: None,
        audience: None,
        now,
        expires_at: now.plus(86_400 * SECOND),
    };
    auth::issue(SECRET, &request).map_err(|problem| anyhow::anyhow!("{problem}"))
}
