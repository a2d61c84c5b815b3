//! Scenarios about devices: enrolment, compliance, remote tasks, wiping.

use crate::generator::{DemoEvent, Generator, INTUNE, json, listed, plain};
use crate::tenant::{AdminTeam, Device, device_name, guid, named};
use model::{Actor, ActorKind, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "Device";
const REGISTRATION: &str = "Device Registration Service";

/// A remote task: its activity, display name and required permission.
type RemoteTask = (&'static str, &'static str, &'static str);

const SYNC: RemoteTask = ("syncDevice ManagedDevice", "Sync device", "Microsoft.Intune_RemoteTasks_SyncDevice");
const WIPE: RemoteTask = ("wipe ManagedDevice", "Wipe device", "Microsoft.Intune_RemoteTasks_Wipe");
const RETIRE: RemoteTask = ("retire ManagedDevice", "Retire device", "Microsoft.Intune_RemoteTasks_Retire");
const REBOOT: RemoteTask = ("rebootNow ManagedDevice", "Reboot device", "Microsoft.Intune_RemoteTasks_RebootNow");
const LOCK: RemoteTask = ("remoteLock ManagedDevice", "Remote lock", "Microsoft.Intune_RemoteTasks_RemoteLock");
const LOCATE: RemoteTask = ("locateDevice ManagedDevice", "Locate device", "Microsoft.Intune_RemoteTasks_LocateDevice");
const SHUT_DOWN: RemoteTask = ("shutDown ManagedDevice", "Shut down device", "Microsoft.Intune_RemoteTasks_ShutDown");

fn task(task: RemoteTask, actor: &Actor, device: &Device) -> DemoEvent {
    let changes = vec![plain("DeviceManagementAPIVersion", "", "5026-02-10")];
    DemoEvent::new(INTUNE, CATEGORY, task.0, OperationType::RemoteTask, ResourceType::Device)
        .shown_as("ManagedDevices", task.1)
        .by(actor)
        .on_changed(device.managed_target(), changes)
}

/// Returns an event of the directory about a device.
fn on_device(
    activity: &str,
    operation: OperationType,
    actor: &Actor,
    device: &Device,
    mut changes: Vec<ModifiedProperty>,
) -> DemoEvent {
    changes.push(plain("TargetId.DeviceId", "", &device.registration_id));
    changes.push(plain("TargetId.DeviceOSType", "", device.system));
    DemoEvent::directory(CATEGORY, activity, operation, ResourceType::Device)
        .by(actor)
        .on_changed(device.target(), changes)
        .note("DeviceId", &device.registration_id)
        .note("DeviceOSType", device.system)
        .note("DeviceTrustType", device.trust())
}

fn random_device(generator: &mut Generator) -> Device {
    let index = generator.tenant.random_device(&mut generator.rng);
    generator.tenant.devices[index].clone()
}

/// An administrator sends a task to a device.
pub(super) fn remote_task(generator: &mut Generator, count: usize) {
    let device = random_device(generator);
    let sent = generator.choose(&[
        SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, REBOOT, REBOOT, REBOOT, LOCK, LOCATE, RETIRE, SHUT_DOWN,
    ]);
    let actor = generator.endpoint_administrator(sent.2);
    let event = task(sent, &actor, &device);
    let event = match generator.rng.u32(0..100) {
        0..=1 => event.ended(Status::Timeout, "The device did not check in within the time of the request."),
        2 => event.failed("The device does not support this action."),
        _ => event,
    };
    generator.emit(count, vec![event]);
}

/// An administrator synchronises many devices at once.
pub(super) fn fleet_synchronised(generator: &mut Generator, count: usize) {
    let actor = generator.endpoint_administrator(SYNC.2);
    for _ in 0..count {
        let device = random_device(generator);
        generator.emit_one(task(SYNC, &actor, &device));
        generator.advance(12);
    }
}

/// The push service is down, so every task fails.
pub(super) fn remote_tasks_failed(generator: &mut Generator, count: usize) {
    let sent = generator.choose(&[SYNC, REBOOT, LOCK]);
    let actor = generator.endpoint_administrator(sent.2);
    for attempt in 0..count {
        let device = random_device(generator);
        let event = task(sent, &actor, &device);
        let event = if attempt % 4 == 3 {
            event.ended(Status::Timeout, "The notification service did not answer.")
        } else {
            event.failed("The notification service is not available.")
        };
        generator.emit_one(event);
        generator.advance(25);
    }
}

/// A lost device is wiped and deleted.
pub(super) fn wiped(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_device(&mut generator.rng);
    let device = generator.tenant.devices[index].clone();
    if generator.tenant.devices.len() > 200 {
        generator.tenant.devices.swap_remove(index);
    }
    let sent = generator.choose(&[WIPE, RETIRE]);
    let actor = generator.endpoint_administrator(sent.2);
    let wipe = plain("KeepEnrollmentData", "", "False");
    let events = vec![
        task(sent, &actor, &device),
        DemoEvent::new(INTUNE, CATEGORY, "Delete ManagedDevice", OperationType::Delete, ResourceType::Device)
            .shown_as("ManagedDevices", "Delete device")
            .by(&actor)
            .on_changed(device.managed_target(), vec![wipe]),
        on_device("Delete device", OperationType::Delete, &actor, &device, Vec::new()),
    ];
    generator.emit(count, events);
}

/// Intune reports the compliance of a device to the directory.
pub(super) fn compliance_reported(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_device(&mut generator.rng);
    let actor = generator.microsoft_service("Intune Compliance Client Prod");
    let compliance_changes = generator.chance(45);
    let (build, until) = (generator.rng.u32(100..4_000), generator.timestamp());
    let device = &mut generator.tenant.devices[index];
    if compliance_changes {
        device.is_compliant = !device.is_compliant;
    }
    let device = device.clone();
    let (before, after) = if device.is_compliant { ("[false]", "[true]") } else { ("[true]", "[false]") };
    let (activity, changes) = if compliance_changes {
        let change = ModifiedProperty::new("IsCompliant", json(before), json(after));
        let activity = if device.is_compliant { "Update device" } else { "Device no longer compliant" };
        (activity, vec![change])
    } else if device.system == "Windows" {
        let (old, new) = (format!("10.0.26100.{build}"), format!("10.0.26100.{}", build + 61));
        ("Update device", vec![listed("DeviceOSVersion", &old, &new)])
    } else {
        ("Update device", vec![listed("CompliantUntil", "", &until)])
    };
    generator.emit(count, vec![on_device(activity, OperationType::Update, &actor, &device, changes)]);
}

/// A user enrols a device.
pub(super) fn enrolled(generator: &mut Generator, count: usize) {
    let owner = generator.tenant.random_user(&mut generator.rng);
    let index = generator.tenant.add_device(owner, &mut generator.rng);
    let device = generator.tenant.devices[index].clone();
    let person = generator.tenant.people[owner].clone();
    let (actor, service) = (person.actor(), generator.microsoft_service(REGISTRATION));
    let added = vec![
        ModifiedProperty::new("AccountEnabled", None, json("[true]")),
        listed("DisplayName", "", &device.name),
        listed("DeviceOSType", "", device.system),
    ];
    let certificate = certificate(generator, &device);
    let events = vec![
        on_device("Add device", OperationType::Create, &service, &device, added),
        on_device("Add registered owner to device", OperationType::Assign, &service, &device, Vec::new())
            .on(person.target()),
        on_device("Add registered users to device", OperationType::Assign, &service, &device, Vec::new())
            .on(person.target()),
        DemoEvent::new(REGISTRATION, CATEGORY, "Register device", OperationType::Create, ResourceType::Device)
            .by(&actor)
            .on(device.target())
            .note("Device Id", &device.registration_id)
            .note("Device OS", device.system)
            .note("Device Trust Type", device.trust()),
        certificate,
    ];
    generator.emit(count, events);
}

/// Returns the event of a certificate that Intune issues, without an actor.
fn certificate(generator: &mut Generator, device: &Device) -> DemoEvent {
    let mut actor = Actor::new(ActorKind::System);
    actor.display_name = Some("Microsoft Intune".to_owned());
    let thumbprint =
        format!("{:016X}{:016X}{:08X}", generator.rng.u64(..), generator.rng.u64(..), generator.rng.u32(..));
    let changes = vec![
        plain("deviceID", "", &device.managed_id),
        plain("DeviceEnrollmentType", "", "31"),
        plain("Thumbprint", "", &thumbprint),
    ];
    DemoEvent::new(INTUNE, "Enrollment", "Create ClientCertificate", OperationType::Create, ResourceType::Device)
        .shown_as("Enrollment", "Create client certificate")
        .by(&actor)
        .on_changed(named("ClientCertificate", &thumbprint, ""), changes)
}

/// A device renews its certificate.
pub(super) fn certificate_issued(generator: &mut Generator, count: usize) {
    let device = random_device(generator);
    let event = certificate(generator, &device);
    generator.emit(count, vec![event]);
}

/// The help desk reads a local administrator's password, or a user reads a recovery key.
pub(super) fn secret_recovered(generator: &mut Generator, count: usize) {
    let device = random_device(generator);
    let help_desk = generator.administrator(AdminTeam::Help);
    let read = |category: &str, activity: &str| {
        DemoEvent::new(REGISTRATION, category, activity, OperationType::Read, ResourceType::Device)
    };
    let event = if generator.chance(50) {
        read(CATEGORY, "Recover device local administrator password")
            .by(&help_desk)
            .note("AdditionalInfo", "Successfully recovered local credential by device id")
    } else {
        let reader = if generator.chance(50) { generator.tenant.people[device.owner].actor() } else { help_desk };
        read("KeyManagement", "Read BitLocker key").by(&reader).note("keyId", &guid(&mut generator.rng))
    };
    let event = event.on(device.target()).note("Device Id", &device.registration_id);
    let event = if generator.chance(10) { event.failed("The caller may not read keys of this device.") } else { event };
    generator.emit(count, vec![event]);
}

/// A computer is renamed.
pub(super) fn renamed(generator: &mut Generator, count: usize) {
    let devices = &generator.tenant.devices;
    let computers: Vec<usize> = (0..devices.len()).filter(|index| devices[*index].system == "Windows").collect();
    let index = generator.choose(&computers);
    let before = generator.tenant.devices[index].name.clone();
    generator.tenant.devices[index].name = device_name("CON-WS", &mut generator.rng);
    let device = generator.tenant.devices[index].clone();
    let actor = generator.endpoint_administrator("Microsoft.Intune_RemoteTasks_SetDeviceName");
    let microsoft_service = generator.microsoft_service(REGISTRATION);
    let old = Device { name: before.clone(), ..device.clone() };
    let events = vec![
        task(("Rename device ManagedDevice", "Rename device", ""), &actor, &old),
        on_device(
            "Update device",
            OperationType::Update,
            &microsoft_service,
            &device,
            vec![listed("DisplayName", &before, &device.name)],
        ),
        task(SYNC, &actor, &device),
    ];
    generator.emit(count, events);
}
