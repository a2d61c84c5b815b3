//! Generates load: a number of connections, each of which sends the next request after the response, over HTTP/1.1.
//!
//! Requests are prepared bytes and responses are only counted, because the load generator shares the machine with the
//! server. The first response to each request is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The number of connections, and the duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) time: Duration,
}

/// The latencies of the responses.
pub(crate) struct Latencies {
    /// In microseconds, ascending.
    latencies: Vec<u32>,
    elapsed: Duration,
}

impl Latencies {
    /// Joins the measurements of several intervals.
    pub(crate) fn merge(parts: Vec<Self>) -> Self {
        let elapsed = parts.iter().map(|part| part.elapsed).sum();
        let mut latencies: Vec<u32> = parts.into_iter().flat_map(|part| part.latencies).collect();
        latencies.sort_unstable();
        Self { latencies, elapsed }
    }

    /// Returns a quantile of the latencies in milliseconds; `thousandth` is in 1/1000.
    pub(crate) fn at(&self, thousandth: usize) -> f64 {
        let index = (self.latencies.len() * thousandth / 1_000).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(index).map_or(f64::NAN, |micros| f64::from(*micros) / 1_000.0)
    }

    pub(crate) fn requests(&self) -> usize {
        self.latencies.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Returns a POST request with a JSON body.
pub(crate) fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends one request and returns the body of the response.
pub(crate) async fn send_once(address: &str, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut connection = LoadConnection::open(address).await?;
    connection.send(request).await?;
    Ok(connection.body().to_vec())
}

/// Puts load on a server.
pub(crate) async fn run(address: &str, requests: &[Vec<u8>], load: Load) -> anyhow::Result<Latencies> {
    let requests = Arc::new(requests.to_vec());
    let started = Instant::now();
    let until = started + load.time;
    let send = |first: usize| {
        let (address, requests) = (address.to_owned(), Arc::clone(&requests));
        tokio::spawn(async move {
            let mut connection = LoadConnection::open(&address).await?;
            let mut latencies = Vec::new();
            for request in requests.iter().cycle().skip(first % requests.len()) {
                let started = Instant::now();
                if started >= until {
                    break;
                }
                connection.send(request).await?;
                latencies.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            anyhow::Ok(latencies)
        })
    };
    let running: Vec<_> = (0..load.connections).map(send).collect();
    let mut latencies = Vec::new();
    for connection in running {
        latencies.append(&mut connection.await??);
    }
    latencies.sort_unstable();
    Ok(Latencies { latencies, elapsed: started.elapsed() })
}

/// Sends each request once, over a number of connections.
pub(crate) async fn send_each(address: &str, requests: Vec<Vec<u8>>, connections: usize) -> anyhow::Result<Latencies> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let send = |_| {
        let (address, requests, next) = (address.to_owned(), Arc::clone(&requests), Arc::clone(&next));
        tokio::spawn(async move {
            let mut connection = LoadConnection::open(&address).await?;
            let mut latencies = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let started = Instant::now();
                connection.send(request).await?;
                latencies.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            anyhow::Ok(latencies)
        })
    };
    let running: Vec<_> = (0..connections).map(send).collect();
    let mut latencies = Vec::new();
    for connection in running {
        latencies.append(&mut connection.await??);
    }
    latencies.sort_unstable();
    Ok(Latencies { latencies, elapsed: started.elapsed() })
}

struct LoadConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: std::ops::Range<usize>,
}

impl LoadConnection {
    async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(256 << 10), body: 0..0 })
    }

    fn body(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }

    /// Sends a request and reads the response, whose status must be 200 or 201.
    async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            anyhow::ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
            let Some(head) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
            let start = head + 4;
            if let Some(length) = text.lines().find_map(|line| line.strip_prefix("content-length:")) {
                let end = start + length.trim().parse::<usize>()?;
                while self.buffer.len() < end {
                    anyhow::ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
                }
                self.body = start..end;
            } else {
                // A chunked response: search for its last chunk.
                while !self.buffer.ends_with(b"0\r\n\r\n") {
                    anyhow::ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
                }
                self.body = start..self.buffer.len();
            }
            anyhow::ensure!(
                text.starts_with("http/1.1 200") || text.starts_with("http/1.1 201"),
                "{}: {}",
                text.lines().next().unwrap_or_default(),
                String::from_utf8_lossy(self.body())
            );
            return Ok(());
        }
    }
}
