//! Trains the dictionary of event bodies that ships with the program, and measures dictionaries.
//!
//! ```sh
//! cargo run --release -p body-trainer -- train ID BYTES FILE
//! cargo run --release -p body-trainer -- measure DICTIONARY FILE.ndjson...
//! ```
//!
//! `train` reads nothing: the bodies are made up, by the demo's generator and by a grammar of records. It writes the same
//! file each time. A dictionary that was released is never trained again; a better one gets the next id.
//! `measure` reads bodies, one per line, as `auditgraph dump` prints them.

mod bodies;
mod grammar;
mod measure;

use std::io::Write as _;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["train", id, bytes, file] => train(id.parse()?, bytes.parse()?, file),
        ["measure", dictionary, ref files @ ..] if !files.is_empty() => measure::measure(dictionary, files),
        _ => anyhow::bail!("usage: body-trainer train ID BYTES FILE | measure DICTIONARY FILE.ndjson..."),
    }
}

/// Trains a dictionary and writes it to a file.
fn train(id: u32, bytes: usize, file: &str) -> anyhow::Result<()> {
    let made_up = bodies::made_up(bodies::COUNT)?;
    let dictionary = body_codec::train::train(id, bytes, &made_up.bodies, &made_up.masked)?;
    std::fs::write(file, &dictionary).with_context(|| format!("cannot write {file}"))?;
    print_line(&format!("{} bytes, trained on {} bodies", dictionary.len(), made_up.bodies.len()))
}

/// Prints a line of the result.
fn print_line(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
