//! Load: so many connections, each asking again as soon as it has its answer, over HTTP/1.1.
//!
//! Requests are bytes made beforehand and answers are only counted, because the load shares the machine with what
//! it measures. The first answer to each request is looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How hard and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) time: Duration,
}

/// How long the answers took.
pub(crate) struct Measured {
    /// In microseconds, ascending.
    latencies: Vec<u32>,
    elapsed: Duration,
}

impl Measured {
    /// What several stretches of time were together.
    pub(crate) fn joined(parts: Vec<Self>) -> Self {
        let elapsed = parts.iter().map(|part| part.elapsed).sum();
        let mut latencies: Vec<u32> = parts.into_iter().flat_map(|part| part.latencies).collect();
        latencies.sort_unstable();
        Self { latencies, elapsed }
    }

    /// So many of a thousand answers took no longer, in milliseconds.
    pub(crate) fn at(&self, thousandth: usize) -> f64 {
        let place = (self.latencies.len() * thousandth / 1_000).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(place).map_or(f64::NAN, |micros| f64::from(*micros) / 1_000.0)
    }

    pub(crate) fn requests(&self) -> usize {
        self.latencies.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// A POST of JSON, as it goes over the wire.
pub(crate) fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One request and its body.
pub(crate) async fn once(address: &str, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut connection = Connection::open(address).await?;
    connection.ask(request).await?;
    Ok(connection.body().to_vec())
}

/// Puts load on a server.
pub(crate) async fn run(address: &str, requests: &[Vec<u8>], load: Load) -> anyhow::Result<Measured> {
    let requests = Arc::new(requests.to_vec());
    let started = Instant::now();
    let until = started + load.time;
    let ask = |first: usize| {
        let (address, requests) = (address.to_owned(), Arc::clone(&requests));
        tokio::spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut latencies = Vec::new();
            for request in requests.iter().cycle().skip(first % requests.len()) {
                let asked = Instant::now();
                if asked >= until {
                    break;
                }
                connection.ask(request).await?;
                latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            anyhow::Ok(latencies)
        })
    };
    let running: Vec<_> = (0..load.connections).map(ask).collect();
    let mut latencies = Vec::new();
    for connection in running {
        latencies.append(&mut connection.await??);
    }
    latencies.sort_unstable();
    Ok(Measured { latencies, elapsed: started.elapsed() })
}

/// Sends each request once, over so many connections.
pub(crate) async fn each(address: &str, requests: Vec<Vec<u8>>, connections: usize) -> anyhow::Result<Measured> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let send = |_| {
        let (address, requests, next) = (address.to_owned(), Arc::clone(&requests), Arc::clone(&next));
        tokio::spawn(async move {
            let mut connection = Connection::open(&address).await?;
            let mut latencies = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                connection.ask(request).await?;
                latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
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
    Ok(Measured { latencies, elapsed: started.elapsed() })
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    body: std::ops::Range<usize>,
}

impl Connection {
    async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("nobody listens at {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(256 << 10), body: 0..0 })
    }

    fn body(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }

    /// Sends a request and reads the whole answer, whose status must be 200 or 201.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<()> {
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
                // In chunks, of which only the end is looked for.
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
