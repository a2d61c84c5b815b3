//! `auditgraph ready`: requests `/readyz` from a server on this machine, as the health check of a container without a
//! shell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::output::{print_line, printable};
use crate::config::ReadyArgs;

/// The most time from connecting to the end of the response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(4);
/// The most bytes read of the response.
const RESPONSE_BYTES_MAX: u64 = 4_096;

pub(super) async fn run(config: &ReadyArgs) -> anyhow::Result<ExitCode> {
    let listen = config.listen;
    let address = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port())),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, listen.port())),
        _ => listen,
    };
    let has_tls = config.tls_cert.is_some();
    let requested = async { if has_tls { secure_request(address).await } else { request(address).await } };
    let status = tokio::time::timeout(RESPONSE_TIMEOUT, requested).await;
    let status = status.with_context(|| format!("{address} does not respond"))??;
    anyhow::ensure!(status.split(' ').nth(1) == Some("200"), "{address} is not ready: {}", printable(&status));
    print_line(&format!("{address} is ready"));
    Ok(ExitCode::SUCCESS)
}

/// Returns the status line of the response.
async fn request(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut response = Vec::new();
    stream.take(RESPONSE_BYTES_MAX).read_to_end(&mut response).await?;
    let response = String::from_utf8_lossy(&response);
    Ok(response.lines().next().unwrap_or_default().to_owned())
}

/// Returns the status line of the response over TLS, without verifying the certificate.
async fn secure_request(address: SocketAddr) -> anyhow::Result<String> {
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build()?;
    let response = client.get(format!("https://{address}/readyz")).send().await;
    let response = response.with_context(|| format!("cannot connect to {address}"))?;
    Ok(format!("{:?} {}", response.version(), response.status()))
}
