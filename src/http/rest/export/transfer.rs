//! The transfer of an exported file: the response requests each chunk once the client has taken the one before.
//!
//! The export runs in a task of its own and not inside the response, because a response whose client reads nothing is
//! not polled: such an export could neither notice that its token expired nor give back its quota.

use std::collections::VecDeque;

use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::mpsc;

use super::format::ExportFormat;
use super::page::ExportPage;
use api::output::column::Columns;

/// The size of a chunk, in bytes: what a client must take within the stall timeout. A chunk ends with a row unless that
/// row is much larger.
const CHUNK_BYTES: usize = 64 << 10;

/// The error by which a transfer is aborted.
#[derive(Debug, thiserror::Error)]
#[error("the export could not be finished")]
pub(super) struct ExportAborted;

/// A chunk of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileChunk {
    pub(super) bytes: Bytes,
    /// The number of rows that end in this chunk, and the cursor of the last of them.
    pub(super) rows: u64,
    pub(super) end_cursor: Option<String>,
    /// Whether the chunk ends with the end of a row.
    pub(super) ends_row: bool,
}

/// The chunks of a page that were not sent yet.
#[derive(Debug, Default)]
pub(super) struct PageChunks {
    chunks: VecDeque<FileChunk>,
    bytes: Vec<u8>,
    rows: u64,
    end_cursor: Option<String>,
}

impl PageChunks {
    /// The rows of a page, after the bytes of `header`.
    pub(super) fn of(page: ExportPage, format: ExportFormat, columns: &Columns, header: Vec<u8>) -> Self {
        let mut chunks = Self { bytes: header, ..Self::default() };
        for (cursor, event) in page.edges {
            format.row(&mut chunks.bytes, columns, &event);
            chunks.rows += 1;
            chunks.end_cursor = Some(cursor);
            if chunks.bytes.len() >= CHUNK_BYTES {
                chunks.cut();
            }
        }
        chunks.cut();
        chunks
    }

    /// Ends the current chunk. A row that is too large for a chunk is divided.
    fn cut(&mut self) {
        let mut bytes = Bytes::from(std::mem::take(&mut self.bytes));
        if bytes.is_empty() {
            return;
        }
        while bytes.len() > 2 * CHUNK_BYTES {
            let bytes = bytes.split_to(CHUNK_BYTES);
            self.chunks.push_back(FileChunk { bytes, rows: 0, end_cursor: None, ends_row: false });
        }
        let (rows, end_cursor) = (std::mem::take(&mut self.rows), self.end_cursor.take());
        self.chunks.push_back(FileChunk { bytes, rows, end_cursor, ends_row: true });
    }

    /// The next chunk, or `None` after the last.
    pub(super) fn next(&mut self) -> Option<FileChunk> {
        self.chunks.pop_front()
    }

    /// The number of bytes of the chunks that were not taken.
    pub(super) fn bytes_left(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.len()).sum()
    }

    /// Whether all chunks were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

/// What the body of the response receives.
#[derive(Debug)]
enum TransferMessage {
    /// More of the file.
    More(Bytes),
    /// The end of the file.
    Last(Option<Bytes>),
}

/// The side of a transfer that sends.
#[derive(Debug)]
pub(super) struct Transfer {
    requests: mpsc::Receiver<()>,
    messages: mpsc::Sender<TransferMessage>,
}

/// A new transfer, and the body of its response. The body is aborted if the transfer is dropped before its end.
pub(super) fn transfer() -> (Transfer, impl Stream<Item = Result<Bytes, ExportAborted>>) {
    let (ask, requests) = mpsc::channel(1);
    // Room for the chunk that was requested, and for the end, which may not be requested.
    let (messages, receive) = mpsc::channel(2);
    let body = unfold(Some((ask, receive)), async |state| {
        let (ask, mut receive) = state?;
        // The transfer may have ended already.
        let _ = ask.try_send(());
        match receive.recv().await {
            Some(TransferMessage::More(bytes)) => Some((Ok(bytes), Some((ask, receive)))),
            Some(TransferMessage::Last(Some(bytes))) => Some((Ok(bytes), None)),
            Some(TransferMessage::Last(None)) => None,
            None => Some((Err(ExportAborted), None)),
        }
    });
    (Transfer { requests, messages }, body)
}

impl Transfer {
    /// Waits until the client has taken everything sent so far. Returns `None` if it disconnected.
    pub(super) async fn requested(&mut self) -> Option<()> {
        self.requests.recv().await
    }

    /// Waits until the client disconnects.
    pub(super) async fn disconnected(&self) {
        self.messages.closed().await;
    }

    /// Sends more of the file, which was requested.
    pub(super) fn send(&self, bytes: Bytes) {
        // Fails if the client disconnected, which the next request reports.
        let _ = self.messages.try_send(TransferMessage::More(bytes));
    }

    /// Ends the file.
    pub(super) fn end(self, bytes: Option<Bytes>) {
        let _ = self.messages.try_send(TransferMessage::Last(bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::StreamExt as _;

    use super::*;

    fn chunks(rows: &[&str]) -> Vec<(usize, u64, bool)> {
        let mut chunks = PageChunks::default();
        for row in rows {
            chunks.bytes.extend(row.as_bytes());
            chunks.rows += 1;
            if chunks.bytes.len() >= CHUNK_BYTES {
                chunks.cut();
            }
        }
        chunks.cut();
        chunks.chunks.iter().map(|chunk| (chunk.bytes.len(), chunk.rows, chunk.ends_row)).collect()
    }

    #[test]
    fn chunks_end_with_rows_unless_a_row_is_large() {
        assert_eq!(chunks(&[]), []);
        assert_eq!(chunks(&["a", "bc"]), [(3, 2, true)]);
        let row = "x".repeat(CHUNK_BYTES / 2);
        assert_eq!(chunks(&[&row, &row, &row]), [(CHUNK_BYTES, 2, true), (CHUNK_BYTES / 2, 1, true)]);
        let large = "x".repeat(3 * CHUNK_BYTES);
        let expected = [(CHUNK_BYTES, 0, false), (2 * CHUNK_BYTES, 1, true), (1, 1, true)];
        assert_eq!(chunks(&[&large, "y"]), expected);
    }

    #[actix_web::test]
    async fn body_requests_each_chunk_and_is_aborted_without_an_end() {
        let (mut sender, body) = transfer();
        let mut body = pin!(body);
        let (received, ()) = tokio::join!(body.next(), async {
            sender.requested().await.unwrap();
            sender.send(Bytes::from_static(b"a"));
        });
        assert_eq!(received.unwrap().unwrap(), "a");
        assert!(futures_util::poll!(pin!(sender.requested())).is_pending(), "nothing is requested yet");
        sender.end(Some(Bytes::from_static(b"end")));
        assert_eq!(body.next().await.unwrap().unwrap(), "end");
        assert!(body.next().await.is_none());

        let (sender, body) = transfer();
        let mut body = pin!(body);
        drop(sender);
        assert!(body.next().await.unwrap().is_err());
        assert!(body.next().await.is_none());

        let (mut sender, body) = transfer();
        drop(body);
        assert_eq!(sender.requested().await, None);
        sender.disconnected().await;
    }
}
