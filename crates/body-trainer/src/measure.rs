//! Measures a dictionary on bodies: the stored bytes, and the time to encode and decode one body.

use std::time::Instant;

use anyhow::Context as _;
use body_codec::{Dictionary, encode_with};

use crate::print_line;

/// The compression levels that are compared.
const LEVELS: [i32; 8] = [1, 2, 3, 4, 5, 6, 9, 19];
/// The least number of bodies that are encoded, so that the time can be measured.
const COUNT_MIN: usize = 20_000;

/// Prints the results for each file and level.
pub(crate) fn measure(dictionary: &str, files: &[&str]) -> anyhow::Result<()> {
    let bytes = std::fs::read(dictionary).with_context(|| format!("cannot read {dictionary}"))?;
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
        let bodies: Vec<&str> = text.lines().collect();
        let text_bytes: usize = bodies.iter().map(|body| body.len()).sum();
        print_line(&format!("{file}: {} bodies of {} bytes", bodies.len(), text_bytes / bodies.len().max(1)))?;
        for level in LEVELS {
            let dictionary = Dictionary::with_level(&bytes, level).context("not a dictionary")?;
            print_line(&format!("  level {level:2}: {}", measure_level(&bodies, &dictionary)?))?;
        }
    }
    Ok(())
}

fn measure_level(bodies: &[&str], dictionary: &Dictionary) -> anyhow::Result<String> {
    let rounds = COUNT_MIN.div_ceil(bodies.len().max(1));
    let started = Instant::now();
    let mut encoded = Vec::new();
    for _ in 0..rounds {
        encoded = bodies.iter().map(|body| encode_with(body, Some(dictionary))).collect();
    }
    let encoding = started.elapsed();
    let started = Instant::now();
    for _ in 0..rounds {
        for (body, encoded) in bodies.iter().zip(&encoded) {
            let text = body_codec::decode_with(encoded.format.code(), &encoded.bytes, |_| Some(dictionary))?;
            anyhow::ensure!(text == *body, "a body did not survive");
        }
    }
    let decoding = started.elapsed();
    let count = (rounds * bodies.len()).max(1);
    let stored: usize = encoded.iter().map(|encoded| encoded.bytes.len()).sum();
    let nanoseconds = |elapsed: std::time::Duration| elapsed.as_nanos() / count as u128;
    Ok(format!(
        "{} bytes, {} ns to encode, {} ns to decode",
        stored / bodies.len().max(1),
        nanoseconds(encoding),
        nanoseconds(decoding)
    ))
}
