//! Settings of token verification and of the roles that tokens grant.

use std::path::PathBuf;

use clap::Args;

use super::{bounds, without_password};

/// Settings of token verification and of the roles that tokens grant.
#[derive(Args, Clone)]
#[command(next_help_heading = "Tokens")]
pub struct TokenSettings {
    /// A secret of at least 32 bytes that signs tokens (HS256), for development. Cannot be combined with public keys.
    #[arg(long, env = "AUDITGRAPH_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// A file with the secret, in place of the secret itself. SIGHUP reads it again.
    #[arg(long, env = "AUDITGRAPH_JWT_SECRET_FILE", value_name = "FILE", conflicts_with = "jwt_secret")]
    pub jwt_secret_file: Option<PathBuf>,
    /// A PEM file with one or more public keys (RSA for RS256 and PS256, P-256 for ES256, Ed25519 for EdDSA). SIGHUP reads
    /// it again.
    #[arg(long, env = "AUDITGRAPH_JWT_PUBLIC_KEY_FILE", value_name = "FILE")]
    pub jwt_public_key_file: Option<PathBuf>,
    /// A file with the key set (JWKS) of the issuer.
    #[arg(long, env = "AUDITGRAPH_JWKS_FILE", value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// URL of the key set (JWKS) of the issuer: `https`, or `http` on this machine.
    #[arg(long, env = "AUDITGRAPH_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,
    /// A PEM file with CA certificates to trust for key set URLs, in addition to the certificates of the system.
    #[arg(long, env = "AUDITGRAPH_JWKS_CA_FILE", value_name = "FILE")]
    pub jwks_ca_file: Option<PathBuf>,
    /// Interval at which key sets are read again, in seconds. From 1 to 86400.
    #[arg(long, env = "AUDITGRAPH_JWKS_REFRESH_SECS", value_name = "SECS", default_value_t = 300, value_parser = bounds::<u64>(1, 86_400))]
    pub jwks_refresh_secs: u64,
    /// Timeout for reading a key set, in milliseconds. From 100 to 60000.
    #[arg(long, env = "AUDITGRAPH_JWKS_TIMEOUT_MS", value_name = "MS", default_value_t = 5_000, value_parser = bounds::<u64>(100, 60_000))]
    pub jwks_timeout_ms: u64,
    /// Required issuer (`iss`) of tokens. Must be set with public keys.
    #[arg(long, env = "AUDITGRAPH_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
    /// Required audience (`aud`) of tokens. Must be set with public keys.
    #[arg(long, env = "AUDITGRAPH_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// Allowed difference between this machine's clock and the issuer's, in seconds. From 0 to 300.
    #[arg(long, env = "AUDITGRAPH_JWT_LEEWAY_SECS", value_name = "SECS", default_value_t = 30, value_parser = bounds::<u32>(0, 300))]
    pub jwt_leeway_secs: u32,
    /// Token scope (`scp`) that tokens of users must have.
    #[arg(long, env = "AUDITGRAPH_JWT_REQUIRED_SCOPE", value_name = "SCOPE")]
    pub jwt_required_scope: Option<String>,
    /// Claim that contains the tenant key.
    #[arg(long, env = "AUDITGRAPH_TENANT_CLAIM", value_name = "CLAIM", default_value = "tid")]
    pub tenant_claim: String,
    /// Ids of groups whose members have the role `AUDIT_READER`. Comma-separated.
    #[arg(long, env = "AUDITGRAPH_READER_GROUPS", value_name = "ID", value_delimiter = ',')]
    pub reader_groups: Vec<String>,
    /// Services that the role `INTUNE_SERVICE_ADMIN` can read. Comma-separated.
    #[arg(
        long,
        env = "AUDITGRAPH_INTUNE_SERVICES",
        value_name = "SERVICE",
        value_delimiter = ',',
        default_value = "Microsoft Intune,Windows 365"
    )]
    pub intune_services: Vec<String>,
}

impl std::fmt::Debug for TokenSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenSettings")
            .field("jwt_secret", &self.jwt_secret.as_ref().map(|_| "***"))
            .field("jwt_secret_file", &self.jwt_secret_file)
            .field("jwt_public_key_file", &self.jwt_public_key_file)
            .field("jwks_file", &self.jwks_file)
            .field("jwks_url", &self.jwks_url.as_deref().map(without_password))
            .field("jwt_issuer", &self.jwt_issuer)
            .field("jwt_audience", &self.jwt_audience)
            .field("tenant_claim", &self.tenant_claim)
            .finish_non_exhaustive()
    }
}
