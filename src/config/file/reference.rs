//! The keys of the configuration file with their meaning, for the reference documentation.

/// A table of the configuration file.
#[derive(Clone, Copy, Debug)]
pub struct TableReference {
    /// The header of the table in TOML; empty for the top level.
    pub header: &'static str,
    /// The meaning of the table.
    pub meaning: &'static str,
    /// Its keys.
    pub keys: &'static [KeyReference],
}

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct KeyReference {
    /// The name.
    pub name: &'static str,
    /// The type of the value, with bounds.
    pub value: &'static str,
    /// The default, in Markdown; "required" if there is none.
    pub default: &'static str,
    /// The meaning.
    pub meaning: &'static str,
}

const fn key(name: &'static str, value: &'static str, default: &'static str, meaning: &'static str) -> KeyReference {
    KeyReference { name, value, default, meaning }
}

/// The tables of the configuration file. A test compares the keys with those that the parser accepts.
pub const TABLES: &[TableReference] = &[
    TableReference {
        header: "",
        meaning: "At the top level of the file:",
        keys: &[
            key(
                "sensitive_names",
                "list of strings",
                "`[]`",
                "Names whose values are sensitive, in addition to the built-in names and `AUDITGRAPH_SENSITIVE_NAMES`",
            ),
            key(
                "record_access",
                "boolean",
                "`true`",
                "Whether to record accesses to the log, unless `AUDITGRAPH_RECORD_ACCESS` is `false`",
            ),
            key("grant", "tables", "none", "Grants to the tokens of every issuer; see `[[grant]]`"),
            key("issuer", "tables", "none", "Issuers of tokens; see `[[issuer]]`"),
            key("sign_in", "table", "none", "Sign-in to the viewer; see `[sign_in]`"),
        ],
    },
    TableReference {
        header: "[[issuer]]",
        meaning: "An issuer of tokens. If the file has issuers, the settings `AUDITGRAPH_JWT_SECRET`, \
            `AUDITGRAPH_JWT_SECRET_FILE`, `AUDITGRAPH_JWT_PUBLIC_KEY_FILE`, `AUDITGRAPH_JWKS_FILE`, `AUDITGRAPH_JWKS_URL`, `AUDITGRAPH_JWT_ISSUER` \
            and `AUDITGRAPH_JWT_AUDIENCE` are refused. An issuer has exactly one of `jwks_url`, `jwks_file` and \
            `public_key_file`, and either `tenant` or `tenants`.",
        keys: &[
            key("iss", "string or list", "required", "Names of the issuer; `{tenantid}` stands for the tenant's id"),
            key("audiences", "list of strings", "required", "Audiences (`aud`); tokens must have one of them"),
            key("jwks_url", "string", "", "URL of its key set (JWKS): `https`, or `http` on this machine"),
            key("jwks_file", "path", "", "File with its key set (JWKS), relative to the configuration file"),
            key("public_key_file", "path", "", "PEM file with its public keys, relative to the configuration file"),
            key(
                "jwks_refresh_secs",
                "1 to 86400",
                "`AUDITGRAPH_JWKS_REFRESH_SECS`",
                "Interval at which its key set is read again, in seconds",
            ),
            key(
                "jwks_timeout_ms",
                "100 to 60000",
                "`AUDITGRAPH_JWKS_TIMEOUT_MS`",
                "Timeout for reading its key set, in milliseconds",
            ),
            key("tenant", "string", "", "Key of the tenant that all its tokens belong to"),
            key("tenants", "list of strings", "", "Keys of the tenants that its tokens may name"),
            key(
                "tenant_claim",
                "string",
                "`AUDITGRAPH_TENANT_CLAIM`",
                "Claim that contains the tenant key; only with `tenants`",
            ),
            key(
                "leeway_secs",
                "0 to 300",
                "`AUDITGRAPH_JWT_LEEWAY_SECS`",
                "Allowed difference between this machine's clock and the issuer's, in seconds",
            ),
            key(
                "required_scope",
                "string",
                "`AUDITGRAPH_JWT_REQUIRED_SCOPE`",
                "Token scope (`scp`) that tokens of users must have",
            ),
            key("builtin_grants", "boolean", "`true`", "Whether the built-in grants of roles apply to its tokens"),
            key("grant", "tables", "none", "Grants to its tokens only, as `[[issuer.grant]]`"),
        ],
    },
    TableReference {
        header: "[[grant]]",
        meaning: "A role or a permission for tokens with certain values in a claim. `[[grant]]` applies \
            to every issuer, `[[issuer.grant]]` to the issuer above it.",
        keys: &[
            key(
                "claim",
                "string or list",
                "required",
                "Name of the claim, or the path to it through objects as a list",
            ),
            key("values", "list of strings", "required", "Values, one of which the claim must contain"),
            key(
                "gives",
                "string",
                "required",
                "`GLOBAL_ADMIN`, `INTUNE_SERVICE_ADMIN`, `AUDIT_READER`, `RECORD` (the permission to record) or `ADMINISTER` \
                 (the permission to manage the tenant's API keys)",
            ),
            key("services", "list of strings", "all that the role can read", "Services that the role can read"),
        ],
    },
    TableReference {
        header: "[sign_in]",
        meaning: "The OpenID Connect issuer at which the viewer signs in. It replaces the settings \
            `AUDITGRAPH_OIDC_...`.",
        keys: &[
            key("issuer", "string", "required", "URL of the issuer"),
            key("client_id", "string", "required", "Client id of the viewer"),
            key("scopes", "list of strings", "`[]`", "Token scopes to request in addition to `openid`"),
            key("origins", "list of strings", "`[]`", "Origins of endpoints that differ from the issuer's origin"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::super::ConfigFile;
    use super::*;

    /// The keys that the parser accepts in a table, as its error for an unknown key lists them.
    fn accepted_keys(header: &str) -> Vec<String> {
        let (_, reason) = ConfigFile::parse(&format!("{header}\nunknown = 1")).unwrap_err();
        let (_, expected) = reason.split_once("expected").unwrap_or_else(|| panic!("{reason}"));
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_is_in_the_reference() {
        for table in TABLES {
            let mut documented: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
            let mut accepted = accepted_keys(table.header);
            documented.sort_unstable();
            accepted.sort_unstable();
            assert_eq!(documented, accepted, "{}", table.header);
        }
    }
}
