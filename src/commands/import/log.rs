//! The log that an import records in.
//!
//! A tenant that does not exist is added only on request, because events cannot be moved or deleted later. It is added,
//! and an SQLite log created, when the first event is to be recorded, so that a failed import leaves neither.

use anyhow::{Context as _, bail, ensure};

use crate::commands::output::printable;
use crate::commands::tenant::check_key;
use crate::config::{DatabaseSettings, ImportArgs};
use crate::database;
use crate::system::new_id;
use store::{Reader, Store, Tenant, Writer};

/// The most tenants that an error lists.
const LISTED_TENANTS_MAX: usize = 10;

/// The log of the tenant.
#[derive(Debug)]
pub(super) enum ImportLog {
    /// The tenant exists.
    Open(Box<OpenLog>),
    /// The tenant with this key is added when the log is opened.
    New { database: DatabaseSettings, tenant: String },
}

/// An open log.
#[derive(Debug)]
pub(super) struct OpenLog {
    pub(super) writer: Writer,
    /// Finds the event that has a key already.
    pub(super) reader: Reader,
}

impl ImportLog {
    /// Finds the log of the tenant with the key given, else of the only tenant.
    pub(super) async fn find(config: &ImportArgs) -> anyhow::Result<Self> {
        let database = &config.database;
        let new = |key: &str| -> anyhow::Result<Self> {
            check_key(key)?;
            Ok(Self::New { database: database.clone(), tenant: key.to_owned() })
        };
        if let Some(file) = store::sqlite_file(database.url())?.filter(|file| !file.exists()) {
            match &config.tenant {
                Some(key) if config.create_tenant => return new(key),
                Some(_) => bail!("there is no log at {}: to create it, add --create-tenant", file.display()),
                None => bail!(
                    "there is no log at {}: to create it, name a tenant with --tenant KEY --create-tenant",
                    file.display()
                ),
            }
        }
        let store = database::open_or_create(database).await?;
        let Some(key) = &config.tenant else {
            let mut tenants = store.tenants().await?;
            ensure!(tenants.len() < 2, "there are several tenants: choose one with --tenant KEY");
            let tenant = tenants.pop().context(
                "there is no tenant: add one with `auditgraph tenant add KEY`, or with --tenant KEY --create-tenant",
            )?;
            return OpenLog::new(&store, &tenant).map(Box::new).map(Self::Open);
        };
        match store.tenant(key).await? {
            Some(tenant) => OpenLog::new(&store, &tenant).map(Box::new).map(Self::Open),
            None if config.create_tenant => new(key),
            None => bail!(unknown_tenant(key, &store.tenants().await?)),
        }
    }

    /// Opens the log. Adds the tenant, and creates an SQLite log, if they do not exist.
    pub(super) async fn open(&mut self) -> anyhow::Result<&OpenLog> {
        if let Self::New { database, tenant } = self {
            let store = database::open_or_create(database).await?;
            let tenant = match store.tenant(tenant).await? {
                Some(tenant) => tenant,
                None => store.add_tenant(tenant, tenant, &[], new_id()).await?,
            };
            *self = Self::Open(Box::new(OpenLog::new(&store, &tenant)?));
        }
        match self {
            Self::Open(log) => Ok(log),
            Self::New { .. } => bail!("the log is not open"),
        }
    }
}

impl OpenLog {
    fn new(store: &Store, tenant: &Tenant) -> anyhow::Result<Self> {
        ensure!(!tenant.is_disabled, "tenant `{}` is disabled", tenant.key);
        Ok(Self { writer: access::operator_writer(store, tenant), reader: access::operator_reader(store, tenant) })
    }
}

/// Returns the error for a key that no tenant has.
fn unknown_tenant(key: &str, tenants: &[Tenant]) -> String {
    let key = printable(key);
    if tenants.is_empty() {
        return format!("there is no tenant `{key}`: to add it, use --create-tenant");
    }
    let mut keys: Vec<String> =
        tenants.iter().take(LISTED_TENANTS_MAX).map(|tenant| format!("`{}`", printable(&tenant.key))).collect();
    keys.extend((tenants.len() > LISTED_TENANTS_MAX).then(|| "...".to_owned()));
    format!(
        "there is no tenant `{key}`, but {}: correct the key, or add the tenant with --create-tenant",
        keys.join(", ")
    )
}
