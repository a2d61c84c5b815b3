//! The configuration file, in TOML: settings that do not fit into an environment variable.
//!
//! Every table refuses unknown names, and every value is checked where it is read, so that a mistake is reported with
//! its line and nothing half configured starts. A section is a struct here with `deny_unknown_fields` and a field of
//! [`File`]; numbers are [`Bounded`], names are [`Text`], units are at the end of the name.
//!
//! The file cannot contain the secret that signs tokens: it is for development and belongs in the environment.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use model::sensitive::SensitiveNames;

/// The most bytes of the file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Names whose values are sensitive, in addition to those built in and those of the option.
    #[serde(default)]
    pub sensitive_names: Vec<Text>,
    /// Whether to record who reads the log, unless the option says no.
    pub record_access: Option<bool>,
    /// What further claims of every issuer's tokens give.
    #[serde(default, rename = "grant")]
    pub grants: Vec<Grant>,
    /// Who signs tokens.
    #[serde(default, rename = "issuer")]
    pub issuers: Vec<Issuer>,
    /// Where people sign in to the viewer.
    pub sign_in: Option<SignIn>,
}

/// The OpenID Connect issuer where people sign in to the viewer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Its address.
    pub issuer: Text,
    /// The viewer's client id there.
    pub client_id: Text,
    /// Token scopes to request in addition to `openid`.
    #[serde(default)]
    pub scopes: Vec<Text>,
    /// Origins of its endpoints that are not its own.
    #[serde(default)]
    pub origins: Vec<Text>,
}

/// An issuer of tokens. Settings that are omitted here are taken from the options.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "IssuerTable")]
pub struct Issuer {
    /// Its names (`iss`); `{tenantid}` stands for the tenant's id.
    pub names: Vec<Text>,
    /// The audiences (`aud`), for one of which tokens must be issued.
    pub audiences: Vec<Text>,
    /// Where its public keys are.
    pub keys: KeyPlace,
    /// How often a key set is read again, in seconds.
    pub jwks_refresh_secs: Option<Bounded<1, 86_400>>,
    /// How long reading a key set may take, in milliseconds.
    pub jwks_timeout_ms: Option<Bounded<100, 60_000>>,
    /// The tenants that it may speak for.
    pub tenants: Tenants,
    /// The claim that names the tenant.
    pub tenant_claim: Option<Text>,
    /// By how much clocks may differ, in seconds.
    pub leeway_secs: Option<Bounded<0, 300>>,
    /// A token scope (`scp`) that tokens of people must have.
    pub required_scope: Option<Text>,
    /// Whether the built-in role map applies to its tokens.
    pub builtin_grants: bool,
    /// What further claims of its tokens give.
    pub grants: Vec<Grant>,
}

/// Where public keys are.
#[derive(Clone, Debug)]
pub enum KeyPlace {
    /// A key set at an address.
    JwksUrl(Text),
    /// A key set in a file.
    JwksFile(PathBuf),
    /// A PEM file.
    PublicKeyFile(PathBuf),
}

/// The tenants that an issuer may speak for.
#[derive(Clone, Debug)]
pub enum Tenants {
    /// This one, whatever its tokens say.
    One(Text),
    /// Any of these, as its tokens say.
    Listed(Filled<Text>),
}

/// What a token gets for having one of some values in a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The claim: its name, or the path to it through objects.
    pub claim: OneOrMore<Text>,
    /// The values, one of which the claim must contain.
    pub values: Filled<Text>,
    /// What that gives.
    pub gives: Given,
    /// For which services; by default those of the role.
    pub services: Option<Filled<Text>>,
}

/// What a grant can give.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Given {
    /// The role of that name.
    GlobalAdmin,
    /// The role of that name.
    IntuneServiceAdmin,
    /// The role of that name.
    AuditReader,
    /// Recording.
    Record,
}

