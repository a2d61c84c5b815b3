//! Records of other systems: a recognised record keeps all its data, the event survives storage unchanged, and a file
//! yields the same records regardless of how it is split into reads.

use std::io::Read;

use formats::{RecordReader, recognise};
use model::json::{Json, JsonNode};
use model::sensitive::SensitiveNames;
use model::{ActorKind, EventBody, NewEvent, Timestamp};

#[expect(clippy::unwrap_used, reason = "a test of the crate `formats` shares this file")]
#[path = "../../crates/formats/src/tests/lost.rs"]
mod lost;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// A reader that returns one byte per call.
struct OneByteReader<'a>(&'a [u8]);

impl Read for OneByteReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (Some((first, rest)), Some(slot)) = (self.0.split_first(), buffer.first_mut()) else { return Ok(0) };
        (*slot, self.0) = (*first, rest);
        Ok(1)
    }
}

/// Checks a file of records.
pub fn check(input: &[u8]) {
    let records: Vec<_> = RecordReader::new(input).collect();
    assert_eq!(
        records,
        RecordReader::new(OneByteReader(input)).collect::<Vec<_>>(),
        "the records depend on the sizes of the reads"
    );
    let lines = input.split(|byte| *byte == b'\n').count() as u64;
    for record in records {
        match record {
            Ok((line, record)) => {
                assert!((1..=lines).contains(&line));
                check_record(&record);
            }
            Err(problem) => assert!((1..=lines).contains(&problem.line) && !problem.reason.contains('\n'), "{problem}"),
        }
    }
}

fn check_record(record: &JsonNode) {
    let text = record.to_json();
    assert_eq!(JsonNode::parse(text.text()).as_ref(), Some(record), "the JSON of a record parses to another value");
    let Ok(recognised) = recognise(record) else { return };
    assert_eq!(lost::lost(record, &recognised.body), Vec::<String>::new(), "{}", text.text());
    let Ok(event) = NewEvent::parse(recognised.body, NOW, &SensitiveNames::default()) else { return };
    let stored = NewEvent::stored(event.json().to_owned()).expect("a stored event is readable");
    assert_eq!(stored.body(), event.body());
    assert_eq!((stored.id(), stored.content_hash()), (event.id(), event.content_hash()));
    assert_eq!(lost::lost(record, stored.body()), Vec::<String>::new(), "{}", text.text());
}
