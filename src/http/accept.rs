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
    /// For every operation: the client accepts nothing else.
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
    /// The media type with the highest weight wins, and the GraphQL one if both have the same weight. A wildcard means
    /// JSON, because clients that send only a wildcard predate the GraphQL media type.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let default = Self { format: Some(ResponseFormat::Json), sse: SseMode::Never };
        if !request.headers().contains_key(header::ACCEPT) {
            return default;
        }
        let Ok(header::Accept(ranges)) = header::Accept::parse(request) else { return default };
        let mut best: Option<(Quality, ResponseFormat)> = None;
        let mut accepts_events = false;
        for range in &ranges {
            let format = match range.item.essence_str() {
                "application/graphql-response+json" => ResponseFormat::GraphQl,
                "application/json" | "application/*" | "*/*" => ResponseFormat::Json,
                "text/event-stream" => {
                    accepts_events = true;
                    continue;
                }
                _ => continue,
            };
            let is_better = best.is_none_or(|(quality, other)| {
                let wins_tie = format == ResponseFormat::GraphQl && other == ResponseFormat::Json;
                range.quality > quality || range.quality == quality && wins_tie
            });
            if range.quality > Quality::ZERO && is_better {
                best = Some((range.quality, format));
            }
        }
        let sse = match (accepts_events, ranges.len()) {
            (false, _) => SseMode::Never,
            (true, 1) => SseMode::Always,
            (true, _) => SseMode::ForSubscriptions,
        };
        Self { format: best.map(|(_, format)| format), sse }
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
    fn event_stream_alone_applies_to_every_operation() {
        assert_eq!(accepted(&["text/event-stream"]), (None, SseMode::Always));
        assert_eq!(accepted(&["text/event-stream;q=0.5"]).1, SseMode::Always);
        let both = accepted(&["application/json, text/event-stream"]);
        assert_eq!(both, (Some(ResponseFormat::Json), SseMode::ForSubscriptions));
        assert_eq!(accepted(&["application/json"]).1, SseMode::Never);
    }
}
