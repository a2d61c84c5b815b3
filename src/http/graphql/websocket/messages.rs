//! The messages that a client sends: assembled from their frames, within limits of size and number.
//!
//! Before `connection_init` a client needs no token to send messages, so they are short and few.

use actix_web::web::{Bytes, BytesMut};
use actix_ws::{Item, Message, MessageStream, ProtocolError};

use super::End;

/// The most bytes of a message before `connection_init`: a token of the greatest length, and the message around it.
const INIT_BYTES_MAX: usize = 24 << 10;
/// The most frames before `connection_init`.
const INIT_FRAMES_MAX: usize = 32;

/// A message of the client.
pub(super) enum ClientMessage {
    /// JSON text.
    Text(Bytes),
    /// A ping, whose content the pong repeats.
    Ping(Bytes),
    /// A pong.
    Pong,
}

/// Reads messages.
pub(super) struct Messages {
    /// `None` only while its limit is changed.
    stream: Option<MessageStream>,
    bytes_max: usize,
    /// The frames that may still arrive; `None` if any number.
    frames_left: Option<usize>,
    /// The frames of an unfinished message.
    unfinished: Option<BytesMut>,
}

impl Messages {
    /// Reads short and few messages, until [`Self::allow`].
    pub(super) fn before_init(stream: MessageStream) -> Self {
        Self {
            stream: Some(stream.max_frame_size(INIT_BYTES_MAX)),
            bytes_max: INIT_BYTES_MAX,
            frames_left: Some(INIT_FRAMES_MAX),
            unfinished: None,
        }
    }

    /// Allows any number of messages of up to `bytes_max` bytes.
    pub(super) fn allow(&mut self, bytes_max: usize) {
        self.stream = self.stream.take().map(|stream| stream.max_frame_size(bytes_max));
        self.bytes_max = bytes_max;
        self.frames_left = None;
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// Fails if the connection ends, or has to: a message is too large or not one of the protocol.
    pub(super) async fn next(&mut self) -> Result<ClientMessage, End> {
        loop {
            let stream = self.stream.as_mut().ok_or(End::Disconnected)?;
            let frame = stream.recv().await.ok_or(End::Disconnected)?.map_err(|error| end_of(&error))?;
            if let Some(left) = &mut self.frames_left {
                *left = left.checked_sub(1).ok_or(End::Closed(4400, "too many messages before connection_init"))?;
            }
            match frame {
                Message::Text(text) => return Ok(ClientMessage::Text(text.into_bytes())),
                Message::Ping(content) => return Ok(ClientMessage::Ping(content)),
                Message::Pong(_) => return Ok(ClientMessage::Pong),
                Message::Continuation(item) => {
                    if let Some(text) = self.assemble(item)? {
                        return Ok(ClientMessage::Text(text));
                    }
                }
                Message::Binary(_) => return Err(NOT_TEXT),
                Message::Close(_) => return Err(End::Closed(1000, "")),
                Message::Nop => {}
            }
        }
    }

    /// Adds a frame to the unfinished message. Returns the message if this is its last frame.
    fn assemble(&mut self, item: Item) -> Result<Option<Bytes>, End> {
        let (frame, is_last) = match item {
            Item::FirstText(frame) => {
                self.unfinished = Some(BytesMut::new());
                (frame, false)
            }
            Item::FirstBinary(_) => return Err(NOT_TEXT),
            Item::Continue(frame) => (frame, false),
            Item::Last(frame) => (frame, true),
        };
        let unfinished = self.unfinished.as_mut().ok_or(NOT_THE_PROTOCOL)?;
        if unfinished.len() + frame.len() > self.bytes_max {
            return Err(TOO_LARGE);
        }
        unfinished.extend_from_slice(&frame);
        Ok(if is_last { self.unfinished.take().map(BytesMut::freeze) } else { None })
    }
}

const NOT_TEXT: End = End::Closed(4400, "messages must be text");
const NOT_THE_PROTOCOL: End = End::Closed(1002, "this is not the WebSocket protocol");
const TOO_LARGE: End = End::Closed(1009, "the message is too large");

fn end_of(error: &ProtocolError) -> End {
    match error {
        ProtocolError::Overflow => TOO_LARGE,
        ProtocolError::Io(_) => End::Disconnected,
        _ => NOT_THE_PROTOCOL,
    }
}
