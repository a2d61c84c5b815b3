//! `auditgraph tenant`: adds, lists, renames and disables tenants.

use anyhow::ensure;

use super::operate::must_be_there;
use super::{new_id, open_for_operator, printable};
use crate::config::{TenantAct, TenantCommand};
use store::Tenant;

/// The most bytes of a tenant's key and of its display name.
const NAME_BYTES_MAX: usize = 200;
/// The most bytes of a domain name and of a part of it (RFC 1035).
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// `auditgraph tenant`. Returns the lines to print.
pub async fn tenant(command: &TenantCommand) -> anyhow::Result<Vec<String>> {
    check(&command.act)?;
    if !matches!(command.act, TenantAct::Add { .. }) {
        must_be_there(&command.database)?;
    }
    let store = open_for_operator(&command.database).await?;
    match &command.act {
        TenantAct::Add { key, name, domains } => {
            store.add_tenant(key, name.as_ref().unwrap_or(key), domains, new_id()).await?;
        }
        TenantAct::List => return Ok(store.tenants().await?.iter().map(line).collect()),
        TenantAct::Rename { key, name, domains } => store.rename_tenant(key, name, domains).await?,
        TenantAct::Disable { key, undo } => store.disable_tenant(key, !undo).await?,
    }
    Ok(Vec::new())
}

/// A tenant as it is listed, on one line whatever it is called.
fn line(tenant: &Tenant) -> String {
    let state = if tenant.is_disabled { "disabled" } else { "enabled" };
    let domains: Vec<String> = tenant.domains.iter().map(|domain| printable(domain)).collect();
    let [key, name] = [&tenant.key, &tenant.display_name].map(|text| printable(text));
    format!("{key}\t{name}\t{state}\t{}", domains.join(","))
}

/// Checks what a tenant is to be called, before anything is opened.
fn check(act: &TenantAct) -> anyhow::Result<()> {
    match act {
        TenantAct::Add { key, name, domains } => {
            check_key(key)?;
            name.iter().try_for_each(|name| check_name(name))?;
            domains.iter().try_for_each(|domain| check_domain(domain))
        }
        TenantAct::Rename { key: _, name, domains } => {
            check_name(name)?;
            domains.iter().try_for_each(|domain| check_domain(domain))
        }
        TenantAct::List | TenantAct::Disable { .. } => Ok(()),
    }
}

pub(super) fn check_key(key: &str) -> anyhow::Result<()> {
    ensure!(
        is_name(key),
        "a tenant's key has 1 to {NAME_BYTES_MAX} bytes, no control characters, and no blanks around it"
    );
    Ok(())
}

fn check_name(name: &str) -> anyhow::Result<()> {
    ensure!(
        is_name(name),
        "a tenant's display name has 1 to {NAME_BYTES_MAX} bytes, no control characters, and no blanks around it"
    );
    Ok(())
}

fn check_domain(domain: &str) -> anyhow::Result<()> {
    ensure!(
        is_domain(domain),
        "a tenant's domain is a domain name of at most {DOMAIN_BYTES_MAX} bytes, like `contoso.example`: letters, \
         digits and hyphens between single dots (what has other letters is written as `xn--...`), not `{}`",
        printable(domain)
    );
    Ok(())
}

/// Whether a text can be a name on one line that cannot be mistaken for another.
fn is_name(text: &str) -> bool {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.trim() == text && !text.contains(breaks)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= DOMAIN_BYTES_MAX && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_domain_name() {
        let label = "a".repeat(LABEL_BYTES_MAX);
        let long = [&*label, &label, &label, &label[2..]].join(".");
        for good in ["contoso.example", "c-1.EXAMPLE", "xn--mnchen-3ya.de", &long] {
            assert!(is_domain(good), "{good}");
        }
        let (label, name) = (format!("{label}a.de"), format!("a{long}"));
        for wrong in
            ["", ".", "a..b", "a.", ".a", "a b", "a\tb", "a\n", "-a.de", "a-.de", "m\u{fc}nchen.de", &label, &name]
        {
            assert!(!is_domain(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_name_is_on_one_line() {
        for good in ["Contoso", "Contoso & Söhne", &"n".repeat(NAME_BYTES_MAX)] {
            assert!(is_name(good), "{good}");
        }
        for wrong in ["", " ", " a", "a\tb\nc", "a\u{2028}b", "a\u{0}", &"n".repeat(NAME_BYTES_MAX + 1)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
