//! Which web pages may send requests: CORS, by a list of origins. Callers send tokens, so cookies are never needed and
//! credentials never allowed.

use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

/// For how long a browser may remember what it was allowed.
const MAX_AGE_SECS: &str = "7200";
const METHODS: &str = "GET, POST";
const REQUEST_HEADERS: &str = "authorization, content-type, graphql-require-preflight, apollo-require-preflight, \
     x-apollo-operation-name, x-request-id, last-event-id";
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, www-authenticate, x-auditgraph-export-id, content-disposition",
);

/// The origins whose pages may ask; with none, only pages of this server's own origin may.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(Vec<Origin>);

/// An origin as browsers write it: scheme, host, and port unless it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an origin: write `https://audit.example` or `http://localhost:5173`");
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(wrong)?;
        let (host, port) = match rest.strip_prefix('[') {
            Some(v6) => v6.split_once(']').ok_or_else(wrong)?,
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        let in_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_' | b':');
        let is_port = |port: &str| port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
        let fits = !host.is_empty() && host.bytes().all(in_host) && (port.is_empty() || is_port(port));
        let default = if text.starts_with("https") { ":443" } else { ":80" };
        if !fits || port == default {
            return Err(wrong());
        }
        HeaderValue::from_str(text).map(Self).map_err(|_invalid| wrong())
    }
}

impl Origin {
    pub(in crate::http) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl AllowedOrigins {
    /// These origins.
    pub fn new(origins: Vec<Origin>) -> Self {
        Self(origins)
    }

    pub(in crate::http) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::http) fn contains(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|allowed| allowed.0 == origin)
    }

    /// The answer to a browser that asks before it sends.
    #[expect(clippy::unused_self, reason = "it is the answer for these origins")]
    pub(in crate::http) fn preflight(&self) -> HttpResponse {
        HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECS))
            .finish()
    }

    /// Tells the browser whether the page that asked may read the answer.
    pub(in crate::http) fn mark(&self, from: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if self.is_empty() {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = from.filter(|origin| self.contains(origin)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        for right in ["https://audit.example", "http://localhost:5173", "https://[::1]:8443", "http://10.0.0.7"] {
            assert!(right.parse::<Origin>().is_ok(), "{right}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "audit.example",
            "https://",
            "https://audit.example/",
            "https://Audit.example",
            "https://a@b.example",
            "https://audit.example:443",
            "http://x:80",
            "https://x:y",
            "https://*.example",
            "ftp://x.example",
            "https://a.example,https://b.example",
            "https://a b",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
