//! The page `metrics.md`: every metric of `/metrics` with its type, labels and meaning.
//!
//! The metrics are those of a server that this module starts over a temporary log. Because a metric with labels has no
//! series before the first sample, the module also sends requests that cause one of each.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::json;

use super::markdown::{MarkdownPage, code};
use crate::commands::token;
use crate::config::{Cli, Command};
use crate::database;
use crate::server::App;
use crate::system::{new_id, now};
use model::NewEvent;
use model::sensitive::SensitiveNames;

const INTRODUCTION: &str = "\
`/metrics` has these metrics in the OpenMetrics format, for Prometheus. It is served on a listener of its own
(`AUDITGRAPH_METRICS_LISTEN`), so that clients of the API cannot reach it.

A counter has the suffix `_total` in the response; a histogram consists of series with the suffixes `_bucket` (with the
label `le`), `_sum` and `_count`.

`auditgraph relay` has [metrics of its own](../outbox.md#watch-it).";

/// The labels and their values. A label that is not in this list fails the generation.
const LABELS: &[(&str, &str)] = &[
    ("field", "root field of the schema, path, or `other`"),
    (
        "code",
        "[code](errors.md) of the first error; else `CONFLICT` or `REJECTED` if an event of a recording request has this outcome; \
         `CANCELLED` if the client disconnected; else `OK`",
    ),
    ("outcome", "`recorded`, `duplicate`, `conflict` or `rejected`"),
    ("reason", "reason for the rejection"),
    ("transport", "`sse` or `websocket`"),
    ("service", "name of the service"),
    ("pool", "`read` or `write`"),
    ("state", "`in_use` or `idle`"),
];

const TENANT: &str = "contoso";
const SUBSCRIPTION: &str = "subscription { auditEventsRecorded { resumeCursor } }";

/// A metric of the response.
struct MetricReference {
    name: String,
    kind: String,
    help: String,
    labels: Vec<String>,
}

pub(super) async fn page() -> anyhow::Result<String> {
    let metrics = parse(&sample().await?)?;
    let mut page = MarkdownPage::new("Metrics");
    page.block(INTRODUCTION);
    let rows = metrics.iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
    page.table(["metric", "type", "labels", "meaning"], &rows);
    Ok(page.finish())
}

/// Starts a server over a temporary log, causes a sample of every metric, and returns the response of `/metrics`.
async fn sample() -> anyhow::Result<String> {
    let folder = tempfile::Builder::new().prefix("auditgraph-docs-").tempdir()?;
    let url = store::sqlite_url(&folder.path().join("docs.db"))?;
    let secret = format!("{}{}", new_id(), new_id());
    let serve = ["auditgraph", "serve", "--database-url", &url, "--jwt-secret", &secret];
    let listen = ["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--workers", "1"];
    let token = ["auditgraph", "token", "--jwt-secret", &secret, "--tenant", TENANT, "--role", "AUDIT_READER"];
    let serve = Cli::parse_without_environment(&[&serve[..], &listen].concat())?;
    let (Command::Serve(serve), Command::Token(token)) =
        (serve.command, Cli::parse_without_environment(&token)?.command)
    else {
        anyhow::bail!("the command line for the metrics was parsed as another command");
    };
    let store = database::open_or_create(&serve.database).await?;
    let tenant = store.add_tenant(TENANT, TENANT, &[], new_id()).await?;
    let bodies = demo_data::events(1, now(), 1);
    let events = bodies.map(|body| NewEvent::parse(body, now(), &SensitiveNames::default()));
    let events = events.collect::<Result<Vec<_>, _>>();
    let events = events.map_err(|problems| anyhow::anyhow!("the sample event is not valid: {problems:?}"))?;
    access::operator_writer(&store, &tenant).record(&events, now()).await?;

    let app = App::start(&serve).await?;
    let graphql = format!("http://{}/graphql", app.address());
    let metrics = format!("http://{}/metrics", app.metrics_address().context("the metrics have no address")?);
    let server = tokio::spawn(app.run(|_address| ()));
    let client = reqwest::Client::new();
    let query = |token: &str| {
        let body = json!({ "query": SUBSCRIPTION }).to_string();
        let request = client.post(&graphql).bearer_auth(token).header("content-type", "application/json");
        request.header("accept", "text/event-stream").body(body).send()
    };
    query("invalid").await?;
    let subscription = query(&token::sign(&token)?).await?.error_for_status()?;
    let response = client.get(&metrics).send().await?.error_for_status()?.text().await?;
    drop(subscription);
    server.abort();
    Ok(response)
}

/// Parses a response in the `OpenMetrics` format.
fn parse(response: &str) -> anyhow::Result<Vec<MetricReference>> {
    let mut metrics: Vec<MetricReference> = Vec::new();
    for line in response.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            let help = help.trim_end_matches('.').to_owned();
            metrics.push(MetricReference { name: name.to_owned(), kind: String::new(), help, labels: Vec::new() });
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let metric = metrics.iter_mut().find(|metric| metric.name == name);
            kind.clone_into(&mut metric.with_context(|| format!("{name} has no help"))?.kind);
        } else if !line.starts_with('#')
            && let Some(metric) = metrics.last_mut()
        {
            // The series of a metric follow its `HELP` and `TYPE` lines.
            let found: BTreeSet<String> = labels(line).into_iter().chain(metric.labels.drain(..)).collect();
            metric.labels.extend(found);
        }
    }
    metrics.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(metrics)
}

/// Returns the names of the labels of a series, without those that belong to the type of the metric.
fn labels(series: &str) -> Vec<String> {
    let Some((_, labels)) = series.split_once('{') else { return Vec::new() };
    let names = labels.split("=\"").filter_map(|part| part.rsplit(['"', ',', '{']).next());
    let names = names.filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
    names.filter(|name| *name != "le").map(str::to_owned).collect()
}

fn row(metric: &MetricReference) -> anyhow::Result<[String; 4]> {
    let described = metric.labels.iter().map(|label| {
        let (_, values) = LABELS.iter().find(|(name, _)| name == label).with_context(|| {
            format!("the label `{label}` of {} is not described in src/commands/docs/metrics.rs", metric.name)
        })?;
        Ok(format!("{}: {values}", code(label)))
    });
    let labels = described.collect::<anyhow::Result<Vec<_>>>()?.join("<br>");
    Ok([code(&metric.name), metric.kind.clone(), labels, metric.help.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_a_series_are_its_names() {
        assert_eq!(labels(r#"a_total{field="/graphql",code="OK"} 1"#), ["field", "code"]);
        assert_eq!(labels(r#"a_bucket{le="0.5",field="x"} 1"#), ["field"]);
        assert!(labels("a 1").is_empty());
    }
}
