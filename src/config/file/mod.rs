//! The configuration file, in TOML: settings that do not fit into an environment variable.
//!
//! Every table refuses unknown keys, and every value is validated where it is parsed, so that a mistake is reported with
//! its line before the server starts. A section is a struct with `deny_unknown_fields` and a field of [`ConfigFile`];
//! [`mod@reference`] describes its keys. Units are at the end of the key.
//!
//! The file cannot contain the secret that signs tokens, which is for development and belongs in the environment.

mod issuer;
pub mod reference;
mod value;

use std::path::Path;

use serde::Deserialize;

use model::sensitive::SensitiveNames;

pub use issuer::{GrantSection, GrantValue, IssuerSection, IssuerTenants, KeyLocation};
pub use value::{Bounded, NonBlankString, NonEmptyList, OneOrMore};

/// The most bytes of the file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Names whose values are sensitive, in addition to the built-in names and those of the option.
    #[serde(default)]
    pub sensitive_names: Vec<NonBlankString>,
    /// Whether to record accesses to the log, unless the option turns it off.
    pub record_access: Option<bool>,
    /// Grants to the tokens of every issuer.
    #[serde(default, rename = "grant")]
    pub grants: Vec<GrantSection>,
    /// The issuers of tokens.
    #[serde(default, rename = "issuer")]
    pub issuers: Vec<IssuerSection>,
    /// Sign-in to the viewer.
    pub sign_in: Option<SignInSection>,
}

/// The OpenID Connect issuer at which the viewer signs in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSection {
    /// Its URL.
    pub issuer: NonBlankString,
    /// The client id of the viewer.
    pub client_id: NonBlankString,
    /// Token scopes to request in addition to `openid`.
    #[serde(default)]
    pub scopes: Vec<NonBlankString>,
    /// Origins of its endpoints that differ from its own origin.
    #[serde(default)]
    pub origins: Vec<NonBlankString>,
}

/// A configuration file that cannot be used: the file, the line and the reason, as a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration file {file}{line}: {reason}")]
pub struct ConfigFileError {
    file: String,
    /// Empty if the reason is not about a line.
    line: String,
    reason: String,
}

