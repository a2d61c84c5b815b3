//! `auditgraph demo`: fills a log in a temporary folder with generated events and serves it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::output::print_line;
use super::token;
use crate::config::{Cli, Command, DemoArgs, ServeArgs, TokenArgs};
use crate::database;
use crate::server::App;
use crate::system::{new_id, now};
use auth::Role;
use model::NewEvent;
use model::sensitive::SensitiveNames;
use store::Writer;

/// The number of events in one transaction.
const BATCH_EVENTS: usize = 1_000;
/// The address of the demo if none is given.
const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// The interval of progress reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);

pub(super) async fn run(config: &DemoArgs) -> anyhow::Result<ExitCode> {
    let listen = config.listen.map_or_else(free_address, Ok)?;
    let folder = tempfile::Builder::new().prefix("auditgraph-demo-").tempdir()?;
    let file = folder.path().join("demo.db");
    let secret = format!("{}{}", new_id(), new_id());
    let (serve, token) = settings(listen, &store::sqlite_url(&file)?, &secret)?;
    let store = database::open_or_create(&serve.database).await?;
    let tenant = store.add_tenant("contoso", "Contoso", &["contoso.example".to_owned()], new_id()).await?;
    tracing::info!(events = config.events, "generating events in a temporary log, which is deleted when the demo ends");
    fill(&access::operator_writer(&store, &tenant), config).await?;
    for role in Role::ALL {
        // Limits apply to a subject, so each token has one of its own.
        let subject = format!("demo-{}", role.name().to_ascii_lowercase().replace('_', "-"));
        let token = token::sign(&TokenArgs { role: vec![role.name().to_owned()], subject, ..token.clone() })?;
        print_line(&format!("token {} {token}", role.name()));
    }
    let recorder = TokenArgs { permission: vec!["audit/write".to_owned()], subject: "recorder".to_owned(), ..token };
    print_line(&format!("token RECORD {}", token::sign(&recorder)?));
    let app = App::start(&serve).await?;
    app.run(|address| {
        print_line(&format!("ready http://{address}"));
        tracing::info!("open this address in a browser and sign in with a token; press Ctrl+C to end the demo");
    })
    .await?;
    tracing::info!("the demo has ended, and its log is deleted");
    Ok(ExitCode::SUCCESS)
}

/// Returns [`DEFAULT_ADDRESS`], or the same with port 0 if the port is in use.
fn free_address() -> anyhow::Result<SocketAddr> {
    match std::net::TcpListener::bind(DEFAULT_ADDRESS) {
        Ok(_unused) => Ok(DEFAULT_ADDRESS),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            tracing::warn!("{DEFAULT_ADDRESS} is in use by another program: the demo takes a free port instead");
            Ok(SocketAddr::new(DEFAULT_ADDRESS.ip(), 0))
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen at {DEFAULT_ADDRESS}")),
    }
}

/// Records the generated events.
async fn fill(writer: &Writer, config: &DemoArgs) -> anyhow::Result<()> {
    let rules = SensitiveNames::default();
    let now_at_start = now();
    let mut batch = Vec::with_capacity(BATCH_EVENTS);
    let (mut recorded, mut reported_at) = (0, Instant::now());
    for body in demo_data::events(config.seed, now_at_start, config.events as usize) {
        let event = NewEvent::parse(body, now_at_start, &rules)
            .map_err(|problems| anyhow::anyhow!("the demo generated an invalid event: {problems:?}"))?;
        batch.push(event);
        if batch.len() == BATCH_EVENTS {
            writer.record(&batch, now()).await?;
            recorded += batch.len();
            batch.clear();
            if reported_at.elapsed() >= REPORT_INTERVAL {
                tracing::info!(recorded, events = config.events, "generating events");
                reported_at = Instant::now();
            }
        }
    }
    writer.record(&batch, now()).await?;
    Ok(())
}

/// Returns the settings of `serve` and `token` for the demo's log and secret.
fn settings(listen: SocketAddr, url: &str, secret: &str) -> anyhow::Result<(ServeArgs, TokenArgs)> {
    let listen = listen.to_string();
    let serve = ["auditgraph", "serve", "--database-url", url, "--jwt-secret", secret, "--listen", &listen];
    let serve = Cli::parse_without_environment(&[&serve[..], &["--metrics-listen", "off"]].concat())?;
    let token = ["auditgraph", "token", "--jwt-secret", secret, "--tenant", "contoso"];
    let token = [&token[..], &["--role", "AUDIT_READER", "--subject", "demo", "--expires-in", "30d"]].concat();
    match (serve.command, Cli::parse_without_environment(&token)?.command) {
        (Command::Serve(serve), Command::Token(token)) => {
            Ok((ServeArgs { is_demo: true, ..*serve }, TokenArgs { role: Vec::new(), ..token }))
        }
        _ => anyhow::bail!("the command line of the demo was parsed as another command"),
    }
}
