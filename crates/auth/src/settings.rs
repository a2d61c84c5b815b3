//! The settings of a verifier: what an issuer's tokens must contain, and how their claims map to roles. Settings that
//! cannot be right are refused at start.

use std::collections::BTreeSet;
use std::fmt;

use super::Role;

/// The placeholder for the tenant's id in the name of an issuer.
pub(super) const TENANT_PLACEHOLDER: &str = "{tenantid}";
/// The maximum leeway, in seconds. Clocks that differ more should be corrected.
const LEEWAY_SECS_MAX: u32 = 300;

/// The requirements for the tokens of one issuer, and the mapping of their claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierSettings {
    /// The accepted values of `iss`. Required with public keys. `{tenantid}` in a value stands for the id of the
    /// token's tenant, as in the issuer names of multi-tenant applications in Entra ID.
    pub issuers: Vec<String>,
    /// The accepted values of `aud`. Required with public keys.
    pub audiences: Vec<String>,
    /// The claim with the tenant's key (default `tid`).
    pub tenant_claim: String,
    /// The tenants that the issuer may issue tokens for.
    pub tenants: TenantBinding,
    /// The tolerated clock difference, in seconds (default 30, at most 300).
    pub leeway_secs: u32,
    /// The scope (`scp`) that a token for a user must have.
    pub required_scope: Option<String>,
    /// The groups (`groups`) whose members are audit readers.
    pub reader_groups: Vec<String>,
    /// The services of the Intune roles (default `Microsoft Intune` and `Windows 365`).
    pub intune_services: Vec<String>,
    /// Whether the built-in role map applies (default `true`).
    pub builtin_grants: bool,
    /// The rules that the operator adds to the role map.
    pub rules: Vec<GrantRule>,
}

/// The tenants that an issuer may issue tokens for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantBinding {
    /// Every tenant that a token names.
    Any,
    /// The listed tenants, if a token names one of them.
    Listed(BTreeSet<String>),
    /// This tenant, whatever a token names.
    One(String),
}

/// A rule of the role map, added by the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRule {
    /// The path to the claim: its name, after the names of the objects around it.
    pub claim: Vec<String>,
    /// The values of which the claim must contain at least one.
    pub values: Vec<String>,
    /// What the rule grants.
    pub grant: GrantKind,
    /// The services of the grant. `None` means the default services of what is granted.
    pub services: Option<Vec<String>>,
}

/// What a rule grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// A role for reading.
    Role(Role),
    /// The permission to record.
    Record,
    /// The permission to manage the API keys of the tenant.
    Administer,
}

/// The reason why keys or settings cannot be used: a sentence for the operator that explains how to fix it. Contains no
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem(String);

impl ConfigProblem {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigProblem {}

impl Default for VerifierSettings {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            tenant_claim: "tid".to_owned(),
            tenants: TenantBinding::Any,
            leeway_secs: 30,
            required_scope: None,
            reader_groups: Vec::new(),
            intune_services: vec!["Microsoft Intune".to_owned(), "Windows 365".to_owned()],
            builtin_grants: true,
            rules: Vec::new(),
        }
    }
}

impl VerifierSettings {
    /// Fails if the settings are not safe with keys of this kind.
    pub(super) fn check(&self, symmetric: bool) -> Result<(), ConfigProblem> {
        self.check_blanks()?;
        if !symmetric {
            for (part, values, example) in [
                ("issuer", &self.issuers, "the value of `iss` in its tokens"),
                ("audience", &self.audiences, "the value of `aud` in tokens for this API"),
            ] {
                if values.is_empty() {
                    return Err(ConfigProblem::new(format!(
                        "public keys are configured without an {part}, so tokens that the same keys sign for other \
                         services would be accepted: set the JWT {part} to {example}"
                    )));
                }
            }
        }
        if self.leeway_secs > LEEWAY_SECS_MAX {
            return Err(ConfigProblem::new(format!(
                "the leeway is {} seconds, but at most {LEEWAY_SECS_MAX} are allowed: correct the clocks instead",
                self.leeway_secs
            )));
        }
        if self.required_scope.as_deref().is_some_and(|scope| scope.contains(char::is_whitespace)) {
            return Err(ConfigProblem::new("the required token scope contains white space: name exactly one scope"));
        }
        self.check_templates()
    }

    fn check_blanks(&self) -> Result<(), ConfigProblem> {
        let is_blank = |string: &str| string.trim().is_empty();
        let any_blank = |strings: &[String]| strings.iter().any(|string| is_blank(string));
        let tenants = match &self.tenants {
            TenantBinding::Any => false,
            TenantBinding::Listed(keys) => keys.is_empty() || keys.iter().any(|key| is_blank(key)),
            TenantBinding::One(key) => is_blank(key),
        };
        let parts = [
            ("tenant claim", is_blank(&self.tenant_claim)),
            ("JWT issuer", any_blank(&self.issuers)),
            ("JWT audience", any_blank(&self.audiences)),
            ("required token scope", self.required_scope.as_deref().is_some_and(is_blank)),
            ("list of tenants", tenants),
            ("list of reader groups", any_blank(&self.reader_groups)),
            // A blank service would match events without a service.
            ("list of Intune services", any_blank(&self.intune_services)),
        ];
        match parts.iter().find(|(_, is_blank)| *is_blank) {
            Some((part, _)) => {
                Err(ConfigProblem::new(format!("the {part} is blank, or has a blank element: fill or remove it")))
            }
            None => Ok(()),
        }
    }

    /// An issuer with the placeholder may issue tokens only for the tenant in its own name.
    fn check_templates(&self) -> Result<(), ConfigProblem> {
        if self.issuers.iter().any(|name| name.matches(TENANT_PLACEHOLDER).count() > 1) {
            return Err(ConfigProblem::new(format!(
                "the JWT issuer contains `{TENANT_PLACEHOLDER}` twice: write it once, at the position of the tenant's id"
            )));
        }
        let has_placeholder = self.issuers.iter().any(|name| name.contains(TENANT_PLACEHOLDER));
        if has_placeholder && matches!(self.tenants, TenantBinding::One(_)) {
            return Err(ConfigProblem::new(format!(
                "the JWT issuer contains `{TENANT_PLACEHOLDER}`, so it stands for several tenants, but is bound to one: \
                 write the tenant's id into the issuer, or list the tenants"
            )));
        }
        Ok(())
    }
}
