//! Other systems' records: nothing of one that is recognised is lost, what is recognised stays the same once it is
//! stored, and a file gives the same records however it arrives.

use std::io::Read;

use model::json::{Json, JsonNode};
use model::sensitive::SensitiveNames;
use model::{ActorKind, EventBody, NewEvent, Timestamp};
use formats::{Records, recognise};

#[path = "../../src/foreign/tests/lost.rs"]
mod lost;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// A reader that hands out one byte at a time.
struct Drop<'a>(&'a [u8]);

impl Read for Drop<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (Some((first, rest)), Some(place)) = (self.0.split_first(), buffer.first_mut()) else { return Ok(0) };
        (*place, self.0) = (*first, rest);
        Ok(1)
    }
}

/// The input is a file of records.
pub fn check(input: &[u8]) {
    let records: Vec<_> = Records::new(input).collect();
    assert_eq!(records, Records::new(Drop(input)).collect::<Vec<_>>(), "pieces are not the same as the whole");
    let lines = input.split(|byte| *byte == b'\n').count() as u64;
    for record in records {
        match record {
            Ok((line, record)) => {
                assert!((1..=lines).contains(&line));
                read(&record);
            }
            Err(problem) => assert!((1..=lines).contains(&problem.line) && !problem.reason.contains('\n'), "{problem}"),
        }
    }
}

fn read(record: &JsonNode) {
    let text = record.to_json();
    assert_eq!(JsonNode::parse(text.text()).as_ref(), Some(record), "a record is not what it prints");
    let Ok(recognised) = recognise(record) else { return };
    assert_eq!(lost::lost(record, &recognised.body), Vec::<String>::new(), "{}", text.text());
    let Ok(event) = NewEvent::parse(recognised.body, NOW, &SensitiveNames::default()) else { return };
    let stored = NewEvent::stored(event.json().to_owned()).expect("what is stored can be read");
    assert_eq!(stored.body(), event.body());
    assert_eq!((stored.id(), stored.content_hash()), (event.id(), event.content_hash()));
    assert_eq!(lost::lost(record, stored.body()), Vec::<String>::new(), "{}", text.text());
}
