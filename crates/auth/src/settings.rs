//! What is required of an issuer's tokens and what their claims mean; settings that cannot be right are refused at
//! start.

use std::collections::BTreeSet;

use super::{ConfigProblem, GrantRule, TENANT_PLACEHOLDER};

/// The largest leeway: clocks that differ more should be corrected.
const LEEWAY_SECS_MAX: u32 = 300;

/// What is demanded of the tokens of an issuer, and what their claims mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierSettings {
    /// The names (`iss`) under which the issuer signs; mandatory with public keys. In a name, `{tenantid}` stands for
    /// the tenant that the token is about, as Entra ID has it for applications of several tenants.
    pub issuers: Vec<String>,
    /// The audiences (`aud`), for one of which tokens must be issued; mandatory with public keys.
    pub audiences: Vec<String>,
    /// The claim that says whose log it is (default `tid`).
    pub tenant_claim: String,
    /// The tenants that the issuer may speak for.
    pub tenants: TenantBinding,
    /// By how much clocks may differ, in seconds (default 30, at most 300).
    pub leeway_secs: u32,
    /// The token scope (`scp`) that a token acting for a user must have.
    pub required_scope: Option<String>,
    /// Groups (`groups`) whose members are audit readers.
    pub reader_groups: Vec<String>,
    /// The services that Intune roles cover (default `Microsoft Intune` and `Windows 365`).
    pub intune_services: Vec<String>,
    /// Whether the built-in role map applies (default: it does).
    pub builtin_grants: bool,
    /// What an operator has added to the role map.
    pub rules: Vec<GrantRule>,
}

/// The tenants that an issuer may speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantBinding {
    /// Every one that its tokens name.
    Any,
    /// Those of these that its tokens name.
    Listed(BTreeSet<String>),
    /// This one, whatever its tokens say.
    One(String),
}

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
    /// Whether this can be meant for keys of this kind.
    pub(super) fn check(&self, symmetric: bool) -> Result<(), ConfigProblem> {
        self.check_blanks()?;
        if !symmetric {
            for (part, values, example) in [
                ("issuer", &self.issuers, "the value of `iss` in its tokens"),
                ("audience", &self.audiences, "the value of `aud` in tokens that are meant for this API"),
            ] {
                if values.is_empty() {
                    return Err(ConfigProblem::new(format!(
                        "public keys are configured but no {part}, so tokens that the same keys sign for others would \
                         be accepted: set the JWT {part} to {example}"
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
            return Err(ConfigProblem::new("the required token scope has white space: name exactly one scope"));
        }
        self.check_templates()
    }

    fn check_blanks(&self) -> Result<(), ConfigProblem> {
        let blank = |text: &str| text.trim().is_empty();
        let any_blank = |texts: &[String]| texts.iter().any(|text| blank(text));
        let tenants = match &self.tenants {
            TenantBinding::Any => false,
            TenantBinding::Listed(keys) => keys.is_empty() || keys.iter().any(|key| blank(key)),
            TenantBinding::One(key) => blank(key),
        };
        let parts = [
            ("tenant claim", blank(&self.tenant_claim)),
            ("JWT issuer", any_blank(&self.issuers)),
            ("JWT audience", any_blank(&self.audiences)),
            ("required token scope", self.required_scope.as_deref().is_some_and(blank)),
            ("list of tenants", tenants),
            ("list of reader groups", any_blank(&self.reader_groups)),
            // Events without a service would be in such a service.
            ("list of Intune services", any_blank(&self.intune_services)),
        ];
        match parts.iter().find(|(_, is_blank)| *is_blank) {
            Some((part, _)) => {
                Err(ConfigProblem::new(format!("the {part} is blank, or has a blank element: fill or remove it")))
            }
            None => Ok(()),
        }
    }

    /// With a template, the issuer vouches for the tenant in its own name and for no other.
    fn check_templates(&self) -> Result<(), ConfigProblem> {
        let templates = self.issuers.iter().filter(|name| name.contains(TENANT_PLACEHOLDER)).count();
        if self.issuers.iter().any(|name| name.matches(TENANT_PLACEHOLDER).count() > 1) {
            return Err(ConfigProblem::new(format!(
                "the JWT issuer has `{TENANT_PLACEHOLDER}` twice: write it once, in the place of the tenant's id"
            )));
        }
        if templates > 0 && matches!(self.tenants, TenantBinding::One(_)) {
            return Err(ConfigProblem::new(format!(
                "the JWT issuer has `{TENANT_PLACEHOLDER}`, so it speaks for several tenants, but is bound to one: write \
                 that tenant's id into the issuer, or list the tenants"
            )));
        }
        Ok(())
    }
}
