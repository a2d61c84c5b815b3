//! Paging: the page that a caller asks for, the cursors it is given, and what comes back.
//!
//! A cursor is opaque and versioned. It names the order it was made in, so that it cannot be used in another, and
//! keeps the start of the period, so that a window that ends now does not move while somebody pages through it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::time::DAY;
use super::{Invalid, Timestamp};

/// What a list of events can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderField {
    /// When the activity happened; events of the same time by sequence.
    OccurredAt,
    /// The place in the log.
    Sequence,
}

/// A total order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// What decides.
    pub field: OrderField,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Order {
    /// Newest first.
    pub const NEWEST: Self = Self { field: OrderField::OccurredAt, descending: true };

    /// Whether two positions are one place in this order.
    pub fn same(self, a: Position, b: Position) -> bool {
        a.sequence == b.sequence && (self.field == OrderField::Sequence || a.occurred_at == b.occurred_at)
    }

    const fn code(self) -> u8 {
        match (self.field, self.descending) {
            (OrderField::OccurredAt, true) => 0,
            (OrderField::OccurredAt, false) => 1,
            (OrderField::Sequence, true) => 2,
            (OrderField::Sequence, false) => 3,
        }
    }
}

/// A place in a list of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the event happened.
    pub occurred_at: Timestamp,
    /// Its place in the log.
    pub sequence: i64,
}

/// A window that ends now, as it stood when a list was first asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many days it covers.
    pub days: u8,
    /// Its first moment.
    pub from: Timestamp,
}

/// A place in a list, together with what the list was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The list's order.
    pub order: Order,
    /// The start of the list's window, if its period was one that ends now; so the window does not slide.
    pub window: Option<Window>,
    /// The place.
    pub position: Position,
}

/// The first byte of a cursor of a list of events.
const LIST_CURSOR_VERSION: u8 = 1;

impl Cursor {
    /// The cursor as callers get it.
    pub fn encode(&self) -> String {
        let mut bytes = vec![LIST_CURSOR_VERSION, self.order.code()];
        bytes.extend(self.position.occurred_at.0.to_be_bytes());
        bytes.extend(self.position.sequence.to_be_bytes());
        if let Some(window) = self.window {
            bytes.push(window.days);
            bytes.extend(window.from.0.to_be_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that was handed out for a list in this order. `part` names the argument in the explanation.
    pub fn parse(text: &str, order: Order, part: &str) -> Result<Self, Invalid> {
        let foreign = || Invalid::new(format!("`{part}` is not a cursor that this service handed out"));
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_invalid| foreign())?;
        let number = |at: usize| {
            let eight: Option<[u8; 8]> = bytes.get(at..at + 8).and_then(|slice| slice.try_into().ok());
            eight.map(i64::from_be_bytes)
        };
        let (Some(occurred_at), Some(sequence)) = (number(2), number(10)) else { return Err(foreign()) };
        if bytes[0] != LIST_CURSOR_VERSION || !matches!(bytes.len(), 18 | 27) || bytes[1] > 3 || sequence < 0 {
            return Err(foreign());
        }
        if bytes[1] != order.code() {
            return Err(Invalid::new(format!("`{part}` is a cursor of a list in another order")));
        }
        let position = Position { occurred_at: Timestamp(occurred_at), sequence };
        let window = number(19).map(|from| Window { days: bytes[18], from: Timestamp(from) });
        Ok(Self { order, window, position })
    }
}

/// A place in a log, for followers. It names the log, because a log that was restored may go on differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    /// The log.
    pub log_id: [u8; 16],
    /// Everything up to this place has been seen.
    pub sequence: i64,
}

/// The first byte of a cursor of a feed.
const FEED_CURSOR_VERSION: u8 = 2;

impl FeedCursor {
    /// The bytes of a log's id, which is a UUID.
    pub fn log_id(text: &str) -> Option<[u8; 16]> {
        uuid::Uuid::parse_str(text).ok().map(uuid::Uuid::into_bytes)
    }

