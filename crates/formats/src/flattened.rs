//! Records whose nested members were flattened into columns, such as `InitiatedBy_user_id`, `initiatedBy.user.id` or
//! `targetResources[0].id`.

use std::collections::HashMap;

use super::source_record::JsonCursor;
use super::value::{ValueEncoding, change_of, changes_by_name};
use model::event::{CHANGES_MAX, TARGETS_MAX};
use model::{Actor, ActorApplication, ActorKind, ModifiedProperty, Target};

/// The columns of a record that start with the name of a nested member.
pub(super) struct FlattenedColumns<'a> {
    by_path: HashMap<String, &'a JsonCursor<'a>>,
}

impl<'a> FlattenedColumns<'a> {
    /// Returns the columns that belong to a nested member. Separators and letter case do not matter.
    pub(super) fn of(record: &'a JsonCursor<'a>, member: &str) -> Self {
        let prefix = path(member);
        let columns = record.members().iter().map(|(key, cursor)| (path(key), cursor));
        Self { by_path: columns.filter(|(path, _)| path.len() > prefix.len() && path.starts_with(&prefix)).collect() }
    }

    fn get(&self, column: &str) -> Option<&'a JsonCursor<'a>> {
        self.by_path.get(&path(column)).copied()
    }

    fn take(&self, column: &str) -> Option<String> {
        self.get(column)?.take()
    }

    /// Returns the initiator of a `directoryAudit`.
    pub(super) fn initiator(&self) -> Actor {
        let mut actor = Actor::new(ActorKind::Unknown);
        actor.object_id = self.take("initiatedBy user id");
        actor.user_principal_name = self.take("initiatedBy user userPrincipalName");
        actor.display_name = self.take("initiatedBy user displayName");
        actor.ip_address = self.take("initiatedBy user ipAddress");
        let application = ActorApplication {
            application_id: self.take("initiatedBy app appId"),
            display_name: self.take("initiatedBy app displayName"),
        };
        let is_user =
            [&actor.object_id, &actor.user_principal_name, &actor.display_name].into_iter().any(Option::is_some);
        let is_application = application != ActorApplication::default();
        actor.application = Some(application).filter(|_| is_application);
        if is_user {
            actor.kind = ActorKind::User;
            return actor;
        }
        actor.object_id = self.take("initiatedBy app servicePrincipalId");
        actor.service_principal_name = self.take("initiatedBy app servicePrincipalName");
        if is_application || actor.object_id.is_some() || actor.service_principal_name.is_some() {
            actor.kind = ActorKind::Application;
        }
        actor
    }

    /// Returns the target resources of a `directoryAudit`.
    pub(super) fn targets(&self) -> Vec<Target> {
        let numbered = (0..TARGETS_MAX).map_while(|i| self.target(&format!("targetResources {i}")));
        let targets: Vec<Target> = numbered.collect();
        if targets.is_empty() { self.target("targetResources").into_iter().collect() } else { targets }
    }

    fn target(&self, columns: &str) -> Option<Target> {
        let take = |name: &str| self.take(&format!("{columns} {name}"));
        let mut target = Target {
            object_id: take("id"),
            user_principal_name: take("userPrincipalName"),
            display_name: take("displayName"),
            kind: take("type"),
            ..Target::default()
        };
        target.modified_properties = self.changes(&format!("{columns} modifiedProperties"));
        (target != Target::default()).then_some(target)
    }

    fn changes(&self, columns: &str) -> Vec<ModifiedProperty> {
        if let Some(list) = self.get(columns) {
            return changes_by_name(list, ValueEncoding::JsonString);
        }
        let change = |i: usize| {
            let part = |name: &str| self.get(&format!("{columns} {i} {name}"));
            let name = part("displayName")?.take()?;
            change_of(&name, part("oldValue"), part("newValue"), ValueEncoding::JsonString)
        };
        (0..CHANGES_MAX).map_while(change).collect()
    }
}

/// Returns the letters and digits of a column.
fn path(column: &str) -> String {
    column.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