/// An issuer as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerTable {
    iss: OneOrMore<Text>,
    audiences: Filled<Text>,
    jwks_url: Option<Text>,
    jwks_file: Option<PathBuf>,
    public_key_file: Option<PathBuf>,
    jwks_refresh_secs: Option<Bounded<1, 86_400>>,
    jwks_timeout_ms: Option<Bounded<100, 60_000>>,
    tenant: Option<Text>,
    tenants: Option<Filled<Text>>,
    tenant_claim: Option<Text>,
    leeway_secs: Option<Bounded<0, 300>>,
    required_scope: Option<Text>,
    #[serde(default = "yes")]
    builtin_grants: bool,
    #[serde(default, rename = "grant")]
    grants: Vec<Grant>,
}

fn yes() -> bool {
    true
}

impl TryFrom<IssuerTable> for Issuer {
    type Error = &'static str;

    fn try_from(table: IssuerTable) -> Result<Self, Self::Error> {
        let keys = match (table.jwks_url, table.jwks_file, table.public_key_file) {
            (Some(address), None, None) => KeyPlace::JwksUrl(address),
            (None, Some(file), None) => KeyPlace::JwksFile(file),
            (None, None, Some(file)) => KeyPlace::PublicKeyFile(file),
            _ => return Err("an issuer needs exactly one of `jwks_url`, `jwks_file` and `public_key_file`"),
        };
        let tenants = match (table.tenant, table.tenants) {
            (Some(key), None) => Tenants::One(key),
            (None, Some(keys)) => Tenants::Listed(keys),
            _ => {
                return Err("an issuer is bound to the tenants it may speak for: it needs either `tenant` (all its \
                            tokens are about that one) or `tenants` (those that its tokens may name)");
            }
        };
        if matches!(tenants, Tenants::One(_)) && table.tenant_claim.is_some() {
            return Err("an issuer with `tenant` takes no `tenant_claim`: all its tokens are about that tenant");
        }
        Ok(Self {
            names: table.iss.0,
            audiences: table.audiences.0,
            keys,
            jwks_refresh_secs: table.jwks_refresh_secs,
            jwks_timeout_ms: table.jwks_timeout_ms,
            tenants,
            tenant_claim: table.tenant_claim,
            leeway_secs: table.leeway_secs,
            required_scope: table.required_scope,
            builtin_grants: table.builtin_grants,
            grants: table.grants,
        })
    }
}

/// A whole number with bounds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "i64")]
pub struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> TryFrom<i64> for Bounded<MIN, MAX> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let fits = u64::try_from(number).ok().filter(|number| (MIN..=MAX).contains(number));
        fits.map(Self).ok_or_else(|| format!("{number} is out of bounds: it must be from {MIN} to {MAX}"))
    }
}

/// A text that is not blank and has no control characters.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Text(String);

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = !text.trim().is_empty() && !text.contains(char::is_control);
        if fits { Ok(Self(text)) } else { Err("must not be blank or contain control characters") }
    }
}

/// A list that is not empty.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Vec<T>")]
pub struct Filled<T>(pub Vec<T>);

impl<T> TryFrom<Vec<T>> for Filled<T> {
    type Error = &'static str;

    fn try_from(list: Vec<T>) -> Result<Self, Self::Error> {
        if list.is_empty() { Err("this list must have at least one element") } else { Ok(Self(list)) }
    }
}

