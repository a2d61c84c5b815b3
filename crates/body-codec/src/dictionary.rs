//! Dictionaries: text that bodies have in common, and the statistics of the rest.
//!
//! The dictionaries that ship with the program have the ids 1 to 255, which take one byte of a frame. Ids from 256 on are
//! reserved for dictionaries of one tenant. A dictionary is immutable: every frame that names it needs exactly its
//! bytes. A new one gets the next id, and the old ones stay.
//!
//! A dictionary holds text literally, and nothing that is recorded may remain in it after an erasure. So it is trained on
//! bodies whose values are masked ([`crate::train`]).

use std::sync::LazyLock;

use zstd::zstd_safe::{CDict, DDict};

/// The compression level, chosen by measurement: higher levels take several times as long for a few percent.
const LEVEL: i32 = 3;

/// The dictionaries that ship with the program, by ascending id.
const SHIPPED: [&[u8]; 1] = [include_bytes!("../dictionaries/1.zdict")];

static PREPARED: LazyLock<Vec<Dictionary>> =
    LazyLock::new(|| SHIPPED.iter().filter_map(|bytes| Dictionary::new(bytes)).collect());

/// A dictionary, prepared for compression and decompression.
pub struct Dictionary {
    id: u32,
    pub(crate) encoder: CDict<'static>,
    pub(crate) decoder: DDict<'static>,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dictionary").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Dictionary {
    /// Prepares a dictionary. Returns `None` if the bytes are not a zstd dictionary with an id.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        Self::with_level(bytes, LEVEL)
    }

    /// Prepares a dictionary with a compression level, for measurements.
    pub fn with_level(bytes: &[u8], level: i32) -> Option<Self> {
        let decoder = DDict::try_create(bytes)?;
        let id = decoder.get_dict_id()?.get();
        Some(Self { id, encoder: CDict::try_create(bytes, level)?, decoder })
    }

    /// The id, which each frame names.
    pub fn id(&self) -> u32 {
        self.id
    }
}

/// Returns the newest dictionary that ships with the program.
pub fn newest() -> Option<&'static Dictionary> {
    PREPARED.last()
}

/// Returns the dictionary with an id that ships with the program, or `None` if there is none.
pub fn shipped(id: u32) -> Option<&'static Dictionary> {
    PREPARED.iter().find(|dictionary| dictionary.id == id)
}
