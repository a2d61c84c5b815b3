//! The current state of the tenant: its people, groups, devices and applications.
//!
//! Scenarios change it in chronological order: a renamed object keeps its id and has its new name in all later events,
//! and an old value is always the new value of the previous change.

use std::collections::HashMap;

use fastrand::Rng;

use super::name;
use super::policy::{self, Policy};
use model::{Actor, ActorKind, GroupSource, Target};

/// The id of the tenant.
pub(super) const TENANT_ID: &str = "c0170500-0d3f-4c5e-9a51-7b1f6e0a2d44";
/// The licences. The index is the bit in [`Person::licences`].
pub(super) const LICENCES: &[(&str, &str)] = &[
    ("SPE_E3", "05e9a617-0261-4cee-bb44-138d3ef5d965"),
    ("SPE_E5", "06ebc4ee-1bb5-47dd-8120-11324bc54e06"),
    ("VISIOCLIENT", "c5928f49-12ba-48f7-ada3-0d743a3601d5"),
    ("CPC_E_2C_8GB_128GB", "226ca751-f0a4-4232-9be5-73c02a92555e"),
];
/// The initial number of people.
const PEOPLE: usize = 260;
/// The initial number of devices.
const DEVICES: usize = 330;

/// A person.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) display_name: String,
    pub(super) upn: String,
    pub(super) employee: u32,
    pub(super) department: &'static str,
    pub(super) title: &'static str,
    pub(super) office: &'static str,
    pub(super) address: String,
    pub(super) user_agent: &'static str,
    /// One bit per element of [`LICENCES`].
    pub(super) licences: u8,
    pub(super) salary: u32,
}

impl Person {
    /// Returns the person as a target in the directory, which rarely logs display names.
    pub(super) fn target(&self) -> Target {
        Target {
            object_id: Some(self.id.clone()),
            user_principal_name: Some(self.upn.clone()),
            kind: Some("User".to_owned()),
            ..Target::default()
        }
    }

    /// Returns the person as an actor in the directory.
    pub(super) fn actor(&self) -> Actor {
        let mut actor = Actor::new(ActorKind::User);
        actor.object_id = Some(self.id.clone());
        actor.user_principal_name = Some(self.upn.clone());
        actor.ip_address = Some(self.address.clone());
        actor.user_agent = Some(self.user_agent.to_owned());
        actor
    }

    /// Returns the person as a target in services that log display names.
    pub(super) fn named_target(&self) -> Target {
        Target { display_name: Some(self.display_name.clone()), ..self.target() }
    }
}

/// A group.
#[derive(Clone, Debug)]
pub(super) struct DirectoryGroup {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) source: GroupSource,
    pub(super) members: Vec<usize>,
}

impl DirectoryGroup {
    pub(super) fn target(&self) -> Target {
        named("Group", &self.id, &self.name)
    }
}

/// A device.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) object_id: String,
    pub(super) registration_id: String,
    pub(super) managed_id: String,
    pub(super) name: String,
    pub(super) system: &'static str,
    pub(super) owner: usize,
    pub(super) is_compliant: bool,
}

impl Device {
    /// Returns the device as a target in the directory.
    pub(super) fn target(&self) -> Target {
        named("Device", &self.object_id, &self.name)
    }

    /// Returns the device as a target in Intune.
    pub(super) fn managed_target(&self) -> Target {
        named("ManagedDevice", &self.managed_id, &self.name)
    }

    /// Returns the trust type.
    pub(super) fn trust(&self) -> &'static str {
        if self.system == "Windows" { "AzureAd" } else { "Workplace" }
    }
}

/// An application: its registration and its service principal.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) object_id: String,
    pub(super) principal_id: String,
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) secrets: u32,
}

impl Application {
    pub(super) fn new(name: &str, rng: &mut Rng) -> Self {
        Self { object_id: guid(rng), principal_id: guid(rng), client_id: guid(rng), name: name.to_owned(), secrets: 1 }
    }

    pub(super) fn target(&self) -> Target {
        Target { application_id: Some(self.client_id.clone()), ..named("Application", &self.object_id, &self.name) }
    }

    pub(super) fn principal_target(&self) -> Target {
        let application_id = Some(self.client_id.clone());
        Target { application_id, ..named("ServicePrincipal", &self.principal_id, &self.name) }
    }
}

/// A Microsoft service that acts in the tenant.
#[derive(Clone, Debug)]
pub(super) struct MicrosoftService {
    pub(super) name: &'static str,
    pub(super) kind: ActorKind,
    pub(super) principal_id: String,
}

