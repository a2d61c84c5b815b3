//! A TCP proxy in front of the database that can drop connections, or stop forwarding as a failed switch does.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The state of the proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyMode {
    /// Data is forwarded.
    Open,
    /// Data is accepted but not forwarded.
    Silent,
    /// Connections are closed, and new ones are closed at once.
    Cut,
}

/// The proxy.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: watch::Sender<ProxyMode>,
}

impl Proxy {
    /// Starts a proxy to the server of a database URL.
    pub(crate) async fn start(url: &str) -> Self {
        let server = host(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watched) = watch::channel(ProxyMode::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() == ProxyMode::Cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                tokio::spawn(pass(from_client, to_server, watched.clone()));
                tokio::spawn(pass(from_server, to_client, watched.clone()));
            }
        });
        Self { address, state }
    }

    /// The database URL through the proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(host(url), &self.address.to_string())
    }

    pub(crate) fn set(&self, wire: ProxyMode) {
        self.state.send(wire).unwrap();
    }
}

/// Host and port in a database URL.
fn host(url: &str) -> &str {
    let from_user = url.split_once("://").unwrap().1;
    let end = from_user.find(['/', '?']).unwrap_or(from_user.len());
    from_user[..end].rsplit('@').next().unwrap()
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<ProxyMode>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            cut = state.wait_for(|wire| *wire == ProxyMode::Cut) => { drop(cut); 0 }
        };
        if length == 0
            || state.wait_for(|wire| *wire != ProxyMode::Silent).await.is_ok_and(|wire| *wire == ProxyMode::Cut)
        {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
