//! Recording without a database: the token is verified, the events are read and checked by the product's own code,
//! and the answer has the product's form. What is left out is everything from the queue to the disk.

use std::net::SocketAddr;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use auditgraph::app;
use auditgraph::audit::sensitive::SensitiveNames;
use auditgraph::audit::{NewEvent, Recording, RecordingRoute, json_input};
use auditgraph::foreign::Records;
use clap::Args;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::json;

use crate::process::SECRET;

/// Where to serve.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The address.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

struct State {
    key: DecodingKey,
    validation: Validation,
    rules: SensitiveNames,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

pub(crate) async fn serve(options: &Options) -> anyhow::Result<()> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    let rules = SensitiveNames::default();
    let state = web::Data::new(State { key: DecodingKey::from_secret(SECRET.as_bytes()), validation, rules });
    HttpServer::new(move || {
        let limit = web::PayloadConfig::new(8 << 20);
        App::new().app_data(state.clone()).app_data(limit).route("/v1/events", web::post().to(events))
    })
    .bind(options.listen)?
    .run()
    .await?;
    Ok(())
}

async fn events(request: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    match taken(&request, &body, &state) {
        Ok(answer) => HttpResponse::Created().json(answer),
        Err(problem) => HttpResponse::BadRequest().body(problem.to_string()),
    }
}

fn taken(request: &HttpRequest, body: &[u8], state: &State) -> anyhow::Result<serde_json::Value> {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header.strip_prefix("Bearer ").unwrap_or_default();
    let claims = jsonwebtoken::decode::<Claims>(token, &state.key, &state.validation)?.claims;
    let (mut results, now) = (Vec::new(), app::now());
    for record in Records::new(body) {
        let (_, record) = record.map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let recording = Recording {
            route: RecordingRoute::Rest,
            recorded_by: claims.sub.clone(),
            client_id: None,
            source: None,
            source_tenant_id: None,
        };
        let input = json_input::parse(&record).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let event = input.into_body(recording).and_then(|body| NewEvent::parse(body, now, &state.rules));
        let event = event.map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        results.push(json!({ "index": results.len(), "status": "RECORDED", "eventKey": event.body().event_key,
            "eventId": event.id().to_global(), "sequence": results.len() }));
    }
    let recorded = results.len();
    Ok(json!({ "results": results, "recordedCount": recorded, "duplicateCount": 0, "conflictCount": 0,
        "rejectedCount": 0 }))
}