/// One, or a list that is not empty.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Either<T>")]
pub struct OneOrMore<T>(pub Vec<T>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts, none of them blank")]
enum Either<T> {
    One(T),
    More(Vec<T>),
}

impl<T> TryFrom<Either<T>> for OneOrMore<T> {
    type Error = &'static str;

    fn try_from(either: Either<T>) -> Result<Self, Self::Error> {
        match either {
            Either::One(one) => Ok(Self(vec![one])),
            Either::More(more) => Filled::try_from(more).map(|filled| Self(filled.0)),
        }
    }
}

/// What is wrong with a configuration file, and where: a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration file {file}{place}: {reason}")]
pub struct FileProblem {
    file: String,
    place: String,
    reason: String,
}

impl File {
    /// Reads a file. Paths in it start at its folder.
    pub fn read(path: &Path) -> Result<Self, FileProblem> {
        let problem = |reason: String| FileProblem { file: path.display().to_string(), place: String::new(), reason };
        let size = std::fs::metadata(path).map_err(|why| problem(format!("cannot be read: {why}")))?.len();
        if size > FILE_BYTES_MAX {
            return Err(problem(format!("has {size} bytes, but at most {FILE_BYTES_MAX} are allowed")));
        }
        let text = std::fs::read_to_string(path).map_err(|why| problem(format!("cannot be read: {why}")))?;
        let mut file = Self::parse(&text).map_err(|(line, reason)| {
            let place = line.map(|line| format!(", line {line}")).unwrap_or_default();
            FileProblem { place, ..problem(reason) }
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for issuer in &mut file.issuers {
            if let KeyPlace::JwksFile(file) | KeyPlace::PublicKeyFile(file) = &mut issuer.keys {
                *file = folder.join(&*file);
            }
        }
        Ok(file)
    }

    /// Reads the file that the option names; without the option, returns the default of every setting.
    pub fn read_if_set(path: Option<&Path>) -> Result<Self, FileProblem> {
        path.map(Self::read).transpose().map(Option::unwrap_or_default)
    }

    /// Returns the rules for sensitive values: the built-in names and those of the option and of the file.
    pub fn sensitive_names(&self, option: &[String]) -> SensitiveNames {
        let in_file = self.sensitive_names.iter().map(|name| name.as_str().to_owned());
        SensitiveNames::with_extra(option.iter().cloned().chain(in_file))
    }

    /// Reads the text of a file; what is wrong with it, and in which line.
    fn parse(text: &str) -> Result<Self, (Option<usize>, String)> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
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
        let (line, reason) = File::parse(text).unwrap_err();
        (line.unwrap_or_else(|| panic!("no line: {reason}")), reason)
    }

    #[test]
    fn a_full_file_is_read() {
        let file = File::parse(
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
        assert_eq!(file.sensitive_names, [Text("pay grade".to_owned())]);
        assert_eq!((file.grants.len(), file.issuers.len()), (1, 2));
        let (first, second) = (&file.issuers[0], &file.issuers[1]);
        assert_eq!((first.names.len(), first.grants.len(), first.builtin_grants), (2, 1, true));
        assert_eq!(first.leeway_secs.map(Bounded::get), Some(0));
        assert!(matches!(&second.tenants, Tenants::One(key) if key.as_str() == "fabrikam"));
        assert!(!second.builtin_grants);
        assert!(file.sign_in.is_some_and(|at| at.client_id.as_str() == "viewer" && at.scopes.is_empty()));
        assert!(File::parse("").unwrap().issuers.is_empty());
    }

    #[test]
    fn what_is_unknown_is_named_with_its_line() {
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
    fn what_cannot_be_meant_is_told_with_its_line() {
        let full = format!("{ISSUER}jwks_url = 'https://i/keys'\ntenant = 't'\n");
        assert!(File::parse(&full).is_ok());
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
            ("[[issuer]]\niss = 7\naudiences = ['x']".to_owned(), 2, "a text or a list"),
            ("[[issuer]]\niss = ['']\naudiences = ['x']".to_owned(), 2, "a text or a list"),
            ("[[grant]]\nclaim = 'a'\nvalues = ['b']\ngives = 'ADMIN'".to_owned(), 4, "`AUDIT_READER`"),
            ("[sign_in]\nissuer = 'https://i'".to_owned(), 1, "missing field `client_id`"),
            ("x = [".to_owned(), 1, ""),
        ] {
            let (line, reason) = refused(&text);
            assert!(line == at && reason.contains(part) && !reason.contains('\n'), "{text}\n{line}: {reason}");
        }
    }
}
