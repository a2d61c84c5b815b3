//! `auditgraph tenant`: adds, lists, renames and disables tenants.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use super::output::{print_line, printable};
use crate::config::{TenantAction, TenantArgs, without_password};
use crate::database;
use crate::system::new_id;
use store::Tenant;

/// The most bytes of a tenant's key and of its display name.
const NAME_BYTES_MAX: usize = 200;
/// The most bytes of a domain name and of one of its labels (RFC 1035).
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

pub(super) async fn run(command: &TenantArgs) -> anyhow::Result<ExitCode> {
    check(&command.action)?;
    if !matches!(command.action, TenantAction::Add { .. }) {
        database::ensure_exists(&command.database)?;
    }
    let is_new = database::ensure_exists(&command.database).is_err();
    let store = database::open_or_create(&command.database).await?;
    let url = without_password(command.database.url());
    if is_new {
        print_line(&format!("created the log {url}"));
    }
    let done = match &command.action {
        TenantAction::Add { key, name, domains } => {
            let name = name.as_ref().unwrap_or(key);
            store.add_tenant(key, name, domains, new_id()).await?;
            format!("added tenant `{key}` ({name}) to {url}")
        }
        TenantAction::List => {
            store.tenants().await?.iter().for_each(|tenant| print_line(&line(tenant)));
            return Ok(ExitCode::SUCCESS);
        }
        TenantAction::Rename { key, new_name, name, domains } => {
            let tenant = store.tenant(key).await?.with_context(|| format!("there is no tenant `{key}`"))?;
            let name = new_name.as_ref().or(name.as_ref()).unwrap_or(&tenant.display_name);
            store.rename_tenant(key, name, domains).await?;
            let domains = if domains.is_empty() { &tenant.domains } else { domains };
            format!("tenant `{key}` is now {name}, domains: {}", listed(domains))
        }
        TenantAction::Disable { key, undo } => {
            store.disable_tenant(key, !undo).await?;
            format!("tenant `{key}` is now {}", if *undo { "enabled" } else { "disabled" })
        }
    };
    print_line(&printable(&done));
    Ok(ExitCode::SUCCESS)
}

/// Lists domains in a sentence.
fn listed(domains: &[String]) -> String {
    if domains.is_empty() { "none".to_owned() } else { domains.join(", ") }
}

/// Formats a tenant as one line: key, name, state and domains, separated by tabs.
fn line(tenant: &Tenant) -> String {
    let state = if tenant.is_disabled { "disabled" } else { "enabled" };
    let domains: Vec<String> = tenant.domains.iter().map(|domain| printable(domain)).collect();
    let [key, name] = [&tenant.key, &tenant.display_name].map(|string| printable(string));
    format!("{key}\t{name}\t{state}\t{}", domains.join(","))
}

/// Checks key, name and domains before the log is opened.
fn check(action: &TenantAction) -> anyhow::Result<()> {
    match action {
        TenantAction::Add { key, name, domains } => {
            check_key(key)?;
            name.iter().try_for_each(|name| check_name(name))?;
            domains.iter().try_for_each(|domain| check_domain(domain))
        }
        TenantAction::Rename { key: _, new_name, name, domains } => {
            let is_change = new_name.is_some() || name.is_some() || !domains.is_empty();
            ensure!(is_change, "nothing to change: give a NAME, or --domain");
            new_name.iter().chain(name).try_for_each(|name| check_name(name))?;
            domains.iter().try_for_each(|domain| check_domain(domain))
        }
        TenantAction::List | TenantAction::Disable { .. } => Ok(()),
    }
}

/// Checks the key of a tenant to add.
pub(super) fn check_key(key: &str) -> anyhow::Result<()> {
    ensure!(
        is_name(key),
        "a tenant's key has 1 to {NAME_BYTES_MAX} bytes, no control characters and no white space around it"
    );
    Ok(())
}

fn check_name(name: &str) -> anyhow::Result<()> {
    ensure!(
        is_name(name),
        "a tenant's display name has 1 to {NAME_BYTES_MAX} bytes, no control characters and no white space around it"
    );
    Ok(())
}

fn check_domain(domain: &str) -> anyhow::Result<()> {
    ensure!(
        is_domain(domain),
        "a tenant's domain is a domain name of at most {DOMAIN_BYTES_MAX} bytes, like `contoso.example`: letters, \
         digits and hyphens between single dots (names with other letters are written as `xn--...`), not `{}`",
        printable(domain)
    );
    Ok(())
}

/// Whether a string is 1 to `NAME_BYTES_MAX` bytes on one line, without white space around it.
fn is_name(name: &str) -> bool {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.trim() == name && !name.contains(breaks)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= DOMAIN_BYTES_MAX && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_is_a_domain_name() {
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
    fn name_is_on_one_line() {
        for good in ["Contoso", "Contoso & Söhne", &"n".repeat(NAME_BYTES_MAX)] {
            assert!(is_name(good), "{good}");
        }
        for wrong in ["", " ", " a", "a\tb\nc", "a\u{2028}b", "a\u{0}", &"n".repeat(NAME_BYTES_MAX + 1)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
