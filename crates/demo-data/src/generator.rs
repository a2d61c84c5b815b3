//! The state of the generation: the tenant, a simulated clock, the random numbers, and the events generated so far.
//!
//! A [`DemoEvent`] has neither key nor time; the generator adds both, and a correlation id for the events of one request.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::tenant::{AdminTeam, DemoTenant, code, guid};
use model::catalogue::catalogue;
use model::time::SECOND;
use model::{
    Actor, ActorApplication, ActorKind, Detail, EventBody, GroupSource, Json, ModifiedProperty, OperationType,
    Recording, RecordingRoute, ResourceType, Status, Target, Timestamp,
};

/// The directory.
pub(super) const DIRECTORY: &str = "Core Directory";
/// Intune.
pub(super) const INTUNE: &str = "Microsoft Intune";
/// Windows 365.
pub(super) const WINDOWS_365: &str = "Windows 365";
/// The company's payroll application.
pub(super) const PAYROLL: &str = "Contoso Payroll";
/// The client application of Intune administrators.
const INTUNE_PORTAL: (&str, &str) = ("5926fc8e-304e-4f59-8bed-58ca97cc39a4", "Microsoft Intune portal extension");
/// The client application of Cloud PC administrators.
const CLOUD_PC_PORTAL: (&str, &str) = ("69cc3193-b6c4-4172-98e5-ed0f38ab3ff8", "Windows 365 Ibiza Extension");

/// The state that scenarios use and change.
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

    /// Sets the clock to the start of a scenario.
    pub(super) fn begin(&mut self, time: Timestamp) {
        self.clock = time;
    }

    /// Removes and returns the oldest event, unless a scenario that starts at `time` may generate an earlier one.
    pub(super) fn take_until(&mut self, time: Option<Timestamp>) -> Option<EventBody> {
        let (&(first, _), _) = self.pending.first_key_value()?;
        if time.is_some_and(|time| time < first) {
            return None;
        }
        self.pending.pop_first().map(|(_, event)| event)
    }

    /// Advances the clock by a random time of at most `seconds_max`.
    pub(super) fn advance(&mut self, seconds_max: i64) {
        self.clock = self.clock.plus(self.rng.i64(SECOND / 50..=seconds_max * SECOND)).min(self.now);
    }

    /// Returns the current time in the notation of directory values.
    pub(super) fn timestamp(&self) -> String {
        self.timestamp_before(0)
    }

    /// Returns the time `minutes` ago in the notation of directory values.
    pub(super) fn timestamp_before(&self, minutes: i64) -> String {
        let text = self.clock.plus(-minutes * 60 * SECOND).to_string();
        format!("{}Z", text.get(..19).unwrap_or(&text))
    }

    /// Returns `true` with a probability in percent.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    /// Returns a random element.
    pub(super) fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())]
    }

    /// Emits the first `count` events, as parts of one request.
    pub(super) fn emit(&mut self, count: usize, events: Vec<DemoEvent>) {
        let correlation = guid(&mut self.rng);
        for event in events.into_iter().take(count) {
            self.record(event, &correlation);
            self.advance(2);
        }
    }

    /// Emits one event as a separate request.
    pub(super) fn emit_one(&mut self, event: DemoEvent) {
        self.emit(1, vec![event]);
    }

    fn record(&mut self, DemoEvent(mut event): DemoEvent, correlation: &str) {
        self.serial += 1;
        // The increment exceeds the random part, so keys are unique.
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

    /// Returns an administrator in the directory.
    pub(super) fn administrator(&mut self, team: AdminTeam) -> Actor {
        let person = self.tenant.administrator(team, &mut self.rng);
        person.actor()
    }

    /// Returns an administrator in the Intune portal, which logs no IP addresses.
    pub(super) fn endpoint_administrator(&mut self, permission: &str) -> Actor {
        self.portal_user(INTUNE_PORTAL, permission)
    }

    /// Returns an administrator in the Cloud PC portal.
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

    /// Returns a Microsoft service as an actor.
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
        // The types of a catalogued activity are the same by every route.
        let known = catalogue().find(service, category, activity);
        let (operation_type, resource_type) =
            known.map_or((operation_type, resource_type), |entry| (entry.operation_type, entry.resource_type));
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
                issuer: None,
                client_id: None,
                source: None,
                source_tenant_id: None,
            },
        })
    }

    /// Creates an event of the directory.
    pub(super) fn directory(category: &str, activity: &str, operation: OperationType, resource: ResourceType) -> Self {
        Self::new(DIRECTORY, category, activity, operation, resource)
    }

    /// Sets the actor. The directory logs the user agent as a detail.
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

    /// Adds a target with changes.
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

    /// Sets the component and the display name.
    pub(super) fn shown_as(mut self, component: &str, title: &str) -> Self {
        self.0.component = Some(component.to_owned());
        title.clone_into(&mut self.0.activity_display_name);
        self
    }

    /// Sets the source of the group.
    pub(super) fn of_source(mut self, source: GroupSource) -> Self {
        self.0.group_source = Some(source);
        self
    }

    /// Sets the status and the reason.
    pub(super) fn ended(mut self, status: Status, reason: &str) -> Self {
        self.0.status = status;
        self.0.status_reason = Some(reason.to_owned());
        self
    }

    /// Sets the status to failure, with the reason.
    pub(super) fn failed(self, reason: &str) -> Self {
        self.ended(Status::Failure, reason)
    }
}

/// Returns a JSON string, or `None` if it is empty.
pub(super) fn text(value: &str) -> Option<Json> {
    (!value.is_empty()).then(|| Json::string(value))
}

/// Returns a value in the encoding of the directory: a list of one element.
pub(super) fn list(value: &str) -> Option<Json> {
    if value.is_empty() { None } else { json(&format!("[{}]", Json::string(value).text())) }
}

/// Parses compact JSON.
pub(super) fn json(value: &str) -> Option<Json> {
    serde_json::from_str(value).ok()
}

/// Returns a property change in the encoding of the directory.
pub(super) fn listed(name: &str, before: &str, after: &str) -> ModifiedProperty {
    ModifiedProperty::new(name, list(before), list(after))
}

/// Returns a property change in the encoding of Intune: plain strings.
pub(super) fn plain(name: &str, before: &str, after: &str) -> ModifiedProperty {
    ModifiedProperty::new(name, text(before), text(after))
}
