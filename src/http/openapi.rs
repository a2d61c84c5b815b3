//! `/v1/openapi.json`: the description of the REST interface, for code generators. It is the same for every caller.
//!
//! The description is written by hand, because the handlers read their bodies themselves; `tests/it/api/openapi.rs`
//! compares it with the routes, the responses and the GraphQL schema.

use actix_web::HttpResponse;
use actix_web::web::Bytes;

static DESCRIPTION: Bytes = Bytes::from_static(include_bytes!("../../docs/api/openapi.json"));

/// `GET /v1/openapi.json`.
pub(super) async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DESCRIPTION.clone())
}
