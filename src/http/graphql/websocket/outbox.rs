//! The messages that a connection sends, within a limit of bytes that wait to be written.
//!
//! The library's queue is limited in messages, of any size, and its body encodes all of them at once. So messages wait
//! here until the client has received most of the previous ones, and their memory stays reserved until they are written.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::http::held_body::CHUNK_BYTES;
use crate::http::limits::ByteReservation;

/// The most bytes that wait to be written, unless a single message has more.
const WAITING_BYTES_MAX: u32 = 256 << 10;

/// Why a message was not sent.
#[derive(Debug)]
pub(super) enum NotSent {
    /// The connection is closed.
    Closed,
    /// The client read nothing until the timeout.
    Stalled,
}

/// Sends messages. Clones send over the same connection.
#[derive(Clone)]
pub(super) struct Outbox {
    session: actix_ws::Session,
    waiting: Arc<QueuedMessages>,
    stall_timeout: Duration,
}

/// The messages in the library's queue.
struct QueuedMessages {
    space: Semaphore,
    messages: Mutex<Vec<QueuedMessage>>,
}

struct QueuedMessage {
    space: u32,
    _reservation: Option<ByteReservation>,
}

impl Outbox {
    /// Sends over a session, whose messages are the body of `response`. Returns the response to send.
    pub(super) fn new(
        session: actix_ws::Session,
        response: HttpResponse,
        stall_timeout: Duration,
    ) -> (Self, HttpResponse) {
        let waiting =
            Arc::new(QueuedMessages { space: Semaphore::new(WAITING_BYTES_MAX as usize), messages: Mutex::default() });
        let body_waiting = Arc::clone(&waiting);
        let response = response.map_body(|_, body| {
            BoxBody::new(OutboxBody { body, waiting: body_waiting, chunk: Bytes::new(), written: Vec::new() })
        });
        (Self { session, waiting, stall_timeout }, response)
    }

    /// Sends a text. `reservation` is released when the text is written.
    ///
    /// # Errors
    ///
    /// Fails if the connection is closed, or if the client reads nothing for too long.
    pub(super) async fn send(&mut self, text: String, reservation: Option<ByteReservation>) -> Result<(), NotSent> {
        let space = u32::try_from(text.len()).unwrap_or(u32::MAX).clamp(1, WAITING_BYTES_MAX);
        let sent = async {
            self.waiting.space.acquire_many(space).await.map_err(|_closed| NotSent::Closed)?.forget();
            self.session.text(text).await.map_err(|_closed| NotSent::Closed)?;
            self.waiting.messages.lock().push(QueuedMessage { space, _reservation: reservation });
            Ok(())
        };
        timeout(self.stall_timeout, sent).await.map_err(|_elapsed| NotSent::Stalled)?
    }

    /// Sends a ping if that is possible at once.
    pub(super) fn ping(&mut self) {
        let _ = self.session.ping(b"").now_or_never();
    }

    /// Sends a pong if that is possible at once.
    pub(super) fn pong(&mut self, content: &[u8]) {
        let _ = self.session.pong(content).now_or_never();
    }

    /// The session, to close it.
    pub(super) fn into_session(self) -> actix_ws::Session {
        self.session
    }
}

/// The body of the response: the frames, in chunks.
struct OutboxBody {
    body: BoxBody,
    waiting: Arc<QueuedMessages>,
    /// The rest of the frames that were taken from `body`.
    chunk: Bytes,
    /// The messages in `chunk`.
    written: Vec<QueuedMessage>,
}

impl MessageBody for OutboxBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        if this.chunk.is_empty() {
            match Pin::new(&mut this.body).poll_next(context) {
                Poll::Ready(Some(Ok(frames))) => {
                    this.chunk = frames;
                    this.written = std::mem::take(&mut this.waiting.messages.lock());
                }
                other => return other,
            }
        }
        let chunk = this.chunk.split_to(this.chunk.len().min(CHUNK_BYTES));
        if this.chunk.is_empty() {
            let written = std::mem::take(&mut this.written);
            this.waiting.space.add_permits(written.iter().map(|message| message.space as usize).sum());
        }
        Poll::Ready(Some(Ok(chunk)))
    }
}

impl Drop for OutboxBody {
    fn drop(&mut self) {
        self.waiting.space.close();
    }
}
