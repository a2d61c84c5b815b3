//! Files that appear under their name only when they are complete, and never replace another file.

use std::path::Path;

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// Creates an empty file that only its owner can read, in the folder of `file`.
pub(super) fn temporary_beside(file: &Path) -> anyhow::Result<NamedTempFile> {
    let folder = folder_of(file);
    let created = tempfile::Builder::new().prefix(".auditgraph-").tempfile_in(folder);
    created.with_context(|| format!("cannot write in {}", folder.display()))
}

/// Flushes a complete file to disk and renames it to `path`. Returns its size in bytes. Fails if `path` exists.
pub(super) fn persist(complete: NamedTempFile, path: &Path) -> anyhow::Result<u64> {
    // The database wrote to the file by its name, so this opens it again by name.
    let file = std::fs::OpenOptions::new().write(true).open(complete.path())?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    complete.persist_noclobber(path).with_context(|| format!("cannot create {}", path.display()))?;
    std::fs::File::open(folder_of(path))?.sync_all()?;
    Ok(bytes)
}

/// Returns the folder that a file is in; `.` for a bare file name.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
