//! Content negotiation: the one parser of `Accept`.

use actix_web::HttpRequest;
use actix_web::http::header::{self, Header as _, Quality};

use super::response::ResponseFormat;

/// Whether a response is sent as server-sent events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SseMode {
    /// Never.
    Never,
    /// For subscriptions only. Some clients list the media type in every request.
    ForSubscriptions,
    /// For every operation: the client accepts no JSON.
    Always,
}

/// The formats that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The format of a response that is not a stream, or `None` if the client accepts neither.
    pub(super) format: Option<ResponseFormat>,
    /// Whether and when to send server-sent events.
    pub(super) sse: SseMode,
}

impl Accepted {
    /// Reads the `Accept` headers of a request. Without one, the client accepts JSON.
    ///
    /// Of the JSON types the one with the highest weight wins, and the GraphQL one if both have the same weight. A
    /// wildcard means JSON, because clients that send only a wildcard predate the GraphQL media type. Other types are
    /// ignored, so a client that accepts events and, for example, `multipart/mixed` gets events.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let default = Self { format: Some(ResponseFormat::Json), sse: SseMode::Never };
        if !request.headers().contains_key(header::ACCEPT) {
            return default;
        }
        let Ok(header::Accept(ranges)) = header::Accept::parse(request) else { return default };
        // The most specific range that contains a type has its weight.
        let weight = |names: &[&str]| {
            let of = |name: &&str| {
                let same = ranges.iter().filter(|range| range.item.essence_str() == *name);
                same.map(|range| range.quality).max()
            };
            names.iter().find_map(of).filter(|quality| *quality > Quality::ZERO)
        };
        let json = weight(&["application/json", "application/*", "*/*"]);
        let graphql = weight(&["application/graphql-response+json"]);
        let is_json_refused = json.is_none() && weight(&["application/*", "*/*"]).is_some();
        let format = match (graphql, json) {
            (Some(graphql), Some(json)) if json > graphql => Some(ResponseFormat::Json),
            (Some(_), _) => Some(ResponseFormat::GraphQl),
            (None, Some(_)) => Some(ResponseFormat::Json),
            (None, None) => is_json_refused.then_some(ResponseFormat::GraphQl),
        };
        let sse = match (weight(&["text/event-stream", "text/*"]), format) {
            (None, _) => SseMode::Never,
            (Some(_), None) => SseMode::Always,
            (Some(_), Some(_)) => SseMode::ForSubscriptions,
        };
        Self { format, sse }
    }
}

impl ResponseFormat {
    /// The format that the client accepts, or `None` if it accepts neither.
    pub(super) fn accepted(request: &HttpRequest) -> Option<Self> {
        Accepted::of(request).format
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn accepted(headers: &[&str]) -> (Option<ResponseFormat>, SseMode) {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.append_header((header::ACCEPT, *header));
        }
        let accepted = Accepted::of(&request.to_http_request());
        (accepted.format, accepted.sse)
    }

    #[test]
    fn highest_weight_wins_and_graphql_wins_ties() {
        use ResponseFormat::{GraphQl, Json};
        for (headers, format) in [
            (&[][..], Some(Json)),
            (&["*/*"], Some(Json)),
            (&["application/*;q=0.1"], Some(Json)),
            (&["application/json"], Some(Json)),
            (&["Application/JSON; charset=utf-8"], Some(Json)),
            (&["application/json, application/graphql-response+json"], Some(GraphQl)),
            (&["application/json", "application/graphql-response+json"], Some(GraphQl)),
            (&["application/graphql-response+json;q=0.5, application/json"], Some(Json)),
            (&["application/graphql-response+json; q=0.9, application/json;q=0.8"], Some(GraphQl)),
            (&["application/json;q=0"], None),
            (&["text/html"], None),
            (&["nonsense"], None),
            (&[""], None),
        ] {
            assert_eq!(accepted(headers).0, format, "{headers:?}");
        }
    }

    #[test]
    fn event_stream_without_json_applies_to_every_operation() {
        for headers in [
            &["text/event-stream"][..],
            &["text/event-stream;q=0.5"],
            &["text/event-stream, multipart/mixed"],
            &["multipart/mixed;deferSpec=20220824;q=1, text/event-stream;q=0.9"],
            &["text/event-stream", "text/event-stream"],
            &["text/event-stream, application/json;q=0"],
            &["text/*"],
        ] {
            assert_eq!(accepted(headers), (None, SseMode::Always), "{headers:?}");
        }
    }

    #[test]
    fn event_stream_beside_json_applies_to_subscriptions() {
        for (headers, format) in [
            (&["application/json, text/event-stream"][..], ResponseFormat::Json),
            (&["text/event-stream, */*;q=0.1"], ResponseFormat::Json),
            (
                &[
                    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
                ],
                ResponseFormat::GraphQl,
            ),
        ] {
            assert_eq!(accepted(headers), (Some(format), SseMode::ForSubscriptions), "{headers:?}");
        }
        for refused in
            ["application/json", "*/*", "application/json, text/event-stream;q=0", "*/*, text/event-stream;q=0.0"]
        {
            assert_eq!(accepted(&[refused]).1, SseMode::Never, "{refused}");
        }
    }

    #[test]
    fn refused_type_is_not_sent_because_of_a_wildcard() {
        assert_eq!(accepted(&["application/json;q=0, */*"]).0, Some(ResponseFormat::GraphQl));
        assert_eq!(accepted(&["application/*;q=0, */*"]).0, None);
    }
}
