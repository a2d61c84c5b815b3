//! From the settings about signing in, in options and in the configuration file, to what is sent to the pages.

use crate::config;
use crate::config::file::{File, Text};
use crate::http::SignIn;

/// Where people sign in.
pub(super) fn sign_in(options: &config::SignIn, file: &File) -> anyhow::Result<SignIn> {
    let texts = |texts: &[Text]| texts.iter().map(|text| text.as_str().to_owned()).collect();
    let (issuer, client_id, scopes, origins): (_, _, Vec<String>, Vec<String>) = if let Some(at) = &file.sign_in {
        (Some(at.issuer.as_str()), Some(at.client_id.as_str()), texts(&at.scopes), texts(&at.origins))
    } else {
        let config::SignIn { oidc_issuer, oidc_client_id, oidc_scopes, oidc_origins } = options;
        (oidc_issuer.as_deref(), oidc_client_id.as_deref(), oidc_scopes.clone(), oidc_origins.clone())
    };
    anyhow::ensure!(
        file.sign_in.is_none() || options.oidc_issuer.is_none() && options.oidc_client_id.is_none(),
        "the configuration file has `[sign_in]` and AUDITGRAPH_OIDC_ISSUER or AUDITGRAPH_OIDC_CLIENT_ID is set too: \
         keep one"
    );
    let wrong = |wrong: String| anyhow::anyhow!("signing in to the viewer: {wrong}");
    match (issuer, client_id) {
        (Some(issuer), Some(client_id)) => {
            let origins = origins.iter().map(|origin| origin.parse()).collect::<Result<_, String>>().map_err(wrong)?;
            SignIn::at(issuer, client_id, &scopes, origins).map_err(wrong)
        }
        (None, None) => Ok(SignIn::default()),
        _ => anyhow::bail!(
            "signing in to the viewer needs an issuer and a client id: set both AUDITGRAPH_OIDC_ISSUER and \
             AUDITGRAPH_OIDC_CLIENT_ID, or neither"
        ),
    }
}
