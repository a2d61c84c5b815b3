//! The transfer of an exported file: the response requests each piece once the client has taken the one before.
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

/// The size of a piece, in bytes: what a client must take within the stall timeout. A piece ends with a row unless that
/// row is much larger.
const PIECE_BYTES: usize = 64 << 10;

/// The error by which a transfer is aborted.
#[derive(Debug, thiserror::Error)]
#[error("the export could not be finished")]
pub(super) struct ExportAborted;

/// A piece of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    /// The number of rows that end in this piece, and the cursor of the last of them.
    pub(super) rows: u64,
    pub(super) end_cursor: Option<String>,
    /// Whether the piece ends with the end of a row.
    pub(super) ends_row: bool,
}

/// The pieces of a page that were not sent yet.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Piece>,
    bytes: Vec<u8>,
    rows: u64,
    end_cursor: Option<String>,
}

impl Pieces {
    /// The rows of a page, after the bytes of `header`.
    pub(super) fn of(page: ExportPage, format: ExportFormat, columns: &Columns, header: Vec<u8>) -> Self {
        let mut pieces = Self { bytes: header, ..Self::default() };
        for (cursor, event) in page.edges {
            format.row(&mut pieces.bytes, columns, &event);
            pieces.rows += 1;
            pieces.end_cursor = Some(cursor);
            if pieces.bytes.len() >= PIECE_BYTES {
                pieces.cut();
            }
        }
        pieces.cut();
        pieces
    }

    /// Ends the current piece. A row that is too large for a piece is divided.
    fn cut(&mut self) {
        let mut bytes = Bytes::from(std::mem::take(&mut self.bytes));
        if bytes.is_empty() {
            return;
        }
        while bytes.len() > 2 * PIECE_BYTES {
            let bytes = bytes.split_to(PIECE_BYTES);
            self.pieces.push_back(Piece { bytes, rows: 0, end_cursor: None, ends_row: false });
        }
        let (rows, end_cursor) = (std::mem::take(&mut self.rows), self.end_cursor.take());
        self.pieces.push_back(Piece { bytes, rows, end_cursor, ends_row: true });
    }

    /// The next piece, or `None` after the last.
    pub(super) fn next(&mut self) -> Option<Piece> {
        self.pieces.pop_front()
    }

    /// The number of bytes of the pieces that were not taken.
    pub(super) fn bytes_left(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len()).sum()
    }

    /// Whether all pieces were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// What the body of the response receives.
#[derive(Debug)]
enum Part {
    /// More of the file.
    More(Bytes),
    /// The end of the file.
    Last(Option<Bytes>),
}

/// The side of a transfer that sends.
#[derive(Debug)]
pub(super) struct Transfer {
    requests: mpsc::Receiver<()>,
    parts: mpsc::Sender<Part>,
}

/// A new transfer, and the body of its response. The body is aborted if the transfer is dropped before its end.
pub(super) fn transfer() -> (Transfer, impl Stream<Item = Result<Bytes, ExportAborted>>) {
    let (ask, requests) = mpsc::channel(1);
    // Room for the answer to a request, and for the end, which may not be requested.
    let (parts, receive) = mpsc::channel(2);
    let body = unfold(Some((ask, receive)), async |state| {
        let (ask, mut receive) = state?;
        // The transfer may have ended already.
        let _ = ask.try_send(());
        match receive.recv().await {
            Some(Part::More(bytes)) => Some((Ok(bytes), Some((ask, receive)))),
            Some(Part::Last(Some(bytes))) => Some((Ok(bytes), None)),
            Some(Part::Last(None)) => None,
            None => Some((Err(ExportAborted), None)),
        }
    });
    (Transfer { requests, parts }, body)
}

impl Transfer {
    /// Waits until the client has taken everything sent so far. Returns `None` if it disconnected.
    pub(super) async fn requested(&mut self) -> Option<()> {
        self.requests.recv().await
    }

    /// Waits until the client disconnects.
    pub(super) async fn disconnected(&self) {
        self.parts.closed().await;
    }

    /// Sends more of the file, which was requested.
    pub(super) fn send(&self, bytes: Bytes) {
        // Fails if the client disconnected, which the next request reports.
        let _ = self.parts.try_send(Part::More(bytes));
    }

    /// Ends the file.
    pub(super) fn end(self, bytes: Option<Bytes>) {
        let _ = self.parts.try_send(Part::Last(bytes));
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::StreamExt as _;

    use super::*;

    fn pieces(rows: &[&str]) -> Vec<(usize, u64, bool)> {
        let mut pieces = Pieces::default();
        for row in rows {
            pieces.bytes.extend(row.as_bytes());
            pieces.rows += 1;
            if pieces.bytes.len() >= PIECE_BYTES {
                pieces.cut();
            }
        }
        pieces.cut();
        pieces.pieces.iter().map(|piece| (piece.bytes.len(), piece.rows, piece.ends_row)).collect()
    }

    #[test]
    fn pieces_end_with_rows_unless_a_row_is_large() {
        assert_eq!(pieces(&[]), []);
        assert_eq!(pieces(&["a", "bc"]), [(3, 2, true)]);
        let row = "x".repeat(PIECE_BYTES / 2);
        assert_eq!(pieces(&[&row, &row, &row]), [(PIECE_BYTES, 2, true), (PIECE_BYTES / 2, 1, true)]);
        let large = "x".repeat(3 * PIECE_BYTES);
        let expected = [(PIECE_BYTES, 0, false), (2 * PIECE_BYTES, 1, true), (1, 1, true)];
        assert_eq!(pieces(&[&large, "y"]), expected);
    }

    #[actix_web::test]
    async fn body_requests_each_piece_and_is_aborted_without_an_end() {
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
