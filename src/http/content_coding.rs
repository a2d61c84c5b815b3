//! The content coding of request bodies. Collectors such as Fluent Bit, Vector and Logstash can compress what they send.
//!
//! A compressed body is limited twice: as sent, and as decompressed, because a few bytes can stand for many.

use std::io::Read as _;

use actix_web::HttpRequest;
use actix_web::http::header;
use flate2::read::MultiGzDecoder;

use super::response::HttpError;
use api::error::ApiError;
use model::Invalid;

/// The content coding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentCoding {
    /// The body is as it is.
    Identity,
    /// The body is one or more gzip members (RFC 1952).
    Gzip,
}

impl ContentCoding {
    /// Returns the coding of the body of a request, or `None` if the server does not decode it.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        let Some(coding) = request.headers().get(header::CONTENT_ENCODING) else { return Some(Self::Identity) };
        match coding.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            _ => None,
        }
    }
}

/// Decompresses a gzip body of at most `bytes_max` bytes. This keeps a core busy.
///
/// # Errors
///
/// Fails if the body is not valid gzip, or has more bytes.
pub(super) fn decompress(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, HttpError> {
    let mut decompressed = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut decompressed);
    if decompressed.len() > bytes_max {
        let (what, asked) = ("bytes in the decompressed body", decompressed.len());
        return Err(HttpError::PayloadTooLarge(ApiError::Limit { what, asked, limit: bytes_max }));
    }
    read.map_err(|_invalid| Invalid::new("the body is not valid gzip, or is not complete"))?;
    Ok(decompressed)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_decompressed_up_to_a_limit() {
        assert_eq!(decompress(&gzip(b"{}"), 2).unwrap(), b"{}");
        let members = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
        assert_eq!(decompress(&members, 100).unwrap(), b"{\"a\":1}");
        let bomb = gzip(&vec![b' '; 1 << 20]);
        assert!(bomb.len() < 2_000);
        let refused = decompress(&bomb, 1_000);
        let is_too_large = |refused: &Result<Vec<u8>, HttpError>| {
            matches!(refused, Err(HttpError::PayloadTooLarge(ApiError::Limit { asked: 1_001, limit: 1_000, .. })))
        };
        assert!(is_too_large(&refused), "{refused:?}");
        let mut broken = bomb;
        broken.truncate(500);
        assert!(is_too_large(&decompress(&broken, 1_000)), "the limit is reached before the end");
    }

    #[test]
    fn invalid_gzip_is_refused() {
        let body = gzip(b"{\"a\":1}");
        let mut wrong_checksum = body.clone();
        let position = wrong_checksum.len() - 6;
        wrong_checksum[position] ^= 1;
        let followed = [&body[..], b"{}"].concat();
        for invalid in [&b""[..], b"{}", &body[..body.len() - 1], &body[..12], &wrong_checksum, &followed] {
            assert!(matches!(decompress(invalid, 100), Err(HttpError::Api(_))), "{invalid:?}");
        }
    }
}
