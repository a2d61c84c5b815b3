//! Pagination: the requested page, its cursors, and the rows it returns.
//!
//! A cursor is opaque and versioned. It contains the order of its list, so that it is rejected in a list with another
//! order, and the start of the list's window, so that a window that ends now does not move between pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::time::DAY;
use super::{Invalid, Timestamp};

/// The field by which a list of events is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderField {
    /// The time of the activity. Events of the same time are ordered by sequence.
    OccurredAt,
    /// The position in the log.
    Sequence,
}

/// A total order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field that is compared.
    pub field: OrderField,
    /// Whether the largest value comes first.
    pub descending: bool,
}

impl Order {
    /// Newest first.
    pub const NEWEST: Self = Self { field: OrderField::OccurredAt, descending: true };

    /// Whether two positions are equal in this order.
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

/// A position in a list of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The time of the activity.
    pub occurred_at: Timestamp,
    /// The position in the log.
    pub sequence: i64,
}

/// The window of a list whose period ends now, fixed when its first page was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The length in days.
    pub days: u16,
    /// The start.
    pub from: Timestamp,
}

/// A position in a list, together with the order and window of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The order of the list.
    pub order: Order,
    /// The window of the list, if its period ends now.
    pub window: Option<Window>,
    /// The position.
    pub position: Position,
}

/// The first byte of an encoded [`Cursor`].
const LIST_CURSOR_VERSION: u8 = 1;

impl Cursor {
    /// Encodes the cursor for the API.
    pub fn encode(&self) -> String {
        let mut bytes = vec![LIST_CURSOR_VERSION, self.order.code()];
        bytes.extend(self.position.occurred_at.0.to_be_bytes());
        bytes.extend(self.position.sequence.to_be_bytes());
        if let Some(window) = self.window {
            bytes.extend(window.days.to_be_bytes());
            bytes.extend(window.from.0.to_be_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses a cursor of a list in this order. `part` names the argument in an error.
    ///
    /// # Errors
    ///
    /// Fails if the string is not a cursor, or is one of a list in another order.
    pub fn parse(cursor: &str, order: Order, part: &str) -> Result<Self, Invalid> {
        let not_a_cursor = || Invalid::new(format!("`{part}` must be a cursor that this service returned"));
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_invalid| not_a_cursor())?;
        let number = |offset: usize| {
            let eight: Option<[u8; 8]> = bytes.get(offset..offset + 8).and_then(|slice| slice.try_into().ok());
            eight.map(i64::from_be_bytes)
        };
        let (Some(occurred_at), Some(sequence)) = (number(2), number(10)) else { return Err(not_a_cursor()) };
        if bytes[0] != LIST_CURSOR_VERSION || !matches!(bytes.len(), 18 | 28) || bytes[1] > 3 || sequence < 0 {
            return Err(not_a_cursor());
        }
        if bytes[1] != order.code() {
            return Err(Invalid::new(format!("`{part}` must be a cursor of a list in the same order")));
        }
        let position = Position { occurred_at: Timestamp(occurred_at), sequence };
        let window =
            number(20).map(|from| Window { days: u16::from_be_bytes([bytes[18], bytes[19]]), from: Timestamp(from) });
        Ok(Self { order, window, position })
    }
}

/// A position in a log, for feeds and subscriptions. It contains the id of the log, because a restored log may continue
/// with other events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    /// The id of the log.
    pub log_id: [u8; 16],
    /// The position up to which all events have been delivered.
    pub sequence: i64,
}

/// The first byte of an encoded [`FeedCursor`].
const FEED_CURSOR_VERSION: u8 = 2;

impl FeedCursor {
    /// Parses the id of a log, which is a UUID.
    pub fn log_id(id: &str) -> Option<[u8; 16]> {
        uuid::Uuid::parse_str(id).ok().map(uuid::Uuid::into_bytes)
    }

