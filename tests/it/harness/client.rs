//! HTTP clients, each with a token.

use auditgraph::system;
use auth::{Grantable, Role, TokenRequest, issue};
use model::Timestamp;
use model::time::HOUR;
use serde_json::{Value, json};

use super::app::SECRET;

/// A client of the server.
#[derive(Clone)]
pub(crate) struct Client {
    url: String,
    http: reqwest::Client,
    token: Option<String>,
}

/// A response with its body as string and as JSON.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Response {
    /// The data of a response at a JSON pointer. Panics if the response has errors.
    #[track_caller]
    pub(crate) fn data(&self, pointer: &str) -> &Value {
        assert_eq!(self.body.get("errors"), None, "{}", self.text);
        self.body.pointer(&format!("/data{pointer}")).unwrap_or_else(|| panic!("no {pointer} in {}", self.text))
    }

    /// A header as a string; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Code and message of the first error.
    #[track_caller]
    pub(crate) fn error(&self) -> (&str, &str) {
        let error = self.body.pointer("/errors/0").unwrap_or_else(|| panic!("no error in {}", self.text));
        (error["extensions"]["code"].as_str().unwrap_or(""), error["message"].as_str().unwrap_or(""))
    }
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), http: reqwest::Client::new(), token: None }
    }

    /// The same server, with a certificate to trust in addition to those of the system.
    pub(crate) fn with_certificate(self, pem: &str) -> Self {
        let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_merge([certificate]).build().unwrap();
        Self { http, ..self }
    }

    /// The same server with a token of a role, in tenant `contoso`.
    pub(crate) fn role(self, role: &str) -> Self {
        self.role_in("contoso", role)
    }

    /// The same server with a token of a role in another tenant.
    pub(crate) fn role_in(self, tenant: &str, role: &str) -> Self {
        self.roles(tenant, &[role])
    }

    /// The same server with a token of several roles in a tenant.
    pub(crate) fn roles(self, tenant: &str, roles: &[&str]) -> Self {
        let roles: Vec<_> = roles.iter().map(|role| Grantable::Role(Role::from_name(role).unwrap())).collect();
        self.granted(tenant, &roles)
    }

    /// The same server with a token of one permission and no role.
    pub(crate) fn permitted(self, tenant: &str, permission: &str) -> Self {
        self.granted(tenant, &[Grantable::Permission(permission.to_owned())])
    }

    /// The same server with a token of a tenant and some grants.
    pub(crate) fn granted(self, tenant: &str, grants: &[Grantable]) -> Self {
        self.granted_until(tenant, grants, system::now().plus(HOUR))
    }

    /// The same server with a token of a role and an expiry.
    pub(crate) fn role_until(self, role: &str, expires_at: Timestamp) -> Self {
        self.granted_until("contoso", &[Grantable::Role(Role::from_name(role).unwrap())], expires_at)
    }

    fn granted_until(self, tenant: &str, grants: &[Grantable], expires_at: Timestamp) -> Self {
        let request = TokenRequest {
            subject: "test-user",
            tenant,
            tenant_claim: "tid",
            grants,
            issuer: None,
            audience: None,
            now: system::now(),
            expires_at,
        };
        let token = issue(SECRET, &request).unwrap();
        self.token(&token)
    }

    /// The same server with this token.
    pub(crate) fn token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// The token itself.
    pub(crate) fn bearer_token(&self) -> String {
        self.token.clone().unwrap()
    }

    /// A request to a path, with the token.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the response, whatever its status is.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Response {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Response { status, headers, body, text }
    }

    /// Sends a JSON body by POST.
    pub(crate) async fn post(&self, body: &Value) -> Response {
        self.send(self.request(reqwest::Method::POST, "/graphql").json(body)).await
    }

    /// Sends parameters in the URL, with the header that GET needs.
    pub(crate) async fn get(&self, parameters: &[(&str, &str)]) -> Response {
        let address = reqwest::Url::parse_with_params("http://any/graphql", parameters).unwrap();
        let path = format!("{}?{}", address.path(), address.query().unwrap());
        self.send(self.request(reqwest::Method::GET, &path).header("graphql-require-preflight", "1")).await
    }

    /// Runs a query.
    pub(crate) async fn query(&self, query: &str) -> Response {
        self.query_with(query, json!({})).await
    }

    /// Runs a query with variables.
    pub(crate) async fn query_with(&self, query: &str, variables: Value) -> Response {
        self.post(&json!({ "query": query, "variables": variables })).await
    }

    /// Reads the first page of a filter, over all time, newest first.
    pub(crate) async fn filter(&self, filter: &Value) -> Response {
        let query = include_str!("../../documents/list_filtered.graphql");
        self.query_with(query, json!({ "filter": filter })).await
    }

    /// The event keys of the first page of a filter, over all time, newest first.
    pub(crate) async fn keys(&self, filter: Value) -> Vec<String> {
        let response = self.filter(&filter).await;
        let nodes = response.data("/auditEvents/nodes").as_array().unwrap().clone();
        nodes.iter().map(|node| node["eventKey"].as_str().unwrap().to_owned()).collect()
    }
}
