//! The registry of the formats in which the bodies of events are stored.

/// How the text of a body is stored.
///
/// Each row has the code of its format. A code is never given to another format, so that a row can be read as long as
/// its log exists. The crate `body-codec` converts between a text and its stored form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyFormat {
    /// The text itself, in UTF-8.
    Plain,
    /// A zstd frame, compressed with the dictionary whose id the frame names.
    Zstd,
}

impl BodyFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Zstd];

    /// The code of the format in a row.
    pub const fn code(self) -> i16 {
        match self {
            Self::Plain => 1,
            Self::Zstd => 2,
        }
    }

    /// Returns the format with a code, or `None` if there is none.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::BodyFormat;

    #[test]
    fn codes_of_body_formats_are_permanent() {
        let codes: Vec<i16> = BodyFormat::ALL.into_iter().map(BodyFormat::code).collect();
        assert_eq!(codes, [1, 2]);
        for format in BodyFormat::ALL {
            assert_eq!(BodyFormat::from_code(format.code()), Some(format));
        }
        for code in [i16::MIN, -1, 0, 3, 257, i16::MAX] {
            assert_eq!(BodyFormat::from_code(code), None);
        }
    }
}
