//! `/schema.graphql`: the schema definition, for code generators and editors. It is the same for every caller.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::web::Bytes;

static DEFINITION: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(api::schema_definition()));

/// `GET /schema.graphql`.
pub(super) async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(DEFINITION.clone())
}
