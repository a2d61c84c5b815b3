//! Errors of the API: a closed list of codes, and two barriers against leaking internal errors.
//!
//! [`ApiError`] has no `Display`, so the library's blanket conversion does not apply and a stray `?` on a foreign
//! error in a resolver does not compile. The *sweep* checks every response before it is written: it masks an error that
//! has a source but no code, however it got there.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Response, ServerError};

use access::AccessError;
use auth::Rejected;
use model::Invalid;
use store::{FeedError, StoreError};

/// The value of `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No token or API key, or one that is not valid.
    Unauthenticated,
    /// The caller may not use the operation at all.
    Forbidden,
    /// The request is invalid.
    BadUserInput,
    /// The request exceeds a limit.
    LimitExceeded,
    /// The deadline has passed.
    Timeout,
    /// The log cannot continue from the cursor.
    CursorExpired,
    /// The client of a stream read nothing for too long.
    FeedLagged,
    /// The database, or the keys of an issuer, cannot be reached now.
    Unavailable,
    /// The document is not GraphQL.
    ParseFailed,
    /// The document does not fit the schema.
    ValidationFailed,
    /// The persisted query is unknown.
    PersistedQueryNotFound,
    /// There is no document with the id.
    DocumentNotFound,
    /// An internal error.
    Internal,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 13] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::BadUserInput,
        Self::LimitExceeded,
        Self::Timeout,
        Self::CursorExpired,
        Self::FeedLagged,
        Self::Unavailable,
        Self::ParseFailed,
        Self::ValidationFailed,
        Self::PersistedQueryNotFound,
        Self::DocumentNotFound,
        Self::Internal,
    ];

    /// The code of this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// The code as the client receives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Timeout => "TIMEOUT",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::FeedLagged => "FEED_LAGGED",
            Self::Unavailable => "UNAVAILABLE",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::DocumentNotFound => "DOCUMENT_NOT_FOUND",
            Self::Internal => "INTERNAL_SERVER_ERROR",
        }
    }
}

/// Why an operation or a field fails. It intentionally has no `Display`; see the module documentation.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// The token is missing or rejected.
    Unauthenticated(Rejected),
    /// A valid token that is not sufficient.
    TokenForbidden(Rejected),
    /// The caller may not use the operation at all.
    Forbidden(&'static str),
    /// The request is invalid.
    BadInput(Invalid),
    /// The document does not fit the schema.
    NotValid(Invalid),
    /// The persisted query is unknown; the client can repeat the request with its text.
    PersistedQueryUnknown,
    /// There is no document with the id, and repeating the request with its text would not change that.
    DocumentUnknown,
    /// The request exceeds a limit.
    Limit {
        /// What was limited, in the plural.
        what: &'static str,
        /// The amount in the request, as far as it was counted.
        asked: usize,
        /// The limit.
        limit: usize,
    },
    /// The log cannot continue from the cursor.
    CursorExpired {
        /// The reason, as a code.
        reason: &'static str,
        /// The oldest cursor from which the log can continue.
        oldest: String,
    },
    /// The client of a stream read nothing for too long.
    FeedLagged {
        /// The cursor to continue from, or `None` if the client received no batch.
        resume: Option<String>,
    },
    /// The deadline has passed.
    Timeout,
    /// The database cannot be reached now.
    Unavailable,
    /// The server has no capacity for the request now, or the database none for recording: a sentence for the client.
    Overloaded(&'static str),
    /// An error of the store, which the client must not see.
    Internal(Arc<StoreError>),
    /// A violated invariant of this program.
    Bug(&'static str),
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::BadInput(invalid)
    }
}

impl From<Rejected> for ApiError {
    fn from(rejected: Rejected) -> Self {
        Self::Unauthenticated(rejected)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Timeout => Self::Timeout,
            StoreError::TooLarge { requested: asked, limit } => {
                Self::Limit { what: "bytes of events in one response", asked, limit }
            }
            StoreError::CallerMemory { requested: asked, limit } => {
                Self::Limit { what: "bytes of bodies and responses at once", asked, limit }
            }
            StoreError::ServerMemory => Self::Overloaded("the server holds too many bodies and responses; try again"),
            StoreError::QueueFull => {
                Self::Overloaded("too many events wait to be recorded; nothing was recorded, try again")
            }
            StoreError::DatabaseLocked => {
                Self::Overloaded("the database is locked or too slow; nothing was recorded, try again")
            }
            StoreError::Busy(cause) => {
                tracing::warn!(error = &*cause as &dyn std::error::Error, "database locked");
                Self::Overloaded("the database is locked by another process; nothing was changed, try again")
            }
            StoreError::OutcomeUnknown => Self::Unavailable,
            StoreError::SerializationFailure(cause) | StoreError::Unavailable(cause) => {
                tracing::warn!(error = &*cause as &dyn std::error::Error, "database unavailable");
                Self::Unavailable
            }
            other => Self::Internal(Arc::new(other)),
        }
    }
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Restored { oldest } => Self::CursorExpired { reason: "RESTORED", oldest: oldest.encode() },
            FeedError::Closed => AccessError::Tenant.into(),
            FeedError::Store(error) => error.into(),
        }
    }
}