    /// The cursor as callers get it.
    pub fn encode(&self) -> String {
        let mut bytes = vec![FEED_CURSOR_VERSION];
        bytes.extend(self.log_id);
        bytes.extend(self.sequence.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that was handed out for a feed.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let read = |bytes: &[u8]| {
            let (version, rest) = bytes.split_first()?;
            let (log_id, sequence) = rest.split_at_checked(16)?;
            let sequence = i64::from_be_bytes(sequence.try_into().ok()?);
            (*version == FEED_CURSOR_VERSION && sequence >= 0)
                .then_some(Self { log_id: log_id.try_into().ok()?, sequence })
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        read(&bytes).ok_or_else(|| Invalid::new("`after` is not a cursor of a feed that this service handed out"))
    }
}

/// How many events a page may have.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Without `first` and `last`.
    pub default: u32,
    /// At most.
    pub max: u32,
}

/// The part of a list that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most how many events.
    pub limit: u32,
    /// Counted from the end of the list.
    pub from_end: bool,
    /// Only what comes after this.
    pub after: Option<Cursor>,
    /// Only what comes before this.
    pub before: Option<Cursor>,
    /// In which order.
    pub order: Order,
    /// The window that the list is of, if its period is one that ends now.
    pub window: Option<Window>,
}

impl Page {
    /// Checks what a caller asked for.
    pub fn parse(
        (first, after): (Option<i32>, Option<&str>),
        (last, before): (Option<i32>, Option<&str>),
        order: Order,
        limits: PageLimits,
    ) -> Result<Self, Invalid> {
        let sized = |part: &str, size: i32| match u32::try_from(size) {
            Ok(size) if (1..=limits.max).contains(&size) => Ok(size),
            _ => Err(Invalid::new(format!("`{part}` must be from 1 to {}", limits.max))),
        };
        let (limit, from_end) = match (first, last) {
            (Some(_), Some(_)) => return Err(Invalid::new("give `first` or `last`, not both")),
            (Some(first), None) => (sized("first", first)?, false),
            (None, Some(last)) => (sized("last", last)?, true),
            (None, None) => (limits.default, false),
        };
        let cursor = |part, text: Option<&str>| text.map(|text| Cursor::parse(text, order, part)).transpose();
        let (after, before) = (cursor("after", after)?, cursor("before", before)?);
        Ok(Self { limit, from_end, after, before, order, window: None })
    }

    /// Makes the page one of a window of so many days: as the page's cursors have it, else ending now.
    pub fn keep_window(&mut self, days: u8, now: Timestamp) -> Result<Window, Invalid> {
        let mut cursors = [("after", self.after), ("before", self.before)].into_iter();
        let kept = cursors.try_fold(None, |kept: Option<Window>, (part, cursor)| {
            // A cursor of a list without a window, or of what was pushed, is a place in any.
            let Some(window) = cursor.and_then(|cursor| cursor.window) else { return Ok(kept) };
            match kept {
                None if window.days == days => Ok(Some(window)),
                Some(kept) if kept == window => Ok(Some(window)),
                _ => Err(Invalid::new(format!("`{part}` is a cursor of a list of another period"))),
            }
        });
        let window = kept?.unwrap_or(Window { days, from: now.plus(-i64::from(days) * DAY) });
        self.window = Some(window);
        Ok(window)
    }
}

/// Some rows of a list, in its order, and whether there are more on either side.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more after them.
    pub has_next: bool,
    /// Whether there are more before them.
    pub has_previous: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: PageLimits = PageLimits { default: 50, max: 200 };

    fn page(first: Option<i32>, last: Option<i32>) -> Result<Page, Invalid> {
        Page::parse((first, None), (last, None), Order::NEWEST, LIMITS)
    }

    #[test]
    fn a_page_is_parsed_not_trusted() {
        assert_eq!(page(None, None).unwrap().limit, 50);
        assert!(page(None, Some(3)).unwrap().from_end);
        assert_eq!(page(Some(1), Some(1)).unwrap_err().0, "give `first` or `last`, not both");
        for size in [0, -1, 201, i32::MAX] {
            assert_eq!(page(Some(size), None).unwrap_err().0, "`first` must be from 1 to 200");
            assert_eq!(page(None, Some(size)).unwrap_err().0, "`last` must be from 1 to 200");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_went(at in any::<i64>(), sequence in 0_i64.., from in any::<Option<(u8, i64)>>()) {
            let position = Position { occurred_at: Timestamp(at), sequence };
            let window = from.map(|(days, from)| Window { days, from: Timestamp(from) });
            let cursor = Cursor { order: Order::NEWEST, window, position };
            prop_assert_eq!(Cursor::parse(&cursor.encode(), Order::NEWEST, "after").unwrap(), cursor);
            let other = Order { field: OrderField::Sequence, descending: true };
            prop_assert!(Cursor::parse(&cursor.encode(), other, "after").is_err());
        }

        #[test]
        fn a_forged_cursor_is_refused_not_believed(text in "\\PC{0,60}") {
            // Almost no text is a cursor; none makes the parser panic.
            let _ = Cursor::parse(&text, Order::NEWEST, "after");
        }
    }
}