impl ConfigFile {
    /// Reads a file. Paths in it are relative to its folder.
    pub fn read(path: &Path) -> Result<Self, ConfigFileError> {
        let error = |reason: String| ConfigFileError { file: path.display().to_string(), line: String::new(), reason };
        let size = std::fs::metadata(path).map_err(|cause| error(format!("cannot be read: {cause}")))?.len();
        if size > FILE_BYTES_MAX {
            return Err(error(format!("has {size} bytes, but at most {FILE_BYTES_MAX} are allowed")));
        }
        let toml = std::fs::read_to_string(path).map_err(|cause| error(format!("cannot be read: {cause}")))?;
        let mut file = Self::parse(&toml).map_err(|(line, reason)| {
            let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
            ConfigFileError { line, ..error(reason) }
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for issuer in &mut file.issuers {
            if let KeyLocation::JwksFile(file) | KeyLocation::PublicKeyFile(file) = &mut issuer.keys {
                *file = folder.join(&*file);
            }
        }
        Ok(file)
    }

    /// Reads the file that the option names. Without the option, returns a file without settings.
    pub fn read_if_set(path: Option<&Path>) -> Result<Self, ConfigFileError> {
        path.map(Self::read).transpose().map(Option::unwrap_or_default)
    }

    /// Returns the names whose values are sensitive: the built-in names and those of the option and of the file.
    pub fn sensitive_names(&self, option: &[String]) -> SensitiveNames {
        let in_file = self.sensitive_names.iter().map(|name| name.as_str().to_owned());
        SensitiveNames::with_extra(option.iter().cloned().chain(in_file))
    }

    /// Parses the content of a file. The error is the line, if known, and the reason.
    fn parse(toml: &str) -> Result<Self, (Option<usize>, String)> {
        toml::from_str(toml).map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| toml[..span.start.min(toml.len())].matches('\n').count() + 1);
            (line, error.message().trim().replace('\n', ", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "[[issuer]]\niss = 'https://i'\naudiences = ['a']\n";

    #[track_caller]
    fn refused(text: &str) -> (usize, String) {
        let (line, reason) = ConfigFile::parse(text).unwrap_err();
        (line.unwrap_or_else(|| panic!("no line: {reason}")), reason)
    }

    #[test]
    fn every_setting_is_parsed() {
        let file = ConfigFile::parse(
            "sensitive_names = ['pay grade']
            [[grant]]
            claim = ['realm_access', 'roles']
            values = ['auditor']
            gives = 'AUDIT_READER'
            services = ['Payroll']
            [[issuer]]
            iss = ['https://sts.windows.net/{tenantid}/', 'https://login.microsoftonline.com/{tenantid}/v2.0']
            audiences = ['api://auditgraph']
            jwks_url = 'https://login.microsoftonline.com/common/discovery/v2.0/keys'
            jwks_refresh_secs = 3600
            tenants = ['a', 'b']
            leeway_secs = 0
            [[issuer.grant]]
            claim = 'groups'
            values = ['x']
            gives = 'RECORD'
            [[issuer]]
            iss = 'https://keycloak.example'
            audiences = ['audit']
            public_key_file = 'keys.pem'
            tenant = 'fabrikam'
            builtin_grants = false
            [sign_in]
            issuer = 'https://keycloak.example'
            client_id = 'viewer'",
        );
        let file = file.unwrap();
        assert_eq!(file.sensitive_names.iter().map(NonBlankString::as_str).collect::<Vec<_>>(), ["pay grade"]);
        assert_eq!((file.grants.len(), file.issuers.len()), (1, 2));
        let (first, second) = (&file.issuers[0], &file.issuers[1]);
        assert_eq!((first.names.len(), first.grants.len(), first.builtin_grants), (2, 1, true));
        assert_eq!(first.leeway_secs.map(Bounded::get), Some(0));
        assert!(matches!(&second.tenants, IssuerTenants::One(key) if key.as_str() == "fabrikam"));
        assert!(!second.builtin_grants);
        assert!(file.sign_in.is_some_and(|at| at.client_id.as_str() == "viewer" && at.scopes.is_empty()));
        assert!(ConfigFile::parse("").unwrap().issuers.is_empty());
    }

    #[test]
    fn unknown_key_is_reported_with_its_line() {
        let (line, reason) = refused("sensitive_names = []\n\nsensitive_nams = []\n");
        assert_eq!(line, 3);
        assert!(reason.contains("`sensitive_nams`") && reason.contains("`sensitive_names`"), "{reason}");
        let (line, reason) = refused(&format!("{ISSUER}jwks_uri = 'https://i/keys'\ntenant = 't'"));
        assert!(line == 4 && reason.contains("`jwks_uri`"), "{line} {reason}");
        let (line, reason) = refused("\n[[grant]]\nclaim = 'a'\nvalues = ['b']\ngives = 'AUDIT_READER'\nfor = 'x'");
        assert!(line == 6 && reason.contains("`for`"), "{line} {reason}");
        let (line, reason) = refused("[issuers]\n");
        assert!(line == 1 && reason.contains("`issuers`"), "{line} {reason}");
    }

    #[test]
    fn invalid_value_is_reported_with_its_line() {
        let full = format!("{ISSUER}jwks_url = 'https://i/keys'\ntenant = 't'\n");
        assert!(ConfigFile::parse(&full).is_ok());
        for (text, at, part) in [
            (format!("{full}leeway_secs = 301"), 6, "301 is out of bounds: it must be from 0 to 300"),
            (format!("{full}leeway_secs = -1"), 6, "-1 is out of bounds"),
            (format!("{full}leeway_secs = '3'"), 6, "expected i64"),
            (format!("{full}jwks_refresh_secs = 0"), 6, "1 to 86400"),
            (format!("{full}required_scope = ' '"), 6, "must not be blank"),
            (format!("{full}tenants = ['u']"), 1, "either `tenant`"),
            (format!("{full}tenant_claim = 'org'"), 1, "takes no `tenant_claim`"),
            (format!("{full}public_key_file = 'x'"), 1, "exactly one of"),
            (format!("{full}iss = 'again'"), 6, "duplicate key"),
            (format!("\n{ISSUER}tenant = 't'"), 2, "exactly one of"),
            (format!("\n{ISSUER}jwks_file = 'x'"), 2, "either `tenant`"),
            (format!("{ISSUER}jwks_file = 'x'\ntenants = []"), 5, "at least one"),
            ("[[issuer]]\niss = 'x'".to_owned(), 1, "missing field `audiences`"),
            ("[[issuer]]\niss = []\naudiences = ['x']".to_owned(), 2, "at least one"),
            ("[[issuer]]\niss = 7\naudiences = ['x']".to_owned(), 2, "a string or a list"),
            ("[[issuer]]\niss = ['']\naudiences = ['x']".to_owned(), 2, "a string or a list"),
            ("[[grant]]\nclaim = 'a'\nvalues = ['b']\ngives = 'ADMIN'".to_owned(), 4, "`AUDIT_READER`"),
            ("[sign_in]\nissuer = 'https://i'".to_owned(), 1, "missing field `client_id`"),
            ("x = [".to_owned(), 1, ""),
        ] {
            let (line, reason) = refused(&text);
            assert!(line == at && reason.contains(part) && !reason.contains('\n'), "{text}\n{line}: {reason}");
        }
    }
}
