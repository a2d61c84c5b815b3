//! The sign-in configuration of the viewer, from the options or the configuration file.

use crate::config;
use crate::config::file::{ConfigFile, NonBlankString};
use crate::http::SignIn;

/// Returns the sign-in configuration. Fails if it is incomplete, or set in both the options and the file.
pub(super) fn sign_in(options: &config::SignInSettings, file: &ConfigFile) -> anyhow::Result<SignIn> {
    let strings = |list: &[NonBlankString]| list.iter().map(|string| string.as_str().to_owned()).collect();
    let (issuer, client_id, scopes, origins): (_, _, Vec<String>, Vec<String>) = if let Some(section) = &file.sign_in {
        (
            Some(section.issuer.as_str()),
            Some(section.client_id.as_str()),
            strings(&section.scopes),
            strings(&section.origins),
        )
    } else {
        let config::SignInSettings { oidc_issuer, oidc_client_id, oidc_scopes, oidc_origins } = options;
        (oidc_issuer.as_deref(), oidc_client_id.as_deref(), oidc_scopes.clone(), oidc_origins.clone())
    };
    anyhow::ensure!(
        file.sign_in.is_none() || options.oidc_issuer.is_none() && options.oidc_client_id.is_none(),
        "the configuration file has `[sign_in]` and AUDITGRAPH_OIDC_ISSUER or AUDITGRAPH_OIDC_CLIENT_ID is set too: \
         keep one"
    );
    let invalid = |reason: String| anyhow::anyhow!("sign-in to the viewer: {reason}");
    match (issuer, client_id) {
        (Some(issuer), Some(client_id)) => {
            let origins =
                origins.iter().map(|origin| origin.parse()).collect::<Result<_, String>>().map_err(invalid)?;
            SignIn::at(issuer, client_id, &scopes, origins).map_err(invalid)
        }
        (None, None) => Ok(SignIn::default()),
        _ => anyhow::bail!(
            "sign-in to the viewer needs an issuer and a client id: set both AUDITGRAPH_OIDC_ISSUER and \
             AUDITGRAPH_OIDC_CLIENT_ID, or neither"
        ),
    }
}
