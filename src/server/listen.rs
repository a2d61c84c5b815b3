//! The HTTP listener: its sockets, their timeouts and the limits of connections.

use std::net::SocketAddr;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use anyhow::Context as _;
use tokio::net::TcpSocket;
use tokio_rustls::TlsAcceptor;

use crate::http::connection::{ClientConnection, Connections};
use crate::http::server_stream::ServerStream;
use crate::http::{self, AppState};

/// The time that running requests get to complete when the server stops, in seconds.
pub(super) const SHUTDOWN_TIMEOUT_SECS: u64 = 30;
/// The timeout for receiving the head of a request.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for the client to close its side of a connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time a connection stays open without a request: a little longer than the keep-alive of common proxies, so that
/// the proxy closes the connection first.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The most connections that wait to be accepted.
const BACKLOG: u32 = 2048;

/// Listens at an address and serves requests with `workers` threads, or with one for each core if that is 0. With `tls`,
/// each connection begins with a TLS handshake.
pub(super) fn listen(
    address: SocketAddr,
    workers: usize,
    connections: Connections,
    tls: Option<TlsAcceptor>,
    state: AppState,
) -> anyhow::Result<(Server, SocketAddr)> {
    let listener = bind(address).with_context(|| format!("cannot listen at {address}"))?;
    let address = listener.local_addr().context("the server has no listening address")?;
    let mut builder = ServerBuilder::default()
        .shutdown_timeout(SHUTDOWN_TIMEOUT_SECS)
        // The limits of `connections` are reached earlier.
        .max_concurrent_connections(1_000_000)
        .disable_signals();
    if workers > 0 {
        builder = builder.workers(workers);
    }
    let stopping = builder.graceful_shutdown_signal();
    let service = move || {
        let (connections, tls, stopping) = (connections.clone(), tls.clone(), stopping.clone());
        let app = http::wrap(actix_web::App::new().configure(http::routes(&state)));
        let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_request_timeout(REQUEST_HEAD_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            // A client that closes its side of the connection no longer waits for a response: its request is cancelled.
            .h1_allow_half_closed(false)
            .local_addr(address)
            .on_connect_ext(|stream: &ServerStream, data| {
                data.insert(stream.requests());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            let (admitted, tls) = (connections.admit(stream, peer), tls.clone());
            async move {
                // Closing the socket is the response.
                let refused = || DispatchError::Io(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
                let stream = encrypted(admitted.ok_or_else(refused)?, tls).await.map_err(DispatchError::Io)?;
                Ok::<_, DispatchError>((stream, Protocol::Http1, peer))
            }
        })
        .and_then(http)
    };
    let server =
        builder.listen("auditgraph", listener, service).with_context(|| format!("cannot listen at {address}"))?;
    Ok((server.run(), address))
}

/// Returns the stream of a connection, after its TLS handshake if there is an acceptor.
async fn encrypted(connection: ClientConnection, tls: Option<TlsAcceptor>) -> std::io::Result<ServerStream> {
    let Some(tls) = tls else { return Ok(ServerStream::Plain(connection)) };
    let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(connection)).await;
    let stream = handshake.map_err(|_elapsed| std::io::Error::from(std::io::ErrorKind::TimedOut))?;
    Ok(ServerStream::Tls(Box::new(stream?)))
}

fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that was stopped a moment ago does not prevent a new one from listening.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
