//! The files of an import, with the number of bytes that were read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::commands::progress::megabytes;

/// A file, or standard input (`-`).
pub(super) struct InputFile {
    input: Box<dyn Read>,
    position: FilePosition,
}

/// The position in a file.
#[derive(Clone, Debug)]
pub(super) struct FilePosition {
    bytes_read: Arc<AtomicU64>,
    /// The size, if it is known.
    bytes: Option<u64>,
}

impl InputFile {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let (input, bytes): (Box<dyn Read>, _) = if path.as_os_str() == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let bytes = metadata.is_file().then_some(metadata.len());
            (Box::new(file), bytes)
        };
        Ok(Self { input, position: FilePosition { bytes_read: Arc::default(), bytes } })
    }

    /// Returns the position, which advances with the file.
    pub(super) fn position(&self) -> FilePosition {
        self.position.clone()
    }
}

impl Read for InputFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.position.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl std::fmt::Display for FilePosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&megabytes(self.bytes_read.load(Ordering::Relaxed)))?;
        if let Some(bytes) = self.bytes {
            write!(f, " of {}", megabytes(bytes))?;
        }
        f.write_str(" MB")
    }
}
