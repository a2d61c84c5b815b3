//! The baseline: a handwritten handler for one page, and a recording handler without a database.
//!
//! The page handler verifies the token, sends auditgraph's statement through sqlx, reads bodies into borrowing
//! structures, and writes the response that auditgraph gives to [`crate::shape::PAGE`]. It has no GraphQL, no scope, no
//! redaction, and serves no other query.

use std::borrow::Cow;
use std::net::SocketAddr;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use auditgraph::system;
use clap::Args;
use formats::RecordReader;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use model::fold::fold;
use model::page::{Cursor, Order, Position};
use model::sensitive::SensitiveNames;
use model::{EventId, NewEvent, Recording, RecordingRoute, Timestamp, json_input};
use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::sqlx::{self, PgPool, Row as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::process::SECRET;

/// The statement that auditgraph sends for a page of a category.
pub(crate) const STATEMENT: &str = "SELECT e.sequence, e.occurred_at, e.body, e.body_format FROM audit_event e \
    WHERE e.tenant_id = $1 AND ((TRUE AND e.category = COALESCE((SELECT k.id FROM term k WHERE k.tenant_id = $1 \
    AND k.kind = 3 AND k.key = $2), -1))) \
    ORDER BY e.occurred_at DESC, e.sequence DESC LIMIT $3";

/// Options of `bare`.
#[derive(Clone, Debug, Args)]
pub(crate) struct BareOptions {
    /// `postgres://...`
    #[arg(long)]
    database_url: String,
    /// The address to listen at.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

struct BareState {
    pool: PgPool,
    key: DecodingKey,
    validation: Validation,
    tenant_id: i32,
    rules: SensitiveNames,
}

pub(crate) async fn serve(options: &BareOptions) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().max_connections(8).connect(&options.database_url).await?;
    let tenant_id: i32 = sqlx::query_scalar("SELECT id FROM tenant WHERE key = 'contoso'").fetch_one(&pool).await?;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    let state = web::Data::new(BareState {
        pool,
        key: DecodingKey::from_secret(SECRET.as_bytes()),
        validation,
        tenant_id,
        rules: SensitiveNames::default(),
    });
    HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .route("/page", web::post().to(page))
            .route("/v1/events", web::post().to(record))
    })
    .bind(options.listen)?
    .run()
    .await?;
    Ok(())
}

#[derive(Deserialize)]
struct PageQuery {
    first: i64,
    category: String,
}

#[derive(Deserialize)]
struct TokenClaims {
    tid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredBody<'a> {
    #[serde(borrow)]
    event_key: Cow<'a, str>,
    #[serde(borrow)]
    activity: Cow<'a, str>,
    #[serde(borrow)]
    activity_display_name: Cow<'a, str>,
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    correlation_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    actor: StoredActor<'a>,
    #[serde(borrow, default)]
    targets: Vec<StoredTarget<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredActor<'a> {
    kind: &'a str,
    #[serde(borrow, default)]
    display_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    service_principal_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    application: Option<StoredApplication<'a>>,
    #[serde(borrow, default)]
    ip_address: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    object_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_principal_name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredApplication<'a> {
    #[serde(borrow, default)]
    display_name: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredTarget<'a> {
    #[serde(borrow, default)]
    object_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    display_name: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    modified_properties: Vec<StoredChange<'a>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredChange<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    change: &'a str,
    #[serde(borrow, default)]
    old_value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    new_value: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct PageEdge<'a> {
    cursor: String,
    node: PageNode<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageNode<'a> {
    id: String,
    occurred_at: String,
    activity: Cow<'a, str>,
    activity_display_name: Cow<'a, str>,
    category: Cow<'a, str>,
    service: Cow<'a, str>,
    status: Cow<'a, str>,
    correlation_id: Option<Cow<'a, str>>,
    actor: DisplayedActor<'a>,
    targets: Vec<StoredTarget<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::option_option, reason = "a member may be absent, or there without a value")]
struct DisplayedActor<'a> {
    kind: &'a str,
    name: Cow<'a, str>,
    ip_address: Option<Cow<'a, str>>,
    /// Only users have these two members, and they may be null.
    #[serde(skip_serializing_if = "Option::is_none")]
    object_id: Option<Option<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_principal_name: Option<Option<Cow<'a, str>>>,
}