/// The Microsoft services and their kinds of actors.
const MICROSOFT_SERVICES: &[(&str, ActorKind)] = &[
    ("Azure AD Cloud Sync", ActorKind::Application),
    ("Intune Compliance Client Prod", ActorKind::Application),
    ("Device Registration Service", ActorKind::Application),
    ("Azure MFA StrongAuthenticationService", ActorKind::Application),
    ("Microsoft Teams Services", ActorKind::Application),
    ("Azure AD PIM", ActorKind::System),
    ("Microsoft Azure AD Group-Based Licensing", ActorKind::System),
    ("Microsoft Invitation Acceptance Portal", ActorKind::Application),
];

/// The teams of administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdminTeam {
    Help,
    Identity,
    Endpoint,
    Security,
    Apps,
}

/// The tenant.
#[derive(Debug)]
pub(super) struct DemoTenant {
    /// All people ever hired. Indices are stable.
    pub(super) people: Vec<Person>,
    /// The indices of current employees.
    pub(super) active: Vec<usize>,
    pub(super) groups: Vec<DirectoryGroup>,
    pub(super) devices: Vec<Device>,
    pub(super) apps: Vec<Application>,
    pub(super) policies: Vec<Policy>,
    microsoft_services: Vec<MicrosoftService>,
    addresses: HashMap<String, u32>,
    projects: usize,
}

impl DemoTenant {
    /// Creates the initial tenant.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let microsoft_services = MICROSOFT_SERVICES
            .iter()
            .map(|&(name, kind)| MicrosoftService { name, kind, principal_id: guid(rng) })
            .collect::<Vec<_>>();
        let mut tenant = Self {
            people: Vec::new(),
            active: Vec::new(),
            groups: Vec::new(),
            devices: Vec::new(),
            apps: name::APPS.iter().map(|name| Application::new(name, rng)).collect(),
            policies: policy::all(rng),
            microsoft_services,
            addresses: HashMap::new(),
            projects: 0,
        };
        for _ in 0..PEOPLE {
            tenant.hire(rng);
        }
        for department in name::DEPARTMENTS {
            tenant.add_group(format!("{department} Team"), GroupSource::O365, rng);
        }
        for group in name::GROUPS {
            tenant.add_group((*group).to_owned(), GroupSource::AzureAd, rng);
        }
        for _ in 0..12 {
            tenant.start_project(rng);
        }
        for _ in 0..DEVICES {
            let owner = tenant.active[rng.usize(..tenant.active.len())];
            tenant.add_device(owner, rng);
        }
        tenant
    }

    /// Returns the indices of the administrators of a team, who never leave.
    fn staff(team: AdminTeam) -> std::ops::Range<usize> {
        match team {
            AdminTeam::Help => 0..5,
            AdminTeam::Identity => 5..8,
            AdminTeam::Endpoint => 8..12,
            AdminTeam::Security => 12..14,
            AdminTeam::Apps => 14..17,
        }
    }

    /// Returns a random administrator of a team.
    pub(super) fn administrator(&self, team: AdminTeam, rng: &mut Rng) -> Person {
        self.people[rng.usize(Self::staff(team))].clone()
    }

    /// Returns the index of a random employee who is not an administrator.
    pub(super) fn random_user(&self, rng: &mut Rng) -> usize {
        self.active[rng.usize(Self::staff(AdminTeam::Apps).end..self.active.len())]
    }

    /// Returns a Microsoft service by its name.
    pub(super) fn microsoft_service(&self, name: &str) -> &MicrosoftService {
        self.microsoft_services
            .iter()
            .find(|microsoft_service| microsoft_service.name == name)
            .unwrap_or(&self.microsoft_services[0])
    }

    /// Returns the index of a random group.
    pub(super) fn random_group(&self, rng: &mut Rng) -> usize {
        rng.usize(..self.groups.len())
    }

    /// Returns the index of a random device.
    pub(super) fn random_device(&self, rng: &mut Rng) -> usize {
        rng.usize(..self.devices.len())
    }

    /// Returns a random application.
    pub(super) fn random_application(&self, rng: &mut Rng) -> Application {
        self.apps[rng.usize(..self.apps.len())].clone()
    }

    /// Returns an unused principal name.
    pub(super) fn free_upn(&mut self, local: &str, domain: &str) -> String {
        let used = self.addresses.entry(local.to_owned()).or_insert(0);
        *used += 1;
        if *used == 1 { format!("{local}@{domain}") } else { format!("{local}{used}@{domain}") }
    }

    /// Adds a person. Returns its index.
    pub(super) fn hire(&mut self, rng: &mut Rng) -> usize {
        let (display_name, local) = name::person(rng);
        let upn = self.free_upn(&local, name::DOMAIN);
        let index = self.people.len();
        self.people.push(Person {
            id: guid(rng),
            display_name,
            upn,
            employee: 10_000 + u32::try_from(index).unwrap_or(0),
            department: name::DEPARTMENTS[rng.usize(..name::DEPARTMENTS.len())],
            title: name::TITLES[rng.usize(..name::TITLES.len())],
            office: name::OFFICES[rng.usize(..name::OFFICES.len())],
            address: address(rng),
            user_agent: name::USER_AGENTS[rng.usize(..name::USER_AGENTS.len())],
            licences: 1 << rng.usize(..2),
            salary: rng.u32(60..190) * 500,
        });
        self.active.push(index);
        index
    }

    /// Removes a person from the employees and from all groups. Administrators stay.
    pub(super) fn leave(&mut self, index: usize) {
        self.active.retain(|other| *other != index);
        for group in &mut self.groups {
            group.members.retain(|member| *member != index);
        }
    }

    /// Adds a group with random members. Returns its index.
    pub(super) fn add_group(&mut self, name: String, source: GroupSource, rng: &mut Rng) -> usize {
        let mut members: Vec<usize> = (0..rng.usize(6..20)).map(|_| self.random_user(rng)).collect();
        members.sort_unstable();
        members.dedup();
        self.groups.push(DirectoryGroup { id: guid(rng), name, source, members });
        self.groups.len() - 1
    }

    /// Adds the group of a new project. Returns its index.
    pub(super) fn start_project(&mut self, rng: &mut Rng) -> usize {
        let name = name::PROJECTS[self.projects % name::PROJECTS.len()];
        let round = self.projects / name::PROJECTS.len();
        self.projects += 1;
        let name = if round == 0 { format!("Project {name}") } else { format!("Project {name} {}", round + 1) };
        self.add_group(name, GroupSource::O365, rng)
    }

    /// Adds a device of a person. Returns its index.
    pub(super) fn add_device(&mut self, owner: usize, rng: &mut Rng) -> usize {
        let system = ["Windows", "Windows", "Windows", "MacMDM", "IPhone", "Android"][rng.usize(..6)];
        let given = self.people[owner].display_name.split(' ').next().unwrap_or_default();
        let name = match system {
            "Windows" => device_name("CON-LT", rng),
            "MacMDM" => format!("{given}’s MacBook Pro"),
            "IPhone" => format!("{given}’s iPhone"),
            _ => format!("{}_AndroidEnterprise_{}", given.to_lowercase(), rng.u32(1..13)),
        };
        let (object_id, registration_id, managed_id) = (guid(rng), guid(rng), guid(rng));
        self.devices.push(Device { object_id, registration_id, managed_id, name, system, owner, is_compliant: true });
        self.devices.len() - 1
    }
}

