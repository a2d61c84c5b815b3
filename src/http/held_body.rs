//! Bodies of responses whose memory stays reserved until they are written or their connection ends.
//!
//! A body is handed to the connection in chunks: the connection copies what it is given, and asks for more only when
//! the client has received most of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::limits::{ByteReservation, CallerKey, RequestPermit};

/// The bytes of a chunk.
pub(super) const CHUNK_BYTES: usize = 32 << 10;

/// Bytes of a response, and the memory that is reserved for them.
#[derive(Debug)]
pub(super) struct HeldBytes {
    bytes: Bytes,
    reservation: Option<ByteReservation>,
}

impl HeldBytes {
    /// Bytes with their reservation.
    pub(super) fn new(bytes: impl Into<Bytes>, reservation: Option<ByteReservation>) -> Self {
        Self { bytes: bytes.into(), reservation }
    }

    /// The number of bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The next chunk, or `None` after the last, when the reservation is released.
    fn next_chunk(&mut self) -> Option<Bytes> {
        if self.bytes.is_empty() {
            self.reservation = None;
            return None;
        }
        Some(self.bytes.split_to(self.bytes.len().min(CHUNK_BYTES)))
    }
}

/// A response body of known size. Until it is written, its request counts as running.
pub(super) struct HeldBody {
    held: HeldBytes,
    _request: Option<RequestPermit<CallerKey>>,
}

impl HeldBody {
    /// A body, and the permit of its request.
    pub(super) fn new(held: HeldBytes, request: Option<RequestPermit<CallerKey>>) -> Self {
        Self { held, _request: request }
    }
}

impl MessageBody for HeldBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.held.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.held.next_chunk().map(Ok))
    }
}

/// Cuts the items of a stream into chunks. Reads the next item when the last chunk of the previous one was taken.
pub(super) fn chunks<E>(
    items: impl Stream<Item = Result<HeldBytes, E>> + Unpin,
) -> impl Stream<Item = Result<Bytes, E>> {
    futures_util::stream::unfold((items, None::<HeldBytes>), async |(mut items, mut current)| {
        loop {
            if let Some(chunk) = current.as_mut().and_then(HeldBytes::next_chunk) {
                return Some((Ok(chunk), (items, current)));
            }
            match items.next().await? {
                Ok(next) => current = Some(next),
                Err(error) => return Some((Err(error), (items, None))),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn body_is_cut_into_chunks() {
        let long: Vec<u8> = (0..=255).cycle().take(2 * CHUNK_BYTES + 1).collect();
        let items = [Ok(HeldBytes::new(long.clone(), None)), Ok(HeldBytes::new(vec![7], None)), Err("broken")];
        let cut: Vec<_> = chunks(futures_util::stream::iter(items)).collect().await;
        let lengths: Vec<_> = cut.iter().map(|chunk| chunk.as_ref().map(Bytes::len)).collect();
        assert_eq!(lengths, [Ok(CHUNK_BYTES), Ok(CHUNK_BYTES), Ok(1), Ok(1), Err(&"broken")]);
        let body = HeldBody::new(HeldBytes::new(long.clone(), None), None);
        assert_eq!(body.size(), BodySize::Sized(long.len() as u64));
        assert_eq!(actix_web::body::to_bytes(body).await.unwrap(), long);
    }
}