impl<'a> From<StoredActor<'a>> for DisplayedActor<'a> {
    fn from(actor: StoredActor<'a>) -> Self {
        let of_application = actor.application.and_then(|application| application.display_name);
        let own = match actor.kind {
            "APPLICATION" => of_application.or(actor.service_principal_name),
            _ => actor.display_name,
        };
        let name = own.or_else(|| actor.user_principal_name.clone()).or_else(|| actor.object_id.clone());
        let is_user = actor.kind == "USER";
        Self {
            kind: actor.kind,
            name: name.unwrap_or(Cow::Borrowed("Unknown")),
            ip_address: actor.ip_address,
            object_id: is_user.then_some(actor.object_id),
            user_principal_name: is_user.then_some(actor.user_principal_name),
        }
    }
}

/// Verifies the token of a request and returns its tenant.
fn tenant(request: &HttpRequest, state: &BareState) -> Option<String> {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
    Some(jsonwebtoken::decode::<TokenClaims>(token, &state.key, &state.validation).ok()?.claims.tid)
}

/// Reads and checks events as auditgraph does, and responds as if they were recorded.
async fn record(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<BareState>,
) -> actix_web::Result<HttpResponse> {
    if tenant(&request, &state).is_none() {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    let now = system::now();
    let wrong = || actix_web::error::ErrorBadRequest("no event");
    let mut results = Vec::new();
    for (index, record) in RecordReader::new(&body[..]).enumerate() {
        let (_, record) = record.map_err(actix_web::error::ErrorBadRequest)?;
        let input = json_input::parse(&record).0.ok_or_else(wrong)?;
        let recording = Recording {
            route: RecordingRoute::Rest,
            recorded_by: "bench".to_owned(),
            issuer: None,
            client_id: None,
            source: None,
            source_tenant_id: None,
        };
        let (body, hash) = input.into_body(recording).map_err(|_problems| wrong())?;
        let event =
            NewEvent::parse_with_input_hash(body, Some(hash), now, &state.rules).map_err(|_problems| wrong())?;
        results.push(json!({ "index": index, "status": "RECORDED", "eventKey": event.body().event_key,
            "eventId": event.id().to_global(), "sequence": index }));
    }
    let count = results.len();
    Ok(HttpResponse::Created().json(json!({ "results": results, "recordedCount": count, "duplicateCount": 0,
        "conflictCount": 0, "rejectedCount": 0 })))
}

async fn page(
    request: HttpRequest,
    query: web::Json<PageQuery>,
    state: web::Data<BareState>,
) -> actix_web::Result<HttpResponse> {
    if tenant(&request, &state).as_deref() != Some("contoso") {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    let rows = sqlx::query(STATEMENT)
        .bind(state.tenant_id)
        .bind(fold(&query.category))
        .bind(query.first + 1)
        .fetch_all(&state.pool)
        .await
        .map_err(actix_web::error::ErrorInternalServerError)?;
    let has_next = rows.len() > usize::try_from(query.first).unwrap_or(0);
    let mut body = b"{\"data\":{\"auditEvents\":{\"edges\":[".to_vec();
    let mut last = String::new();
    for (i, row) in rows.iter().take(usize::try_from(query.first).unwrap_or(0)).enumerate() {
        if i > 0 {
            body.push(b',');
        }
        let (sequence, at): (i64, i64) = (row.get(0), row.get(1));
        let text = body_codec::decode(row.get(3), row.get(2)).map_err(actix_web::error::ErrorInternalServerError)?;
        let edge = edge(sequence, Timestamp(at), &text)?;
        last.clone_from(&edge.cursor);
        serde_json::to_writer(&mut body, &edge)?;
    }
    body.extend(format!("],\"pageInfo\":{{\"hasNextPage\":{has_next},\"endCursor\":\"{last}\"}}}}}}}}").as_bytes());
    Ok(HttpResponse::Ok().content_type("application/json; charset=utf-8").body(body))
}

fn edge(sequence: i64, at: Timestamp, body: &str) -> serde_json::Result<PageEdge<'_>> {
    let body: StoredBody<'_> = serde_json::from_str(body)?;
    let position = Position { occurred_at: at, sequence };
    let node = PageNode {
        id: EventId::of(&body.service, &body.event_key).to_global(),
        occurred_at: at.to_string(),
        activity: body.activity,
        activity_display_name: body.activity_display_name,
        category: body.category,
        service: body.service,
        status: body.status,
        correlation_id: body.correlation_id,
        actor: body.actor.into(),
        targets: body.targets,
    };
    Ok(PageEdge { cursor: Cursor { order: Order::NEWEST, window: None, position }.encode(), node })
}
