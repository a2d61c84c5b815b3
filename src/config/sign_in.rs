//! Where people sign in to the viewer, as an alternative to pasting a token.

use clap::Args;

/// An OpenID Connect issuer, which knows the viewer as an application without a secret.
#[derive(Args, Clone, Debug)]
pub struct SignIn {
    /// The address of the OpenID Connect issuer where people sign in to the viewer.
    #[arg(long, env = "AUDITGRAPH_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// The viewer's client id at that issuer.
    #[arg(long, env = "AUDITGRAPH_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,
    /// Token scopes to request in addition to `openid`: those that make the access token one for this API.
    #[arg(long, env = "AUDITGRAPH_OIDC_SCOPES", value_delimiter = ',')]
    pub oidc_scopes: Vec<String>,
    /// Origins of those endpoints of the issuer that are not at the issuer's own origin.
    #[arg(long, env = "AUDITGRAPH_OIDC_ORIGINS", value_delimiter = ',')]
    pub oidc_origins: Vec<String>,
}
