//! API keys of a test's tenants.

use access::{Administrator, ApiKeyAdministration, ApiKeyRequest, CreatedApiKey};
use auditgraph::system;
use auth::{ApiKeyGrants, Network, Permission, Role};
use model::Timestamp;
use store::{Store, Tenant};

/// The grants of a key by the names of roles and permissions.
pub(crate) fn grants(names: &[&str]) -> ApiKeyGrants {
    ApiKeyGrants {
        roles: names.iter().filter_map(|name| Role::from_name(name)).collect(),
        permissions: names.iter().filter_map(|name| Permission::from_name(name)).collect(),
        ..ApiKeyGrants::default()
    }
}

/// The administration of API keys, as the commands of the operator use it.
pub(crate) fn administration(store: &Store) -> ApiKeyAdministration {
    ApiKeyAdministration::new(store.clone(), system::random_source())
}

/// The operator of tests.
pub(crate) fn operator() -> Administrator {
    Administrator::operator("test")
}

/// Creates a key named `payroll`.
pub(crate) async fn create(
    store: &Store,
    tenant: &Tenant,
    grants: ApiKeyGrants,
    expires_at: Option<Timestamp>,
) -> CreatedApiKey {
    let request = ApiKeyRequest { name: "payroll".to_owned(), grants, expires_at };
    administration(store).create(tenant, request, &operator(), system::now()).await.unwrap()
}

/// Revokes a key.
pub(crate) async fn revoke(store: &Store, tenant: &Tenant, id: &str) {
    administration(store).revoke(tenant, id, &operator(), system::now()).await.unwrap();
}

/// Networks of a key.
pub(crate) fn networks(networks: &[&str]) -> Vec<Network> {
    networks.iter().map(|network| network.parse().unwrap()).collect()
}
