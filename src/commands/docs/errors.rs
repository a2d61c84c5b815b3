//! The page `errors.md`: every error code with its status and what the client should do.

use api::error::Code;

use super::markdown::{MarkdownPage, code};

const INTRODUCTION: &str = "\
Every error is in the list `errors` of the response, also outside of `/graphql`; only `/readyz` and the pages of the
viewer are plain text. Its `extensions.code` is one of the codes below; `message` is for people and may change. A response
has an `x-request-id`, which is also in the server's log.

With `Accept: application/graphql-response+json`, a request that was not executed has the status below. An operation that
was executed has status 200, and the `path` of an error names the field that is null. With `Accept: application/json`,
errors of the document and its variables also have status 200. Over a WebSocket there is no status; some errors close
the connection ([close codes](http.md#websocket)).";

/// An error code, as the page describes it.
struct ErrorReference {
    code: Code,
    /// The status if the request was not executed.
    status: &'static str,
    meaning: &'static str,
    /// What the client should do.
    action: &'static str,
    /// Further members of `extensions`, in Markdown.
    extensions: &'static str,
}

/// Lists the codes. The `match` makes a code without an entry a compile error.
macro_rules! references {
    ($($code:ident { $($field:ident: $value:expr),* $(,)? })*) => {
        const REFERENCES: &[ErrorReference] = &[$(ErrorReference { code: Code::$code, $($field: $value),* }),*];

        #[expect(dead_code, reason = "compiled only to check that each code has an entry")]
        const fn is_listed(code: Code) {
            match code {
                $(Code::$code => {})*
            }
        }
    };
}

references! {
    Unauthenticated {
        status: "401",
        meaning: "The token is missing, malformed, expired or not valid.",
        action: "Get a new token and repeat the request.",
        extensions: "",
    }
    Forbidden {
        status: "403; 400 for introspection",
        meaning: "The token is valid, but does not allow this operation or this tenant; or introspection is disabled.",
        action: "Do not repeat. An operator grants the role or permission, or adds or enables the tenant.",
        extensions: "",
    }
    BadUserInput {
        status: "400, 403, 404, 405, 406 or 415",
        meaning: "An argument, a variable, a header or the body is not valid.",
        action: "Correct the request; the message describes the rule.",
        extensions: "",
    }
    LimitExceeded {
        status: "400, 413 or 429",
        meaning: "The request is over a [limit](limits.md).",
        action: "Ask for less. With status 429, repeat after `Retry-After` seconds.",
        extensions: "`asked`, `limit`",
    }
    Timeout {
        status: "408 or 503",
        meaning: "The query took too long, or the body did not arrive in time.",
        action: "Ask for less or for a shorter period. With status 503, repeat after `Retry-After` seconds; with 408, \
            send the body faster.",
        extensions: "",
    }
    CursorExpired {
        status: "",
        meaning: "The log was restored, so the feed cannot continue after this cursor.",
        action: "Start over from `oldestCursor`.",
        extensions: "`reason`, `oldestCursor`",
    }
    FeedLagged {
        status: "",
        meaning: "The client of a stream read nothing for too long, and the stream has ended.",
        action: "Subscribe again with `resumeCursor` as `after`; without it, as in the first request.",
        extensions: "`resumeCursor`",
    }
    Unavailable {
        status: "503",
        meaning: "The database or the keys of an issuer cannot be reached, or too many events wait to be recorded.",
        action: "Repeat after `Retry-After` seconds. Recording the same events again is safe.",
        extensions: "",
    }
    ParseFailed {
        status: "400",
        meaning: "The document is not valid GraphQL.",
        action: "Correct the document.",
        extensions: "",
    }
    ValidationFailed {
        status: "400",
        meaning: "The document is not valid for the schema, or has no operation with the given name.",
        action: "Correct the document; `auditgraph schema` prints the schema.",
        extensions: "",
    }
    PersistedQueryNotFound {
        status: "400",
        meaning: "The server has no document with this hash.",
        action: "Send the document together with its hash once.",
        extensions: "",
    }
    DocumentNotFound {
        status: "400",
        meaning: "The server has no document with this id, or trusts none with this hash.",
        action: "Correct the id. Sending the document together with it does not help.",
        extensions: "",
    }
    Internal {
        status: "500",
        meaning: "An error in this service. The cause is only in the server's log.",
        action: "Report it to the operator with the request id.",
        extensions: "`requestId`",
    }
}

pub(super) fn page() -> String {
    let mut page = MarkdownPage::new("Errors");
    page.block(INTRODUCTION);
    let row = |error: &ErrorReference| {
        let cells = [error.status, error.meaning, error.action, error.extensions].map(str::to_owned);
        let [status, meaning, action, extensions] = cells;
        [code(error.code.name()), status, meaning, action, extensions]
    };
    page.heading("Codes");
    let rows: Vec<_> = REFERENCES.iter().map(row).collect();
    page.table(["code", "status", "meaning", "what the client should do", "further `extensions`"], &rows);
    page.heading("Problems of events");
    page.block(
        "An event that is not recorded because it is not valid is no error of the request: its result is `REJECTED`,\n\
         with a list of problems. Each has a `path` in the event, a `code` (`INVALID`, `TOO_LONG`, `OUT_OF_RANGE` or\n\
         `NOT_PERMITTED`) and a `message`. [Recording](../api/recording.md) describes the results.",
    );
    page.finish()
}
