//! `auditgraph token`: signs a token with the configured secret.

use std::process::ExitCode;

use anyhow::Context as _;

use super::output::print_line;
use crate::config::TokenArgs;
use crate::system::now;
use auth::{self, Grantable, Role, TokenRequest};

pub(super) fn run(config: &TokenArgs) -> anyhow::Result<ExitCode> {
    print_line(&sign(config)?);
    Ok(ExitCode::SUCCESS)
}

/// Returns a token with the requested roles and permissions.
pub(super) fn sign(config: &TokenArgs) -> anyhow::Result<String> {
    let secret = match (&config.jwt_secret, &config.jwt_secret_file) {
        (Some(secret), _) => secret.clone(),
        (None, Some(file)) => {
            let content = std::fs::read_to_string(file);
            let content = content.with_context(|| format!("cannot read the secret in {}", file.display()))?;
            auth::without_line_break(&content).to_owned()
        }
        (None, None) => {
            anyhow::bail!("there is no secret: set AUDITGRAPH_JWT_SECRET or AUDITGRAPH_JWT_SECRET_FILE")
        }
    };
    let mut grants =
        config.role.iter().map(|name| role(name).map(Grantable::Role)).collect::<anyhow::Result<Vec<_>>>()?;
    grants.extend(config.permission.iter().cloned().map(Grantable::Permission));
    let issued_at = now();
    Ok(auth::issue(
        &secret,
        &TokenRequest {
            subject: &config.subject,
            tenant: &config.tenant,
            tenant_claim: &config.tenant_claim,
            grants: &grants,
            issuer: config.jwt_issuer.as_deref(),
            audience: config.jwt_audience.as_deref(),
            now: issued_at,
            expires_at: issued_at.plus(i64::try_from(config.expires_in.as_micros())?),
        },
    )?)
}

/// Returns the role with a name, in any case and with hyphens.
pub(super) fn role(name: &str) -> anyhow::Result<Role> {
    let role = Role::from_name(&name.to_ascii_uppercase().replace('-', "_"));
    role.with_context(|| {
        let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        format!("there is no role `{name}`: the roles are {}", names.join(", "))
    })
}