    /// Encodes the cursor for the API.
    pub fn encode(&self) -> String {
        let mut bytes = vec![FEED_CURSOR_VERSION];
        bytes.extend(self.log_id);
        bytes.extend(self.sequence.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Parses the cursor of a feed.
    ///
    /// # Errors
    ///
    /// Fails if the string is not a cursor.
    pub fn parse(cursor: &str) -> Result<Self, Invalid> {
        let read = |bytes: &[u8]| {
            let (version, rest) = bytes.split_first()?;
            let (log_id, sequence) = rest.split_at_checked(16)?;
            let sequence = i64::from_be_bytes(sequence.try_into().ok()?);
            (*version == FEED_CURSOR_VERSION && sequence >= 0)
                .then_some(Self { log_id: log_id.try_into().ok()?, sequence })
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
        read(&bytes).ok_or_else(|| Invalid::new("`after` must be a feed cursor that this service returned"))
    }
}

/// The number of events of a page.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// The size of a page without `first` and `last`.
    pub default: u32,
    /// The largest size that `first` and `last` accept.
    pub max: u32,
}

/// The requested part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The most events of the page.
    pub limit: u32,
    /// Whether the page is counted from the end of the list.
    pub from_end: bool,
    /// Only events after this cursor.
    pub after: Option<Cursor>,
    /// Only events before this cursor.
    pub before: Option<Cursor>,
    /// The order of the list.
    pub order: Order,
    /// The window of the list, if its period ends now.
    pub window: Option<Window>,
}

impl Page {
    /// Validates the page arguments of a list.
    ///
    /// # Errors
    ///
    /// Fails if a size is out of range, both sizes are given, or a cursor is not valid.
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
        let cursor = |part, cursor: Option<&str>| cursor.map(|cursor| Cursor::parse(cursor, order, part)).transpose();
        let (after, before) = (cursor("after", after)?, cursor("before", before)?);
        Ok(Self { limit, from_end, after, before, order, window: None })
    }

    /// Sets the window of the page: that of its cursors, else the last `days` days.
    ///
    /// # Errors
    ///
    /// Fails if a cursor belongs to a list with another window.
    pub fn keep_window(&mut self, days: u16, now: Timestamp) -> Result<Window, Invalid> {
        let mut cursors = [("after", self.after), ("before", self.before)].into_iter();
        let kept = cursors.try_fold(None, |kept: Option<Window>, (part, cursor)| {
            // A cursor without a window (of an open period, or of a subscription) is valid in any.
            let Some(window) = cursor.and_then(|cursor| cursor.window) else { return Ok(kept) };
            match kept {
                None if window.days == days => Ok(Some(window)),
                Some(kept) if kept == window => Ok(Some(window)),
                _ => Err(Invalid::new(format!("`{part}` must be a cursor of a list with the same period"))),
            }
        });
        let window = kept?.unwrap_or(Window { days, from: now.plus(-i64::from(days) * DAY) });
        self.window = Some(window);
        Ok(window)
    }
}

/// The rows of a page, in the order of the list.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether the list has more rows after these.
    pub has_next: bool,
    /// Whether the list has more rows before these.
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
    fn page_arguments_are_validated() {
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
        fn cursor_round_trip(at in any::<i64>(), sequence in 0_i64.., from in any::<Option<(u16, i64)>>()) {
            let position = Position { occurred_at: Timestamp(at), sequence };
            let window = from.map(|(days, from)| Window { days, from: Timestamp(from) });
            let cursor = Cursor { order: Order::NEWEST, window, position };
            prop_assert_eq!(Cursor::parse(&cursor.encode(), Order::NEWEST, "after").unwrap(), cursor);
            let other = Order { field: OrderField::Sequence, descending: true };
            prop_assert!(Cursor::parse(&cursor.encode(), other, "after").is_err());
        }

        #[test]
        fn parsing_any_string_as_a_cursor_does_not_panic(string in "\\PC{0,60}") {
            let _ = Cursor::parse(&string, Order::NEWEST, "after");
        }
    }
}
