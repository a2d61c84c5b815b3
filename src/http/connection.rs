//! Connections: how many there are, from one address and in all, and how long a client may take to read.
//!
//! A connection without a request costs a file and some memory, and its client needs no token. So at a limit the
//! connection that has been without a request for the longest time ends, not the new one: connections that are only held
//! do not prevent new ones. Every write has a timeout, which ends responses and streams that are not read.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::middleware::client_ip::{TrustedProxies, rate_limit_key};

/// The bytes after which what was read is processed. The library reads up to 128 KiB before it looks whether the consumer
/// of a body takes them.
const UNPROCESSED_BYTES_MAX: usize = 16 << 10;

/// Limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// The most connections from one address.
    pub address_max: usize,
    /// The most connections in all.
    pub total_max: usize,
    /// The time after which a connection ends if its client accepts nothing of what is written.
    pub stall_timeout: Duration,
}

/// The open connections. Clones share them.
#[derive(Clone, Debug)]
pub struct Connections(Arc<ConnectionsInner>);

#[derive(Debug)]
struct ConnectionsInner {
    limits: ConnectionLimits,
    /// Peers whose connections are those of many clients, so that only the limit of all connections applies.
    proxies: TrustedProxies,
    started: Instant,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next_number: u64,
    total: usize,
    by_address: HashMap<IpAddr, HashMap<u64, Arc<ConnectionState>>>,
}

/// The state of one connection.
#[derive(Debug, Default)]
struct ConnectionState {
    /// The milliseconds from the start of the server to the last transfer.
    last_transfer: AtomicU64,
    /// The requests whose response is not written yet.
    requests: AtomicUsize,
    has_ended: AtomicBool,
    /// Wakes the task of the connection.
    waker: Mutex<Option<Waker>>,
}

impl ConnectionState {
    fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        if let Some(waker) = self.waker.lock().take() {
            waker.wake();
        }
    }
}

impl Connections {
    /// No connections yet.
    pub fn new(limits: ConnectionLimits, proxies: TrustedProxies) -> Self {
        let (started, open) = (Instant::now(), Mutex::default());
        Self(Arc::new(ConnectionsInner { limits, proxies, started, open }))
    }

    /// Counts a new connection. At a limit, ends an idle one. Returns `None` if there is none.
    pub fn admit(&self, stream: TcpStream, peer: Option<SocketAddr>) -> Option<ClientConnection> {
        let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
        let (key, state) = self.add(address)?;
        // Otherwise the last part of a response waits until the client acknowledges the part before it, which it delays
        // by 40 ms. A socket that fails here fails at the first transfer.
        let _ = stream.set_nodelay(true);
        Some(ClientConnection {
            stream,
            slot: ConnectionSlot { connections: self.clone(), key, state },
            unprocessed: 0,
            stall: None,
        })
    }

    fn add(&self, address: IpAddr) -> Option<((IpAddr, u64), Arc<ConnectionState>)> {
        let ConnectionLimits { address_max, total_max, .. } = self.0.limits;
        let key = rate_limit_key(address);
        let mut open = self.0.open.lock();
        if !self.0.proxies.contains(address) && open.by_address.get(&key).is_some_and(|own| own.len() >= address_max) {
            open.end_idle(Some(key))?;
        }
        if open.total >= total_max {
            open.end_idle(None)?;
        }
        let number = open.next_number;
        let state =
            Arc::new(ConnectionState { last_transfer: self.milliseconds().into(), ..ConnectionState::default() });
        open.next_number += 1;
        open.total += 1;
        open.by_address.entry(key).or_default().insert(number, Arc::clone(&state));
        Some(((key, number), state))
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl OpenConnections {
    /// Ends the connection, of an address or of all, that has no request and was used least recently. Returns `None` if
    /// all have requests.
    fn end_idle(&mut self, address: Option<IpAddr>) -> Option<()> {
        let idle = |(_, state): &(&u64, &Arc<ConnectionState>)| state.requests.load(Ordering::Relaxed) == 0;
        let last = |state: &ConnectionState| state.last_transfer.load(Ordering::Relaxed);
        let addresses = self.by_address.iter().filter(|(key, _)| address.is_none_or(|address| **key == address));
        let least_recent = addresses
            .flat_map(|(key, own)| own.iter().filter(idle).map(|(number, state)| (last(state), *number, *key)))
            .min()?;
        self.remove((least_recent.2, least_recent.1))?.end();
        Some(())
    }

    fn remove(&mut self, (address, number): (IpAddr, u64)) -> Option<Arc<ConnectionState>> {
        let own = self.by_address.get_mut(&address)?;
        let state = own.remove(&number)?;
        if own.is_empty() {
            self.by_address.remove(&address);
        }
        self.total -= 1;
        Some(state)
    }
}

/// The slot of a connection among the open ones. Dropping it frees the slot.
#[derive(Debug)]
struct ConnectionSlot {
    connections: Connections,
    key: (IpAddr, u64),
    state: Arc<ConnectionState>,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.connections.0.open.lock().remove(self.key);
    }
}

/// A connection that ends at the limits of [`Connections`].
#[derive(Debug)]
pub struct ClientConnection {
    stream: TcpStream,
    slot: ConnectionSlot,
    /// The bytes that were read since the connection was last processed.
    unprocessed: usize,
    /// The end of the timeout, while the client accepts nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

impl ClientConnection {
    /// The counter of the requests of the connection.
    pub fn requests(&self) -> ConnectionRequests {
        ConnectionRequests(Arc::clone(&self.slot.state))
    }

