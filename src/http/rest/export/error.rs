//! Why an export does not start, or ends early.

use async_graphql::{ServerError, Value};

use crate::http::response::HttpError;
use api::engine::PrepareError;
use api::error::{ApiError, Code, code_of};

/// The error of an export, as its status shows it.
#[derive(Debug)]
pub(super) struct ExportError {
    pub(super) code: String,
    pub(super) message: String,
    /// The requested amount and the limit, if the limit was exceeded.
    excess: Option<[u64; 2]>,
}

impl From<ApiError> for ExportError {
    fn from(error: ApiError) -> Self {
        Self::of(&error.into_server_error())
    }
}

impl From<PrepareError> for ExportError {
    fn from(error: PrepareError) -> Self {
        let errors = error.into_server_errors();
        errors.first().map_or_else(|| ApiError::Bug("a refused operation without an error").into(), Self::of)
    }
}

impl ExportError {
    /// The error of a response. A validation error means that the body is invalid, because the document is the server's
    /// own.
    pub(super) fn of(error: &ServerError) -> Self {
        let code = code_of(error).filter(|code| code != Code::ValidationFailed.name());
        let number = |name| match error.extensions.as_ref()?.get(name)? {
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        let excess = number("asked").zip(number("limit")).map(|(asked, limit)| [asked, limit]);
        let code = code.unwrap_or_else(|| Code::BadUserInput.name().to_owned());
        Self { code, message: error.message.clone(), excess }
    }

    /// Whether this limit was exceeded.
    pub(super) fn exceeds(&self, limit: usize) -> bool {
        self.excess.is_some_and(|[_, exceeded]| exceeded == limit as u64)
    }
}

impl From<ExportError> for HttpError {
    fn from(error: ExportError) -> Self {
        let mut converted = ServerError::new(error.message, None);
        let extensions = converted.extensions.get_or_insert_default();
        if let Some([asked, limit]) = error.excess {
            extensions.set("asked", asked);
            extensions.set("limit", limit);
        }
        extensions.set("code", error.code);
        Self::Server(Box::new(converted))
    }
}
