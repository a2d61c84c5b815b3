//! Where stories are told: the tenant, a clock, chance, and the events that came of it.
//!
//! A [`Draft`] is an event without key and time; the stage gives it both, and ties the drafts of one request together.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::tenant::{AdminTeam, DemoTenant, code, guid};
use model::time::SECOND;
use model::{
    Actor, ActorApplication, ActorKind, Detail, EventBody, GroupSource, Json, ModifiedProperty, OperationType,
    Recording, RecordingRoute, ResourceType, Status, Target, Timestamp,
};

/// The services that log.
pub(super) const DIRECTORY: &str = "Core Directory";
/// Intune, by every route.
pub(super) const INTUNE: &str = "Microsoft Intune";
/// The Cloud PCs.
pub(super) const WINDOWS_365: &str = "Windows 365";
/// The company's own application.
pub(super) const PAYROLL: &str = "Contoso Payroll";
/// The application that administrators use Intune with.
const INTUNE_PORTAL: (&str, &str) = ("5926fc8e-304e-4f59-8bed-58ca97cc39a4", "Microsoft Intune portal extension");
/// The same for Cloud PCs.
const CLOUD_PC_PORTAL: (&str, &str) = ("69cc3193-b6c4-4172-98e5-ed0f38ab3ff8", "Windows 365 Ibiza Extension");

/// Everything that a story needs.
#[derive(Debug)]
pub(super) struct Generator {
    pub(super) rng: Rng,
    pub(super) tenant: DemoTenant,
    now: Timestamp,
    clock: Timestamp,
    serial: u64,
    pending: BTreeMap<(Timestamp, u64), EventBody>,
}

impl Generator {
    pub(super) fn new(mut rng: Rng, now: Timestamp) -> Self {
        let tenant = DemoTenant::new(&mut rng);
        Self { rng, tenant, now, clock: now, serial: 0, pending: BTreeMap::new() }
    }

    /// Sets the clock to the beginning of a story.
    pub(super) fn begin(&mut self, moment: Timestamp) {
        self.clock = moment;
    }

    /// Takes the oldest event, unless something may still happen before it.
    pub(super) fn take_until(&mut self, moment: Option<Timestamp>) -> Option<EventBody> {
        let (&(first, _), _) = self.pending.first_key_value()?;
        if moment.is_some_and(|moment| moment < first) {
            return None;
        }
        self.pending.pop_first().map(|(_, event)| event)
    }

    /// Lets up to so many seconds pass.
    pub(super) fn advance(&mut self, seconds_max: i64) {
        self.clock = self.clock.plus(self.rng.i64(SECOND / 50..=seconds_max * SECOND)).min(self.now);
    }

    /// The time as the directory writes it into values.
    pub(super) fn timestamp(&self) -> String {
        self.timestamp_before(0)
    }

    /// The same for a moment so many minutes ago.
    pub(super) fn timestamp_before(&self, minutes: i64) -> String {
        let text = self.clock.plus(-minutes * 60 * SECOND).to_string();
        format!("{}Z", text.get(..19).unwrap_or(&text))
    }

    /// Chance: true so many times in a hundred.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    /// One of several.
    pub(super) fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())]
    }

    /// Records the first so many of these, as parts of one request.
    pub(super) fn emit(&mut self, count: usize, events: Vec<DemoEvent>) {
        let correlation = guid(&mut self.rng);
        for event in events.into_iter().take(count) {
            self.record(event, &correlation);
            self.advance(2);
        }
    }

    /// Records one event as a request of its own.
    pub(super) fn emit_one(&mut self, event: DemoEvent) {
        self.emit(1, vec![event]);
    }

    fn record(&mut self, DemoEvent(mut event): DemoEvent, correlation: &str) {
        self.serial += 1;
        // The number grows by more than what is added by chance, so no key repeats.
        let number = 10_000_000 + self.serial * 8 + self.rng.u64(0..8);
        event.event_key = match event.service.as_str() {
            INTUNE | WINDOWS_365 => guid(&mut self.rng),
            PAYROLL => format!("payroll-{number}-{}", code(5, &mut self.rng)),
            service => {
                let prefix = match service {
                    DIRECTORY => "Directory",
                    "Conditional Access" => "IPCGraph",
                    "Self-service Group Management" => "SSGM",
                    "Account Provisioning" => "Sync",
                    other => other,
                };
                format!("{prefix}_{correlation}_{}_{number}", code(5, &mut self.rng))
            }
        };
        event.occurred_at = self.clock;
        event.correlation_id.get_or_insert_with(|| correlation.to_owned());
        self.pending.insert((self.clock, self.serial), event);
    }

    /// An administrator who acts by the directory's services.
    pub(super) fn administrator(&mut self, team: AdminTeam) -> Actor {
        let person = self.tenant.administrator(team, &mut self.rng);
        person.actor()
    }

    /// An administrator in the portal of Intune; the address is never logged there.
    pub(super) fn endpoint_administrator(&mut self, permission: &str) -> Actor {
        self.portal_user(INTUNE_PORTAL, permission)
    }

    /// An administrator in the portal of Cloud PCs.
    pub(super) fn cloud_pc_administrator(&mut self) -> Actor {
        self.portal_user(CLOUD_PC_PORTAL, "CloudPC.ReadWrite.All")
    }

    fn portal_user(&mut self, (id, name): (&str, &str), permission: &str) -> Actor {
        let team = if self.chance(25) { AdminTeam::Help } else { AdminTeam::Endpoint };
        let person = self.tenant.administrator(team, &mut self.rng);
        let mut actor = Actor::new(ActorKind::User);
        actor.object_id = Some(person.id);
        actor.user_principal_name = Some(person.upn);
        let application = ActorApplication { application_id: Some(id.to_owned()), display_name: Some(name.to_owned()) };
        actor.application = Some(application);
        actor.permissions = vec![if team == AdminTeam::Endpoint { "*".to_owned() } else { permission.to_owned() }];
        actor
    }

    /// One of Microsoft's machines.
    pub(super) fn microsoft_service(&self, name: &str) -> Actor {
        let microsoft_service = self.tenant.microsoft_service(name);
        let mut actor = Actor::new(microsoft_service.kind);
        actor.object_id = Some(microsoft_service.principal_id.clone());
        if microsoft_service.kind == ActorKind::Application {
            let display_name = Some(microsoft_service.name.to_owned());
            actor.application = Some(ActorApplication { application_id: None, display_name });
        } else {
            actor.display_name = Some(microsoft_service.name.to_owned());
        }
        actor
    }
}