    fn touch(&self) {
        self.slot.state.last_transfer.store(self.slot.connections.milliseconds(), Ordering::Relaxed);
    }

    /// Fails if the connection has to end.
    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        let state = &self.slot.state;
        let mut waker = state.waker.lock();
        if state.has_ended.load(Ordering::Acquire) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "too many connections"));
        }
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Ok(())
    }

    /// Limits the time for which a write is pending.
    fn limit_stall<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            self.touch();
            return written;
        }
        let timeout = self.slot.connections.0.limits.stall_timeout;
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        stall.as_mut().poll(context).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
    }
}

impl AsyncRead for ClientConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        if self.unprocessed >= UNPROCESSED_BYTES_MAX {
            self.unprocessed = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.unprocessed += buffer.filled().len() - before;
            self.touch();
        } else {
            self.unprocessed = 0;
        }
        read
    }
}

impl AsyncWrite for ClientConnection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.limit_stall(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Counts the requests of a connection. Connections with requests do not end at a limit of connections.
#[derive(Clone, Debug)]
pub struct ConnectionRequests(Arc<ConnectionState>);

/// A request of a connection, until its response is written.
struct RunningRequest(Arc<ConnectionState>);

impl RunningRequest {
    fn begin(requests: &ConnectionRequests) -> Self {
        requests.0.requests.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&requests.0))
    }
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a request of its connection until the response is written.
pub(super) async fn count_requests<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let running = request.conn_data::<ConnectionRequests>().map(RunningRequest::begin);
    let response = next.call(request).await?.map_into_boxed_body();
    Ok(match running {
        // A body of no bytes is dropped unread.
        Some(running) if !matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0)) => {
            response.map_body(|_, body| BoxBody::new(CountedBody { body, _running: running }))
        }
        _ => response,
    })
}

/// A body whose request is running until it is dropped.
struct CountedBody {
    body: BoxBody,
    _running: RunningRequest,
}

impl MessageBody for CountedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(address_max: usize, total_max: usize) -> Connections {
        let limits = ConnectionLimits { address_max, total_max, stall_timeout: Duration::from_secs(1) };
        Connections::new(limits, TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]))
    }

    fn add(connections: &Connections, address: &str, last_transfer: u64) -> Option<ConnectionSlot> {
        let (key, state) = connections.add(address.parse().unwrap())?;
        state.last_transfer.store(last_transfer, Ordering::Relaxed);
        Some(ConnectionSlot { connections: connections.clone(), key, state })
    }

    fn has_ended(slot: &ConnectionSlot) -> bool {
        slot.state.has_ended.load(Ordering::Relaxed)
    }

    #[test]
    fn least_recently_used_idle_connection_of_an_address_ends() {
        let connections = connections(2, 100);
        let (old, new) = (add(&connections, "192.0.2.1", 1).unwrap(), add(&connections, "192.0.2.1", 2).unwrap());
        let running = RunningRequest::begin(&ConnectionRequests(Arc::clone(&old.state)));
        let other = add(&connections, "192.0.2.2", 0).unwrap();
        let third = add(&connections, "192.0.2.1", 3).unwrap();
        assert!(has_ended(&new) && !has_ended(&old) && !has_ended(&other) && !has_ended(&third));
        let _running = RunningRequest::begin(&ConnectionRequests(Arc::clone(&third.state)));
        assert!(add(&connections, "192.0.2.1", 4).is_none(), "all connections have requests");
        drop(running);
        assert!(add(&connections, "192.0.2.1", 5).is_some());
        assert!(has_ended(&old));
        drop((old, new, other, third));
        let open = connections.0.open.lock();
        assert!(open.total == 0 && open.by_address.is_empty(), "{open:?}");
    }

    #[actix_web::test]
    async fn last_part_of_a_response_is_sent_without_delay() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), async { listener.accept().await });
        let (stream, peer) = accepted.unwrap();
        let connection = connections(1, 1).admit(stream, Some(peer)).unwrap();
        assert!(connection.stream.nodelay().unwrap());
        drop(client);
    }

    #[test]
    fn connections_are_limited_in_all_and_proxies_only_in_all() {
        let connections = connections(1, 3);
        let proxied: Vec<_> = (1..4).map(|at| add(&connections, "10.0.0.1", at).unwrap()).collect();
        assert!(proxied.iter().all(|slot| !has_ended(slot)));
        assert!(add(&connections, "192.0.2.1", 9).is_some());
        assert!(has_ended(&proxied[0]) && !has_ended(&proxied[1]));
    }
}
