//! Cursors and ids: an accepted string encodes back to itself, and parses as exactly one kind in exactly one order.

use model::page::{Cursor, FeedCursor, Order, OrderField, Page, PageLimits, Window};
use model::time::DAY;
use model::{EventId, Timestamp};

const LIMITS: PageLimits = PageLimits { default: 50, max: 200 };
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// Checks the string of a cursor or an id.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut kinds = 0;
    for field in [OrderField::OccurredAt, OrderField::Sequence] {
        for descending in [true, false] {
            let order = Order { field, descending };
            let Ok(cursor) = Cursor::parse(text, order, "after") else { continue };
            kinds += 1;
            assert_eq!((cursor.encode().as_str(), cursor.order), (text, order));
            assert!(cursor.position.sequence >= 0);
            page(text, &cursor);
        }
    }
    if let Ok(cursor) = FeedCursor::parse(text) {
        kinds += 1;
        assert_eq!(cursor.encode(), text);
        assert!(cursor.sequence >= 0);
    }
    if let Ok(id) = EventId::parse(text) {
        kinds += 1;
        assert_eq!(id.to_global(), text);
    }
    assert!(kinds <= 1, "{text} parses as several kinds");
}

/// Checks that a page keeps the time window of its cursor, if it has one, and rejects any other window.
fn page(text: &str, cursor: &Cursor) {
    let parse = |after, before| Page::parse((Some(3), after), (None, before), cursor.order, LIMITS);
    let page = parse(Some(text), None).expect("the cursor has this order");
    assert_eq!((page.after, page.before), (Some(*cursor), None));
    for days in [1, 7, 30] {
        let mut page = parse(None, Some(text)).expect("the cursor has this order");
        let kept = page.keep_window(days, NOW).ok();
        let expected = match cursor.window {
            Some(window) => (window.days == days).then_some(window),
            // A cursor of a list without a window is a position in any window.
            None => Some(Window { days, from: NOW.plus(-i64::from(days) * DAY) }),
        };
        assert_eq!(kept, expected);
    }
}