/// An event without key and time.
#[derive(Clone, Debug)]
pub(super) struct DemoEvent(EventBody);

impl DemoEvent {
    pub(super) fn new(
        service: &str,
        category: &str,
        activity: &str,
        operation_type: OperationType,
        resource_type: ResourceType,
    ) -> Self {
        Self(EventBody {
            event_key: String::new(),
            occurred_at: Timestamp(0),
            activity: activity.to_owned(),
            activity_display_name: activity.trim().to_owned(),
            category: category.to_owned(),
            service: service.to_owned(),
            component: None,
            operation_type,
            resource_type,
            group_source: None,
            status: Status::Success,
            status_reason: None,
            status_reason_is_sensitive: false,
            correlation_id: None,
            actor: Actor::new(ActorKind::Unknown),
            targets: Vec::new(),
            additional_details: Vec::new(),
            unmapped: None,
            unmapped_is_sensitive: false,
            recording: Recording {
                route: RecordingRoute::Import,
                recorded_by: "demo".to_owned(),
                client_id: None,
                source: None,
                source_tenant_id: None,
            },
        })
    }

    /// An event of the directory itself.
    pub(super) fn directory(category: &str, activity: &str, operation: OperationType, resource: ResourceType) -> Self {
        Self::new(DIRECTORY, category, activity, operation, resource)
    }

    /// Sets who did it. What the directory knows of the client is a detail there.
    pub(super) fn by(mut self, actor: &Actor) -> Self {
        self.0.actor = actor.clone();
        if self.0.service == DIRECTORY
            && let Some(user_agent) = &actor.user_agent
        {
            self = self.note("User-Agent", user_agent);
        }
        self
    }

    /// Adds a target.
    pub(super) fn on(self, target: Target) -> Self {
        self.on_changed(target, Vec::new())
    }

    /// Adds a target that changed.
    pub(super) fn on_changed(mut self, mut target: Target, changes: Vec<ModifiedProperty>) -> Self {
        target.modified_properties = changes;
        self.0.targets.push(target);
        self
    }

    /// Adds a detail.
    pub(super) fn note(mut self, key: &str, value: &str) -> Self {
        self.0.additional_details.push(Detail::new(key, Some(value.to_owned())));
        self
    }

    /// Says in which part of a service it happened, and how people call it.
    pub(super) fn shown_as(mut self, component: &str, title: &str) -> Self {
        self.0.component = Some(component.to_owned());
        title.clone_into(&mut self.0.activity_display_name);
        self
    }

    /// Says where the group comes from.
    pub(super) fn of_source(mut self, source: GroupSource) -> Self {
        self.0.group_source = Some(source);
        self
    }

    /// Says how it ended, and why.
    pub(super) fn ended(mut self, status: Status, reason: &str) -> Self {
        self.0.status = status;
        self.0.status_reason = Some(reason.to_owned());
        self
    }

    /// Says that it failed, and why.
    pub(super) fn failed(self, reason: &str) -> Self {
        self.ended(Status::Failure, reason)
    }
}

/// A value as a JSON string; an empty one stands for "no value".
pub(super) fn text(value: &str) -> Option<Json> {
    (!value.is_empty()).then(|| Json::string(value))
}

/// A value as the directory writes it: in a list of its own.
pub(super) fn list(value: &str) -> Option<Json> {
    if value.is_empty() { None } else { json(&format!("[{}]", Json::string(value).text())) }
}

/// A value that is JSON already, without white space.
pub(super) fn json(value: &str) -> Option<Json> {
    serde_json::from_str(value).ok()
}

/// A change of a directory object's property.
pub(super) fn listed(name: &str, before: &str, after: &str) -> ModifiedProperty {
    ModifiedProperty::new(name, list(before), list(after))
}

/// A change as Intune writes it: plain text.
pub(super) fn plain(name: &str, before: &str, after: &str) -> ModifiedProperty {
    ModifiedProperty::new(name, text(before), text(after))
}
