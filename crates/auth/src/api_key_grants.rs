//! What an API key permits: roles, permissions, services and networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Principal, Role, RoleGrant};
use model::fold::fold;
use model::{Invalid, ServiceSet, Timestamp, wire_enum};

/// The beginning of the subject of an API key, before its id. A token with such a subject is rejected.
pub const API_KEY_SUBJECT_PREFIX: &str = "key:";
/// The most services, and the most networks, of a key.
const LIST_MAX: usize = 50;
/// The most bytes of the name of a service.
const SERVICE_BYTES_MAX: usize = 200;

wire_enum! {
    /// A permission of an API key. Tokens have them in the claim `permissions`.
    Permission {
        /// Reads events of all services, or of the key's; the same as the role `AUDIT_READER`.
        Read = "audit/read",
        /// Records events of all services, or of the key's.
        Record = "audit/write",
        /// Manages the tenant's API keys.
        Administer = "audit/admin",
    }
}

/// A network that a key may be used from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    /// Whether the network contains an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = Invalid;

    fn from_str(string: &str) -> Result<Self, Invalid> {
        let network = string.parse::<IpNet>().ok().or_else(|| string.parse::<IpAddr>().ok().map(IpNet::from));
        let network = network.map(|network| Self(network.trunc()));
        network.ok_or_else(|| {
            Invalid::new(format!("`{string}` is not a network: write `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`"))
        })
    }
}

impl TryFrom<String> for Network {
    type Error = Invalid;

