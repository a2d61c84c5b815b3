//! The pages of an export: the list query of the API, page after page.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::{Name, Response, Value};
use serde_json::Map;

use super::error::ExportError;
use super::format::ExportFormat;
use crate::http::limits::{ByteReservation, CallerKey, RequestPermit};
use crate::http::state::OperationServices;
use access::{AccessRecord, Caller};
use api::Session;
use api::engine::document::Document;
use api::error::{ApiError, sweep};
use api::output::column::{CURSOR, Columns};
use model::event::BODY_BYTES_MAX;
use model::{Invalid, Timestamp};

/// The members of the body that are arguments of the list.
const ARGUMENTS: [&str; 5] = ["occurredAt", "filter", "orderBy", "asOf", "after"];

/// A request to export: the list, its columns and the format, and the position of the next page.
pub(super) struct ExportRequest {
    pub(super) columns: Columns,
    pub(super) format: ExportFormat,
    document: Arc<Document>,
    /// The arguments of the list; `after` and `asOf` advance with each page.
    arguments: Map<String, serde_json::Value>,
    /// The size of the next page, and the largest size.
    page_size: u32,
    page_size_max: u32,
    /// The time of the request: a relative period does not move during the export.
    now: Timestamp,
    pub(super) access_record: Arc<AccessRecord>,
}

impl ExportRequest {
    /// Reads the members of the body of a request.
    ///
    /// # Errors
    ///
    /// Fails if a member is unknown or has the wrong type.
    pub(super) fn parse(
        mut members: Map<String, serde_json::Value>,
        page_size_max: u32,
        access_record: Arc<AccessRecord>,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let format = match members.remove("format") {
            None => Some(ExportFormat::Ndjson),
            Some(name) => name.as_str().and_then(ExportFormat::parse),
        };
        let format = format.ok_or_else(|| Invalid::new("`format` must be `ndjson` or `csv`"))?;
        let columns = members.remove("columns").filter(|columns| !columns.is_null());
        let columns = columns.map(serde_json::from_value).transpose();
        let columns = Columns::parse(columns.map_err(|_other| Invalid::new("`columns` must be a list of strings"))?)?;
        if let Some(name) = members.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) {
            let known = ARGUMENTS.join("`, `");
            let name: String = name.chars().take(100).collect();
            let sentence = format!("there is no `{name}` in an export: it has `{known}`, `columns` and `format`");
            return Err(Invalid::new(sentence).into());
        }
        let document = Arc::new(Document::internal(&query(&columns))?);
        let (arguments, page_size) = (members, page_size_max);
        Ok(Self { columns, format, document, arguments, page_size, page_size_max, now, access_record })
    }

    /// Reads the next page once the caller has the permits. A page of too many bytes is read again at half its size.
    ///
    /// # Errors
    ///
    /// Fails as the list query does.
    pub(super) async fn next_page(
        &mut self,
        services: &OperationServices,
        caller: &Caller,
        request_permit: &RequestPermit<CallerKey>,
        reservation: &ByteReservation,
    ) -> Result<ExportPage, ExportError> {
        let _permits = (request_permit.permit().await, request_permit.expensive_permit().await);
        // Several exports of a caller fit into its memory, and the largest event into a page.
        let limit = services.limits.response_bytes_max;
        let bytes_max = limit.min((limit / 4).max(BODY_BYTES_MAX));
        loop {
            let deadline = Instant::now() + services.limits.request_timeout;
            reservation.resize(0).map_err(ApiError::from)?;
            let limited = caller.clone().with_limits(deadline, bytes_max, Arc::new(reservation.clone()));
            let read = self.read_page(services, limited).await;
            match read {
                Err(error) if error.exceeds(bytes_max) && self.page_size > 1 => self.page_size /= 2,
                Ok(_) => {
                    self.page_size = (self.page_size * 2).min(self.page_size_max);
                    return read;
                }
                Err(_) => return read,
            }
        }
    }

    async fn read_page(&mut self, services: &OperationServices, caller: Caller) -> Result<ExportPage, ExportError> {
        self.arguments.insert("first".to_owned(), self.page_size.into());
        let executable = services.engine.prepare_internal(&self.document, self.arguments.clone())?;
        let session = Arc::new(Session::new(caller, Arc::clone(&self.access_record), self.now).taking_values());
        let mut page = ExportPage::from_response(services.engine.execute(executable, session).await)?;
        if self.columns.has_cursor() {
            page.add_cursor_column();
        }
        self.arguments.insert("asOf".to_owned(), page.as_of.into());
        if let Some((cursor, _)) = page.edges.last() {
            self.arguments.insert("after".to_owned(), cursor.clone().into());
        }
        Ok(page)
    }
}

/// The query of a page with these columns.
fn query(columns: &Columns) -> String {
    format!(
        "query($first: Int, $after: String, $occurredAt: AuditPeriodInput, $filter: AuditEventFilter,
            $orderBy: AuditEventOrder, $asOf: Sequence) {{
            auditEvents(first: $first, after: $after, occurredAt: $occurredAt, filter: $filter, orderBy: $orderBy, asOf: $asOf) {{
                asOf edges {{ cursor node {} }} pageInfo {{ hasNextPage }}
            }}
        }}",
        columns.selection()
    )
}

/// A page of events, each with its cursor.
pub(super) struct ExportPage {
    pub(super) edges: Vec<(String, Value)>,
    pub(super) has_next: bool,
    pub(super) as_of: i64,
}

impl ExportPage {
    fn from_response(mut response: Response) -> Result<Self, ExportError> {
        sweep(&mut response);
        if let Some(error) = response.errors.first() {
            return Err(ExportError::of(error));
        }
        let member = |value: Value, name: &str| match value {
            Value::Object(mut members) => members.swap_remove(name),
            _ => None,
        };
        let parse = |data: Value| {
            let Value::Object(mut list) = member(data, "auditEvents")? else { return None };
            let Value::Number(as_of) = list.swap_remove("asOf")? else { return None };
            let Value::Boolean(has_next) = member(list.swap_remove("pageInfo")?, "hasNextPage")? else { return None };
            let Value::List(edges) = list.swap_remove("edges")? else { return None };
            let edge = |edge: Value| {
                let Value::Object(mut edge) = edge else { return None };
                let Value::String(cursor) = edge.swap_remove("cursor")? else { return None };
                Some((cursor, edge.swap_remove("node")?))
            };
            Some(Self { edges: edges.into_iter().map(edge).collect::<Option<_>>()?, has_next, as_of: as_of.as_i64()? })
        };
        parse(response.data).ok_or_else(|| ApiError::Bug("a page of an export has an unexpected shape").into())
    }

    /// Adds the cursor to each event, as a column.
    fn add_cursor_column(&mut self) {
        for (cursor, event) in &mut self.edges {
            if let Value::Object(members) = event {
                members.insert(Name::new(CURSOR), cursor.as_str().into());
            }
        }
    }
}