impl From<AccessError> for ApiError {
    fn from(refused: AccessError) -> Self {
        match refused {
            AccessError::Tenant => Self::Forbidden("the token's tenant has no log here"),
            AccessError::Role => Self::Forbidden("the token grants no access role"),
            AccessError::Recording => Self::Forbidden("the token does not permit recording"),
            AccessError::Administration => Self::Forbidden("the token does not permit managing API keys"),
            AccessError::Invalid(invalid) => invalid.into(),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl ApiError {
    /// The code of the error.
    pub const fn code(&self) -> Code {
        match self {
            Self::Unauthenticated(rejected) => match rejected {
                // The token may be valid.
                Rejected::KeysUnavailable => Code::Unavailable,
                _ => Code::Unauthenticated,
            },
            Self::Forbidden(_) | Self::TokenForbidden(_) => Code::Forbidden,
            Self::BadInput(_) => Code::BadUserInput,
            Self::NotValid(_) => Code::ValidationFailed,
            Self::PersistedQueryUnknown => Code::PersistedQueryNotFound,
            Self::DocumentUnknown => Code::DocumentNotFound,
            Self::Limit { .. } => Code::LimitExceeded,
            Self::CursorExpired { .. } => Code::CursorExpired,
            Self::FeedLagged { .. } => Code::FeedLagged,
            Self::Timeout => Code::Timeout,
            Self::Unavailable | Self::Overloaded(_) => Code::Unavailable,
            Self::Internal(_) | Self::Bug(_) => Code::Internal,
        }
    }

    /// The message for the client. This logs the cause of an internal error, once; the client does not receive it.
    pub fn into_message(self) -> String {
        match self {
            Self::Unauthenticated(rejected) | Self::TokenForbidden(rejected) => rejected.to_string(),
            Self::Forbidden(sentence) | Self::Overloaded(sentence) => sentence.to_owned(),
            Self::BadInput(invalid) | Self::NotValid(invalid) => invalid.to_string(),
            Self::Limit { what, asked, limit } => format!("too many {what}: {asked}, where {limit} are allowed"),
            Self::CursorExpired { .. } => "the log cannot continue from this cursor any more".to_owned(),
            Self::FeedLagged { .. } => "the client read nothing for too long; continue from `resumeCursor`".to_owned(),
            // Clients recognise this exact text and then send the document.
            Self::PersistedQueryUnknown => "PersistedQueryNotFound".to_owned(),
            Self::DocumentUnknown => "the server has no document with this id".to_owned(),
            Self::Timeout => "this took too long; ask for less, or for a shorter period".to_owned(),
            Self::Unavailable => "the log cannot be reached at the moment; try again".to_owned(),
            Self::Internal(cause) => {
                tracing::error!(error = &*cause as &dyn std::error::Error, "internal error");
                INTERNAL.to_owned()
            }
            Self::Bug(what) => {
                tracing::error!(what, "bug");
                INTERNAL.to_owned()
            }
        }
    }

    fn extensions(&self) -> ErrorExtensionValues {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code().name());
        if let Self::Limit { asked, limit, .. } = self {
            extensions.set("asked", *asked);
            extensions.set("limit", *limit);
        }
        if let Self::CursorExpired { reason, oldest } = self {
            extensions.set("reason", *reason);
            extensions.set("oldestCursor", oldest.clone());
        }
        if let Self::FeedLagged { resume: Some(resume) } = self {
            extensions.set("resumeCursor", resume.clone());
        }
        extensions
    }

    /// Converts to a GraphQL error without a path.
    pub fn into_server_error(self) -> ServerError {
        let extensions = Some(self.extensions());
        let mut error = ServerError::new(self.into_message(), None);
        error.extensions = extensions;
        error
    }
}

/// The message of every error whose cause must not be shown.
const INTERNAL: &str = "internal error";

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let extensions = Some(error.extensions());
        Self { message: error.into_message(), source: None, extensions }
    }
}

/// The code of an error, or `None` if it has none.
pub fn code_of(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code.clone()),
        _ => None,
    }
}

/// The most errors that one response reports.
const ERRORS_MAX: usize = 20;

/// The second barrier: adds a code to every error of a response, and masks an internal error that has none.
pub fn sweep(response: &mut Response) {
    response.errors.truncate(ERRORS_MAX);
    for error in &mut response.errors {
        if code_of(error).is_some() {
            continue;
        }
        let code = if error.source.is_some() {
            tracing::error!(path = ?error.path, "a resolver leaked an error");
            INTERNAL.clone_into(&mut error.message);
            Code::Internal
        } else if error.path.is_empty() {
            Code::ValidationFailed
        } else {
            Code::BadUserInput
        };
        error.extensions.get_or_insert_default().set("code", code.name());
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use super::*;

    struct Leaky;

    #[Object]
    impl Leaky {
        async fn leaks(&self) -> async_graphql::Result<i32> {
            Err(std::io::Error::other("password=hunter2 at /etc/secret"))?;
            Ok(1)
        }

        async fn positive(&self, #[graphql(validator(minimum = 1))] n: i32) -> i32 {
            n
        }

        async fn broken(&self) -> Result<i32, ApiError> {
            let cause =
                StoreError::Corrupt { table: "t", column: "c", id: "7".to_owned(), reason: "secret".to_owned() };
            Err(cause.into())
        }
    }

    async fn errors(query: &str) -> Vec<(String, String)> {
        let schema = Schema::new(Leaky, EmptyMutation, EmptySubscription);
        let mut response = schema.execute(query).await;
        sweep(&mut response);
        response.errors.iter().map(|error| (error.message.clone(), code_of(error).unwrap_or_default())).collect()
    }

    #[tokio::test]
    async fn internal_errors_are_masked() {
        let internal = vec![("internal error".to_owned(), "INTERNAL_SERVER_ERROR".to_owned())];
        assert_eq!(errors("{ leaks }").await, internal);
        assert_eq!(errors("{ broken }").await, internal);
    }

    #[tokio::test]
    async fn errors_of_the_library_get_codes() {
        assert_eq!(errors("{ positive(n: 0) }").await[0].1, "BAD_USER_INPUT");
        assert_eq!(errors("{ nothing }").await[0].1, "GRAPHQL_VALIDATION_FAILED");
    }
}