    fn try_from(string: String) -> Result<Self, Invalid> {
        string.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_address = self.0.prefix_len() == self.0.max_prefix_len();
        if is_address { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

/// What an API key permits. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyGrants {
    /// The roles for reading; never `GLOBAL_ADMIN`.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// The permissions.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// The names of the services that roles and permissions are limited to; all if empty.
    #[serde(default)]
    pub services: Vec<String>,
    /// The networks that the key may be used from; any if empty.
    #[serde(default)]
    pub networks: Vec<Network>,
}

impl ApiKeyGrants {
    /// Checks grants for a new key, and orders them without duplicates.
    pub fn checked(mut self) -> Result<Self, Invalid> {
        if self.roles.contains(&Role::GlobalAdmin) {
            return Err(Invalid::new(
                "an API key cannot have the role `GLOBAL_ADMIN`, which also reads the access log: grant `AUDIT_READER` \
                 or `INTUNE_SERVICE_ADMIN`",
            ));
        }
        if self.roles.is_empty() && self.permissions.is_empty() {
            return Err(Invalid::new("an API key needs at least one role or permission"));
        }
        let is_limited = !self.roles.is_empty() || self.permissions.iter().any(|one| *one != Permission::Administer);
        if !self.services.is_empty() && !is_limited {
            return Err(Invalid::new(
                "`audit/admin` is not limited to services: omit them, or grant a role or another permission",
            ));
        }
        for (part, length) in [("services", self.services.len()), ("networks", self.networks.len())] {
            if length > LIST_MAX {
                return Err(Invalid::new(format!("an API key has at most {LIST_MAX} {part}, not {length}")));
            }
        }
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if self.services.iter().any(|name| {
            name.trim().is_empty() || name.trim() != name || name.len() > SERVICE_BYTES_MAX || name.contains(breaks)
        }) {
            return Err(Invalid::new(format!(
                "a service of an API key has 1 to {SERVICE_BYTES_MAX} bytes, no control characters and no white space \
                 around it"
            )));
        }
        self.roles.sort_unstable();
        self.roles.dedup();
        self.permissions.sort_unstable();
        self.permissions.dedup();
        self.services.sort_unstable();
        self.services.dedup_by(|one, other| fold(one) == fold(other));
        self.networks.sort_unstable();
        self.networks.dedup();
        Ok(self)
    }

    /// Parses stored grants. The error is the reason.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// The JSON to store.
    pub fn to_json(&self) -> String {
        // Names and lists of names serialise without errors.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the key may be used from an address.
    pub fn permits_address(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }

    /// The principal of a key. `intune_services` are the services of the role `INTUNE_SERVICE_ADMIN`.
    pub fn principal(&self, key: &ApiKeyIdentity<'_>, intune_services: &[String]) -> Principal {
        let mut grants: Vec<RoleGrant> = Vec::new();
        let reads = self.permissions.contains(&Permission::Read).then_some(Role::AuditReader);
        for role in self.roles.iter().copied().chain(reads) {
            let services = match role {
                // Not stored for any key; see `checked`.
                Role::GlobalAdmin => continue,
                Role::IntuneServiceAdmin => Some(self.intune_services(intune_services)),
                Role::AuditReader => (!self.services.is_empty()).then(|| self.services.clone()),
            };
            let grant = RoleGrant { role, services, sees_sensitive: role != Role::AuditReader };
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        let record = self.permissions.contains(&Permission::Record).then(|| {
            let names = self.services.iter().map(String::as_str);
            if self.services.is_empty() { ServiceSet::All } else { ServiceSet::of(names) }
        });
        Principal {
            issuer: None,
            subject: format!("{API_KEY_SUBJECT_PREFIX}{}", key.id),
            user_principal_name: None,
            display_name: Some(key.name.to_owned()),
            tenant: key.tenant.to_owned(),
            client_id: Some(key.name.to_owned()),
            object_id: None,
            is_application: true,
            grants,
            record,
            administers: self.permissions.contains(&Permission::Administer),
            expires_at: key.expires_at,
        }
    }

    /// The services of the role `INTUNE_SERVICE_ADMIN`: its own, of those that the key is limited to.
    fn intune_services(&self, intune_services: &[String]) -> Vec<String> {
        let limit = ServiceSet::of(self.services.iter().map(String::as_str));
        let is_permitted = |name: &&String| self.services.is_empty() || limit.has(name);
        intune_services.iter().filter(is_permitted).cloned().collect()
    }
}

/// The names of an API key, and its expiry.
#[derive(Clone, Copy, Debug)]
pub struct ApiKeyIdentity<'a> {
    /// The id.
    pub id: &'a str,
    /// The name.
    pub name: &'a str,
    /// The key of the tenant.
    pub tenant: &'a str,
    /// The expiry. `None` if the key does not expire.
    pub expires_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::super::grant::{PERMISSION_ADMINISTER, PERMISSION_READ, PERMISSION_RECORD};
    use super::*;

    const KEY: ApiKeyIdentity<'_> =
        ApiKeyIdentity { id: "k1", name: "payroll", tenant: "contoso", expires_at: Some(Timestamp(7)) };

    fn strings(strings: &[&str]) -> Vec<String> {
        strings.iter().map(|string| (*string).to_owned()).collect()
    }

    fn grants(roles: &[Role], permissions: &[Permission], services: &[&str]) -> ApiKeyGrants {
        ApiKeyGrants {
            roles: roles.to_vec(),
            permissions: permissions.to_vec(),
            services: strings(services),
            networks: Vec::new(),
        }
    }

    fn refused(grants: ApiKeyGrants) -> String {
        grants.checked().unwrap_err().to_string()
    }

    #[test]
    fn key_is_limited_to_its_services() {
        let intune = strings(&["Microsoft Intune", "Windows 365"]);
        let all = [Permission::Read, Permission::Record];
        let key = grants(&[Role::IntuneServiceAdmin], &all, &["Payroll", "windows 365"]).checked().unwrap();
        let principal = key.principal(&KEY, &intune);
        assert_eq!(principal.record, Some(ServiceSet::of(["payroll", "Windows 365"])));
        let scope = principal.read_scope().unwrap();
        assert_eq!(scope.visible, ServiceSet::of(["payroll", "windows 365"]));
        assert_eq!(scope.sensitive, ServiceSet::of(["windows 365"]));
        assert_eq!((principal.subject.as_str(), principal.issuer.as_deref()), ("key:k1", None));
        assert_eq!((principal.client_id.as_deref(), principal.tenant.as_str()), (Some("payroll"), "contoso"));
        assert!(principal.is_application && !principal.administers && principal.expires_at == Some(Timestamp(7)));

        let unlimited = grants(&[Role::IntuneServiceAdmin], &all, &[]).principal(&KEY, &intune);
        assert_eq!(unlimited.record, Some(ServiceSet::All));
        assert_eq!(unlimited.read_scope().unwrap().visible, ServiceSet::All);
        assert_eq!(unlimited.read_scope().unwrap().sensitive, ServiceSet::of(["microsoft intune", "windows 365"]));
    }

    #[test]
    fn recorder_reads_nothing_and_reader_records_nothing() {
        let recorder = grants(&[], &[Permission::Record], &[]).principal(&KEY, &[]);
        assert!(recorder.may_record() && recorder.read_scope().is_none());
        let reader = grants(&[Role::AuditReader], &[Permission::Read], &[]).principal(&KEY, &[]);
        assert!(!reader.may_record() && reader.grants.len() == 1);
        let admin = grants(&[], &[Permission::Administer], &[]).principal(&KEY, &[]);
        assert!(admin.administers && !admin.may_record() && admin.read_scope().is_none());
    }

    #[test]
    fn key_has_grants_but_never_those_of_a_global_admin() {
        assert!(refused(grants(&[Role::GlobalAdmin, Role::AuditReader], &[], &[])).contains("GLOBAL_ADMIN"));
        assert!(refused(grants(&[], &[], &["Payroll"])).contains("at least one role or permission"));
        assert!(refused(grants(&[], &[Permission::Administer], &["Payroll"])).contains("`audit/admin`"));
        let many: Vec<String> = (0..=LIST_MAX).map(|number| format!("s{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(refused(grants(&[], &[Permission::Record], &many)).contains("at most 50 services"));
        for name in ["", " a", "a\nb", &"x".repeat(SERVICE_BYTES_MAX + 1)] {
            assert!(refused(grants(&[], &[Permission::Record], &[name])).contains("service"), "{name}");
        }
        // Stored by another program, the role still grants nothing.
        let stored = ApiKeyGrants::parse(r#"{"roles":["GLOBAL_ADMIN"]}"#).unwrap();
        assert!(stored.principal(&KEY, &[]).grants.is_empty());
    }

    #[test]
    fn stored_grants_round_trip() {
        let mut key = grants(&[Role::AuditReader], &[Permission::Record], &["Payroll", "payroll", "CRM"]);
        key.networks = ["10.1.2.3/8", "192.0.2.7", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
        let key = key.checked().unwrap();
        assert_eq!(key.services, ["CRM", "Payroll"]);
        assert_eq!(ApiKeyGrants::parse(&key.to_json()), Ok(key.clone()));
        let networks: Vec<String> = key.networks.iter().map(Network::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "192.0.2.7", "fd00::/8"]);
        let permits = |address: &str| key.permits_address(address.parse().unwrap());
        assert!(permits("10.9.9.9") && permits("::ffff:10.0.0.1") && permits("192.0.2.7") && permits("fd00::1"));
        assert!(!permits("11.0.0.1") && !permits("192.0.2.8") && !permits("::1"));
        assert!(ApiKeyGrants::default().permits_address("203.0.113.9".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "example.com", "10.0.0/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert!(ApiKeyGrants::parse(r#"{"roles":["KING"]}"#).is_err());
    }

    #[test]
    fn permissions_are_named_as_in_tokens() {
        let names: Vec<&str> = Permission::ALL.iter().map(|permission| permission.name()).collect();
        assert_eq!(names, [PERMISSION_READ, PERMISSION_RECORD, PERMISSION_ADMINISTER]);
    }
}
