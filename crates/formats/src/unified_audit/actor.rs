//! The actor of a unified audit record.

use super::super::source_record::JsonCursor;
use super::super::value::{detail, is_guid};
use super::identity::{self, IdentityList, prefixed};
use model::{Actor, ActorApplication, ActorKind, Detail};

/// The name in `UserId` of an application of `SharePoint` that acts with its own permissions.
const SHAREPOINT_APPLICATION: &str = "app@sharepoint";

/// Reads the actor.
pub(super) fn actor(record: &JsonCursor, details: &[Detail]) -> Actor {
    let identity = IdentityList::of(record.list("Actor"));
    let user_id = record.str_at("UserId");
    let user_key = record.str_at("UserKey");
    let aad_application_id = record.str_at("AadAppId");
    let mut actor = Actor::new(kind(record, &identity, [&user_id, &user_key, &aad_application_id]));
    let keyed = user_key.as_deref().and_then(application_in_key);
    let application_ids =
        ["ApplicationId", "AppAccessContext.ClientAppId", "ClientAppId", "AppId", "AzureActiveDirectoryAppId"];
    let application_names =
        ["ApplicationDisplayName", "AppAccessContext.ClientAppName", "AppDisplayName", "ClientApplication"];
    let mut application = ActorApplication {
        application_id: record
            .take_first(&application_ids)
            .or(aad_application_id)
            .or(identity.application_id)
            .or_else(|| keyed.map(str::to_owned)),
        display_name: record.take_first(&application_names),
    };
    actor.object_id = identity.object_id;
    actor.service_principal_name = identity.service_principal_name;
    match actor.kind {
        ActorKind::System => {
            let named = user_id.clone().or_else(|| user_key.clone()).filter(|id| !is_guid(id));
            actor.display_name = identity.name.or(named);
        }
        ActorKind::Application => {
            let named = user_id.clone().filter(|id| !is_guid(id) && prefixed(id).is_none());
            let is_sharepoint = named.as_deref().is_some_and(is_sharepoint_application);
            if is_sharepoint {
                actor.service_principal_name.clone_from(&named);
            }
            let named = named.filter(|name| !is_sharepoint && !name.contains('@'));
            application.display_name = application.display_name.or(identity.name).or(named);
        }
        _ => application.display_name = application.display_name.or(identity.name),
    }
    let application_id = application.application_id.clone();
    actor.application = (application != ActorApplication::default()).then_some(application);
    add_user_id(&mut actor, identity.upn, user_id, user_key, application_id.as_deref());
    take_carried(record, &actor);
    // In a mailbox record, `ClientIPAddress` is that of the device, and `ClientIP` that of a server in between.
    let addresses = ["ActorIpAddress", "ClientIPAddress", "ClientIP", "ActorIP"];
    actor.ip_address = addresses.iter().find_map(|key| record.str_at(key));
    for key in addresses {
        record.take_equal(key, &[actor.ip_address.as_ref()]);
    }
    let agent = detail(details, "UserAgent").or_else(|| detail(details, "User-Agent"));
    actor.user_agent = record.take_at("UserAgent").or(agent);
    actor
}

/// Takes the names and ids of which the actor carries the value.
fn take_carried(record: &JsonCursor, actor: &Actor) {
    let application = actor.application.as_ref();
    let carried = [
        actor.user_principal_name.as_ref(),
        actor.object_id.as_ref(),
        actor.display_name.as_ref(),
        actor.service_principal_name.as_ref(),
        application.and_then(|application| application.application_id.as_ref()),
        application.and_then(|application| application.display_name.as_ref()),
    ];
    identity::take_carried(record.list("Actor"), &carried);
    for key in ["UserId", "UserKey", "AadAppId"] {
        record.take_equal(key, &carried);
    }
}

/// Returns the kind of actor: what its identities state, else what the name and `UserType` state.
fn kind(record: &JsonCursor, identity: &IdentityList, names: [&Option<String>; 3]) -> ActorKind {
    let [user_id, user_key, aad_application_id] = names.map(Option::as_deref);
    let user_type = record.str_at("UserType").unwrap_or_default().to_ascii_lowercase();
    let sort = identity.sort.as_deref().unwrap_or_default().to_ascii_lowercase();
    let name = user_id.or(user_key).unwrap_or_default();
    let has_principal_name = identity.upn.is_some() || user_id.is_some_and(|id| id.contains('@'));
    match (sort.as_str(), user_type.as_str()) {
        ("serviceprincipal" | "application", _) => ActorKind::Application,
        _ if is_sharepoint_application(name) || name.to_ascii_lowercase().starts_with("serviceprincipal_") => {
            ActorKind::Application
        }
        _ if is_system_account(name) => ActorKind::System,
        ("", "5" | "6" | "application" | "serviceprincipal") => ActorKind::Application,
        ("user", _) => ActorKind::User,
        _ if has_principal_name => ActorKind::User,
        // An application acted by itself if the record names it and no person.
        _ if aad_application_id.is_some() && user_id.is_none_or(is_guid) => ActorKind::Application,
        // Datacenter accounts, systems, and policies.
        (_, "3" | "4" | "7" | "8" | "dcadmin" | "system" | "custompolicy" | "systempolicy") => ActorKind::System,
        _ if aad_application_id.is_some() => ActorKind::Application,
        _ if user_id.is_some() || identity.object_id.is_some() => ActorKind::User,
        _ => ActorKind::Unknown,
    }
}

fn is_sharepoint_application(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case(SHAREPOINT_APPLICATION)
}

/// Whether a name is that of an account of the operating system or of a service: `NT AUTHORITY\SYSTEM (...)`,
/// `SHAREPOINT\system`.
fn is_system_account(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let Some((domain, account)) = name.split_once('\\') else { return name == "system" };
    let account = account.split(['(', ' ']).next().unwrap_or_default();
    matches!(domain.trim(), "nt authority" | "nt service" | "iis apppool" | "window manager")
        || matches!(account, "system" | "localsystem" | "local service" | "network service")
}

/// Returns the application in a key of `SharePoint`: `i:0i.t|<application id>|app@sharepoint`.
fn application_in_key(user_key: &str) -> Option<&str> {
    let (rest, name) = user_key.rsplit_once('|')?;
    let (_, id) = rest.rsplit_once('|')?;
    let id = id.split('@').next().unwrap_or_default();
    (is_sharepoint_application(name) && is_guid(id)).then_some(id)
}

/// Adds `UserId`, which is a principal name, an id or the name of a system, and `UserKey`, which may be an id.
fn add_user_id(
    actor: &mut Actor,
    upn: Option<String>,
    user_id: Option<String>,
    user_key: Option<String>,
    application_id: Option<&str>,
) {
    let is_object_id = |id: &str| is_guid(id) && !application_id.is_some_and(|known| known.eq_ignore_ascii_case(id));
    if let Some((_, id)) = user_id.as_deref().and_then(prefixed) {
        actor.object_id.get_or_insert_with(|| id.to_owned());
    } else if user_id.as_deref().is_some_and(is_object_id) && actor.object_id.is_none() {
        actor.object_id.clone_from(&user_id);
    }
    if actor.kind == ActorKind::User {
        let named = user_id.filter(|id| !is_guid(id) && prefixed(id).is_none());
        actor.user_principal_name = upn.or(named);
    }
    if let Some(key) = user_key.filter(|key| is_object_id(key) && actor.object_id.is_none()) {
        actor.object_id = Some(key);
    }
}