/// Returns a target with an id and a display name.
pub(super) fn named(kind: &str, id: &str, display_name: &str) -> Target {
    Target {
        object_id: Some(id.to_owned()),
        display_name: Some(display_name.to_owned()).filter(|name| !name.is_empty()),
        kind: Some(kind.to_owned()),
        ..Target::default()
    }
}

/// Returns a random computer name.
pub(super) fn device_name(prefix: &str, rng: &mut Rng) -> String {
    format!("{prefix}-{}", code(5, rng))
}

/// Returns random letters and digits, as in keys and serial numbers.
pub(super) fn code(length: usize, rng: &mut Rng) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    (0..length).map(|_| char::from(LETTERS[rng.usize(..LETTERS.len())])).collect()
}

/// Returns a random GUID.
pub(super) fn guid(rng: &mut Rng) -> String {
    let (a, b) = (rng.u64(..), rng.u64(..));
    let (high, middle, low) = (a >> 32, (a >> 16) & 0xffff, a & 0x0fff);
    format!("{high:08x}-{middle:04x}-4{low:03x}-{:04x}-{:012x}", (b >> 50) | 0x8000, b & 0xffff_ffff_ffff)
}

/// Returns a random address of the ranges for documentation (RFC 5737).
fn address(rng: &mut Rng) -> String {
    match rng.u32(0..10) {
        0..=5 => format!("203.0.113.{}", rng.u32(5..9)),
        6..=7 => format!("198.51.100.{}", rng.u32(10..250)),
        _ => format!("2001:db8:{:x}::{:x}", rng.u32(1..0xffff), rng.u32(1..0xffff)),
    }
}
