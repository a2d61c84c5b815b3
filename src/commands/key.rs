//! `auditgraph key`: creates, lists, revokes and rotates API keys.
//!
//! The whole key is the only line on standard output, so that a script can store it; everything else is on standard error.

use std::process::ExitCode;

use anyhow::Context as _;

use super::output::{print_line, printable, report_error};
use super::token;
use crate::config::{AddKeyArgs, KeyAction, KeyArgs};
use crate::database;
use crate::system::{now, random_source};
use access::{AccessError, Administrator, ApiKeyAdministration, ApiKeyEntry, ApiKeyRequest, CreatedApiKey, Rotation};
use auth::{ApiKeyGrants, Network, Permission};
use model::Timestamp;
use store::{Store, Tenant};

pub(super) async fn run(command: &KeyArgs) -> anyhow::Result<ExitCode> {
    database::ensure_exists(&command.database)?;
    let store = database::open_or_create(&command.database).await?;
    let keys = ApiKeyAdministration::new(store.clone(), random_source());
    let (by, now) = (Administrator::operator(&command.operator), now());
    match &command.action {
        KeyAction::Add(args) => {
            let request = request(args, now)?;
            let tenant = tenant(&store, &args.tenant).await?;
            let created = keys.create(&tenant, request, &by, now).await.map_err(failure)?;
            print_created(&created, &args.name);
        }
        KeyAction::List { tenant: only } => {
            let tenants = match only {
                Some(key) => vec![tenant(&store, key).await?],
                None => store.tenants().await?,
            };
            for tenant in &tenants {
                for entry in keys.list(tenant).await.map_err(failure)? {
                    print_line(&line(&entry, now));
                }
            }
        }
        KeyAction::Revoke { id } => {
            keys.revoke(&tenant_of(&store, id).await?, id, &by, now).await.map_err(failure)?;
            print_line(&format!("revoked the API key {}", printable(id)));
        }
        KeyAction::Rotate { id, overlap, expires_in } => {
            let tenant = tenant_of(&store, id).await?;
            let old_expires_at = now.plus(i64::try_from(overlap.as_micros())?);
            let new_expires_at = expires_in.as_ref().map(|validity| expiry(now, *validity)).transpose()?;
            let rotation = Rotation { old_expires_at, new_expires_at };
            let created = keys.rotate(&tenant, id, rotation, &by, now).await.map_err(failure)?;
            report_error(&format!("the API key {} expires at {old_expires_at} or earlier", printable(id)));
            print_created(&created, id);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a new key. The secret cannot be shown again.
fn print_created(created: &CreatedApiKey, origin: &str) {
    report_error(&format!(
        "created the API key {} ({}); it is shown only now, and only its hash is stored:",
        created.id,
        printable(origin)
    ));
    print_line(&created.secret);
}

/// Parses the grants of a new key.
fn request(args: &AddKeyArgs, now: Timestamp) -> anyhow::Result<ApiKeyRequest> {
    let permission = |name: &String| {
        Permission::from_name(name).with_context(|| {
            let names: Vec<&str> = Permission::ALL.iter().map(|permission| permission.name()).collect();
            format!("there is no permission `{}`: the permissions are {}", printable(name), names.join(", "))
        })
    };
    let grants = ApiKeyGrants {
        roles: args.role.iter().map(|name| token::role(name)).collect::<anyhow::Result<_>>()?,
        permissions: args.permission.iter().map(permission).collect::<anyhow::Result<_>>()?,
        services: args.services.clone(),
        networks: args.networks.iter().map(|network| network.parse()).collect::<Result<_, model::Invalid>>()?,
    };
    let expires_at = args.expires_in.map(|validity| expiry(now, validity)).transpose()?;
    Ok(ApiKeyRequest { name: args.name.clone(), grants: grants.checked()?, expires_at })
}

fn expiry(now: Timestamp, validity: std::time::Duration) -> anyhow::Result<Timestamp> {
    Ok(now.plus(i64::try_from(validity.as_micros())?))
}

async fn tenant(store: &Store, key: &str) -> anyhow::Result<Tenant> {
    store.tenant(key).await?.with_context(|| format!("there is no tenant `{}`", printable(key)))
}

/// Returns the tenant of the API key with this id.
async fn tenant_of(store: &Store, id: &str) -> anyhow::Result<Tenant> {
    let key = store.api_key(id).await?;
    let key = key.with_context(|| {
        format!("there is no API key with the id `{}`: `auditgraph key list` prints the ids", printable(id))
    })?;
    tenant(store, &key.tenant).await
}

fn failure(error: AccessError) -> anyhow::Error {
    match error {
        AccessError::Invalid(invalid) => invalid.into(),
        AccessError::Store(error) => error.into(),
        AccessError::Tenant | AccessError::Role | AccessError::Recording | AccessError::Administration => {
            anyhow::anyhow!("the operator needs no role: this is a bug")
        }
    }
}

/// Formats a key as one line of columns, separated by tabs: id, name, state, tenant, roles and permissions, services,
/// networks, creation, expiry and last use.
fn line(entry: &ApiKeyEntry, now: Timestamp) -> String {
    let ApiKeyEntry { key, grants } = entry;
    let roles = grants.roles.iter().map(|role| role.name().to_owned());
    let granted: Vec<String> =
        roles.chain(grants.permissions.iter().map(|permission| permission.name().to_owned())).collect();
    let services: Vec<String> = grants.services.iter().map(|service| printable(service)).collect();
    let networks: Vec<String> = grants.networks.iter().map(Network::to_string).collect();
    let list = |list: Vec<String>, none: &str| if list.is_empty() { none.to_owned() } else { list.join(",") };
    let time = |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |time| time.to_string());
    let state = if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_active(now) {
        "active"
    } else {
        "expired"
    };
    [
        key.id.clone(),
        printable(&key.name),
        state.to_owned(),
        printable(&key.tenant),
        list(granted, "none"),
        list(services, "all services"),
        list(networks, "any network"),
        key.created_at.to_string(),
        time(key.expires_at),
        time(key.last_used_at),
    ]
    .join("\t")
}
