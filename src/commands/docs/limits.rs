//! The page `limits.md`: limits with what happens to a request over them, and limits that cannot be changed.

use super::configuration::{all_settings, groups};
use super::markdown::{MarkdownPage, code};

const INTRODUCTION: &str = "\
Limits bound the work and the memory of one request, one caller and one address. A *caller* is a subject in its tenant;
an *address* is an IPv4 address or an IPv6 /64 network. Limits of documents apply before anything is executed.

An error `LIMIT_EXCEEDED` has the requested amount in `extensions.asked` and the limit in `extensions.limit`.
[Errors](errors.md) describes the codes, [Cost](cost.md) how the cost of an operation is calculated, and
[Configuration](configuration.md) the other settings.";

const FIXED: &str = "These limits cannot be changed.";

/// The groups of settings that are limits.
const GROUPS: [&str; 2] = ["Limits", "Stream limits"];

const LIMIT_EXCEEDED: &str = "`LIMIT_EXCEEDED`";
const TOO_LARGE: &str = "status 413, `LIMIT_EXCEEDED`";
const TOO_MANY: &str = "status 429, `LIMIT_EXCEEDED`, `Retry-After`";

/// What happens to a request over a limit, by the id of the setting.
const EFFECTS: &[(&str, &str)] = &[
    ("page_size_default", "not a limit; a default above `AUDITGRAPH_PAGE_SIZE_MAX` is lowered to it"),
    ("page_size_max", "`BAD_USER_INPUT`"),
    ("body_bytes_max", TOO_LARGE),
    ("record_bytes_max", TOO_LARGE),
    ("variables_bytes_max", LIMIT_EXCEEDED),
    ("document_bytes_max", LIMIT_EXCEEDED),
    ("document_tokens_max", LIMIT_EXCEEDED),
    ("depth_max", LIMIT_EXCEEDED),
    ("fields_max", LIMIT_EXCEEDED),
    ("root_fields_max", LIMIT_EXCEEDED),
    ("aliases_max", LIMIT_EXCEEDED),
    ("directives_max", LIMIT_EXCEEDED),
    ("fragments_max", LIMIT_EXCEEDED),
    ("operations_max", LIMIT_EXCEEDED),
    ("cost_max", LIMIT_EXCEEDED),
    ("introspection", "`FORBIDDEN`"),
    ("response_bytes_max", LIMIT_EXCEEDED),
    ("request_timeout_ms", "`TIMEOUT`; the database stops working on the query"),
    ("body_timeout_ms", "status 408, `TIMEOUT`"),
    ("caller_requests_max", TOO_MANY),
    ("caller_concurrency_max", "the request waits until its timeout"),
    ("caller_expensive_requests_max", "the request waits until its timeout"),
    ("caller_rate_max", TOO_MANY),
    ("address_requests_max", TOO_MANY),
    ("address_rate_max", TOO_MANY),
    ("persisted_queries_max", "an older query is removed, and gets `PERSISTED_QUERY_NOT_FOUND` again"),
    ("caller_websockets_max", "close code 4429"),
    ("caller_subscriptions_max", "`LIMIT_EXCEEDED`; with server-sent events also status 429 and `Retry-After`"),
    ("caller_exports_max", TOO_MANY),
    ("websocket_operations_max", LIMIT_EXCEEDED),
    ("websocket_message_bytes_max", "close code 1009"),
    ("websocket_init_timeout_secs", "close code 4408"),
    ("stream_stall_secs", "`FEED_LAGGED`; close code 1008"),
];

pub(super) fn page() -> String {
    let mut page = MarkdownPage::new("Limits");
    page.block(INTRODUCTION);
    let settings = all_settings();
    for group in groups(&settings).into_iter().filter(|group| GROUPS.contains(group)) {
        page.heading(group);
        let rows: Vec<_> = settings
            .iter()
            .filter(|setting| setting.group == group)
            .map(|setting| {
                let effect = effect(&setting.id).unwrap_or_default().to_owned();
                [code(&setting.variable), setting.default.clone(), setting.meaning.clone(), effect]
            })
            .collect();
        page.table(["setting", "default", "meaning", "over the limit"], &rows);
    }
    page.heading("Fixed limits");
    page.block(FIXED);
    page.table(["limit", "value"], &fixed_limits());
    page.finish()
}

fn effect(id: &str) -> Option<&'static str> {
    EFFECTS.iter().find(|(setting, _)| *setting == id).map(|(_, effect)| *effect)
}

/// Returns the limits that are constants.
fn fixed_limits() -> Vec<[String; 2]> {
    let mebibytes = |bytes: usize| format!("{} MiB", bytes >> 20);
    let kibibytes = |bytes: usize| format!("{} KiB", bytes >> 10);
    let number = |number: usize| number.to_string();
    [
        ("levels of brackets in a document", number(64)),
        ("levels of an introspection query", number(16)),
        ("fields that are visited to compare those with one response key", number(100_000)),
        ("levels of a filter", number(5)),
        ("conditions of a filter", number(50)),
        ("values in one condition of a filter", number(model::filter::LIST_MAX)),
        ("a string in a filter", format!("{} bytes", model::filter::STRING_BYTES_MAX)),
        ("ids in `nodes`", number(100)),
        ("intervals of a histogram", number(model::histogram::INTERVALS_MAX)),
        ("events in a page of the feed", number(1_000)),
        ("events in one recording request", number(api::schema::mutation::BATCH_MAX)),
        ("columns of an export", number(100)),
        ("errors in one response", number(20)),
        ("a token", kibibytes(auth::TOKEN_BYTES_MAX)),
        ("an event, as stored", mebibytes(model::event::BODY_BYTES_MAX)),
        ("targets of a recorded event", number(model::input::TARGETS_MAX)),
        ("modified properties of a target of a recorded event", number(model::input::CHANGES_MAX)),
        ("additional details of a recorded event", number(model::input::DETAILS_MAX)),
        ("targets of an imported event", number(model::event::TARGETS_MAX)),
        ("modified properties of a target of an imported event", number(model::event::CHANGES_MAX)),
    ]
    .map(|(limit, value)| [limit.to_owned(), value])
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_an_effect() {
        let settings = all_settings();
        let limits = settings.iter().filter(|setting| GROUPS.contains(&setting.group.as_str()));
        let limits: Vec<&str> = limits.map(|setting| setting.id.as_str()).collect();
        let described: Vec<&str> = EFFECTS.iter().map(|(id, _)| *id).collect();
        assert_eq!(limits, described);
    }
}
