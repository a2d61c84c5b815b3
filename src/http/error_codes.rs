//! The codes of a response's errors, for the request log, the metrics and the access log.

use async_graphql::{PathSegment, ServerError};

use access::AccessRecord;
use api::error::code_of;

/// The most errors of a response that are recorded.
const ERRORS_MAX: usize = 50;
/// The code of a request without an error.
pub(super) const OK: &str = "OK";

/// The codes of a response's errors, each with the response key of its root field. Stored with the response.
#[derive(Debug, Default)]
pub(super) struct ErrorCodes(Vec<(Option<String>, String)>);

impl ErrorCodes {
    /// The codes of these errors.
    pub(super) fn of(errors: &[ServerError]) -> Self {
        let key = |error: &ServerError| match error.path.first() {
            Some(PathSegment::Field(key)) => Some(key.clone()),
            _ => None,
        };
        let code = |error: &ServerError| code_of(error).unwrap_or_default();
        Self(errors.iter().take(ERRORS_MAX).map(|error| (key(error), code(error))).collect())
    }

    /// One code that concerns the whole response.
    pub(super) fn all(code: &str) -> Self {
        Self(vec![(None, code.to_owned())])
    }

    /// Reports the outcome of each root field to the access log.
    pub(super) fn report(&self, record: &AccessRecord) {
        record.finish(|key| self.code(Some(key)));
    }

    /// The code of the first error that concerns a response key, or the whole response.
    pub(super) fn code(&self, key: Option<&str>) -> &str {
        let concerns = |(at, _): &&(Option<String>, String)| at.is_none() || key.is_none() || at.as_deref() == key;
        self.0.iter().find(concerns).map_or(OK, |(_, code)| code)
    }
}
