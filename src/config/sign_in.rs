//! Settings of sign-in to the viewer at an OpenID Connect issuer.

use clap::Args;

/// The OpenID Connect issuer at which the viewer signs in, as a public client.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Sign-in")]
pub struct SignInSettings {
    /// URL of the OpenID Connect issuer for signing in to the viewer. Requires a client id.
    #[arg(long, env = "AUDITGRAPH_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,
    /// Client id of the viewer at that issuer.
    #[arg(long, env = "AUDITGRAPH_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// Token scopes to request in addition to `openid`, so that the access token is valid for this API.
    /// Comma-separated.
    #[arg(long, env = "AUDITGRAPH_OIDC_SCOPES", value_name = "SCOPE", value_delimiter = ',')]
    pub oidc_scopes: Vec<String>,
    /// Origins of the issuer's endpoints that differ from the origin of the issuer. Comma-separated.
    #[arg(long, env = "AUDITGRAPH_OIDC_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub oidc_origins: Vec<String>,
}
