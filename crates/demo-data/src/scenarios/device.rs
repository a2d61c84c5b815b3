//! What happens to devices: enrolment, compliance, remote tasks, the end.

use crate::stage::{Draft, INTUNE, Stage, json, listed, plain};
use crate::tenant::{Desk, Device, device_name, guid, named};
use model::{Actor, ActorKind, ModifiedProperty, OperationType, ResourceType, Status};

const CATEGORY: &str = "Device";
const REGISTRATION: &str = "Device Registration Service";

/// A remote task: its activity, its title, the permission for it.
type Task = (&'static str, &'static str, &'static str);

const SYNC: Task = ("syncDevice ManagedDevice", "Sync device", "Microsoft.Intune_RemoteTasks_SyncDevice");
const WIPE: Task = ("wipe ManagedDevice", "Wipe device", "Microsoft.Intune_RemoteTasks_Wipe");
const RETIRE: Task = ("retire ManagedDevice", "Retire device", "Microsoft.Intune_RemoteTasks_Retire");
const REBOOT: Task = ("rebootNow ManagedDevice", "Reboot device", "Microsoft.Intune_RemoteTasks_RebootNow");
const LOCK: Task = ("remoteLock ManagedDevice", "Remote lock", "Microsoft.Intune_RemoteTasks_RemoteLock");
const LOCATE: Task = ("locateDevice ManagedDevice", "Locate device", "Microsoft.Intune_RemoteTasks_LocateDevice");
const SHUT_DOWN: Task = ("shutDown ManagedDevice", "Shut down device", "Microsoft.Intune_RemoteTasks_ShutDown");

fn task(task: Task, actor: &Actor, device: &Device) -> Draft {
    let changes = vec![plain("DeviceManagementAPIVersion", "", "5026-02-10")];
    Draft::new(INTUNE, CATEGORY, task.0, OperationType::RemoteTask, ResourceType::Device)
        .shown_as("ManagedDevices", task.1)
        .by(actor)
        .on_changed(device.managed_target(), changes)
}

/// An event of the directory on a device.
fn on_device(
    activity: &str,
    operation: OperationType,
    actor: &Actor,
    device: &Device,
    mut changes: Vec<ModifiedProperty>,
) -> Draft {
    changes.push(plain("TargetId.DeviceId", "", &device.registration_id));
    changes.push(plain("TargetId.DeviceOSType", "", device.system));
    Draft::directory(CATEGORY, activity, operation, ResourceType::Device)
        .by(actor)
        .on_changed(device.target(), changes)
        .note("DeviceId", &device.registration_id)
        .note("DeviceOSType", device.system)
        .note("DeviceTrustType", device.trust())
}

fn some_device(stage: &mut Stage) -> Device {
    let place = stage.tenant.some_device(&mut stage.rng);
    stage.tenant.devices[place].clone()
}

/// Somebody sends a task to a device.
pub(super) fn remote_task(stage: &mut Stage, count: usize) {
    let device = some_device(stage);
    let sent = stage.one_of(&[
        SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, SYNC, REBOOT, REBOOT, REBOOT, LOCK, LOCATE, RETIRE, SHUT_DOWN,
    ]);
    let actor = stage.endpoint_administrator(sent.2);
    let draft = task(sent, &actor, &device);
    let draft = match stage.rng.u32(0..100) {
        0..=1 => draft.ended(Status::Timeout, "The device did not check in within the time of the request."),
        2 => draft.failed("The device does not support this action."),
        _ => draft,
    };
    stage.tell(count, vec![draft]);
}

/// An administrator synchronises many devices at once.
pub(super) fn fleet_synchronised(stage: &mut Stage, count: usize) {
    let actor = stage.endpoint_administrator(SYNC.2);
    for _ in 0..count {
        let device = some_device(stage);
        stage.tell_one(task(SYNC, &actor, &device));
        stage.pass(12);
    }
}

/// The push service is down, and every task fails.
pub(super) fn remote_tasks_failed(stage: &mut Stage, count: usize) {
    let sent = stage.one_of(&[SYNC, REBOOT, LOCK]);
    let actor = stage.endpoint_administrator(sent.2);
    for attempt in 0..count {
        let device = some_device(stage);
        let draft = task(sent, &actor, &device);
        let draft = if attempt % 4 == 3 {
            draft.ended(Status::Timeout, "The notification service did not answer.")
        } else {
            draft.failed("The notification service is not available.")
        };
        stage.tell_one(draft);
        stage.pass(25);
    }
}

/// A lost device is wiped and disappears.
pub(super) fn wiped(stage: &mut Stage, count: usize) {
    let place = stage.tenant.some_device(&mut stage.rng);
    let device = stage.tenant.devices[place].clone();
    if stage.tenant.devices.len() > 200 {
        stage.tenant.devices.swap_remove(place);
    }
    let sent = stage.one_of(&[WIPE, RETIRE]);
    let actor = stage.endpoint_administrator(sent.2);
    let wipe = plain("KeepEnrollmentData", "", "False");
    let drafts = vec![
        task(sent, &actor, &device),
        Draft::new(INTUNE, CATEGORY, "Delete ManagedDevice", OperationType::Delete, ResourceType::Device)
            .shown_as("ManagedDevices", "Delete device")
            .by(&actor)
            .on_changed(device.managed_target(), vec![wipe]),
        on_device("Delete device", OperationType::Delete, &actor, &device, Vec::new()),
    ];
    stage.tell(count, drafts);
}

/// Intune tells the directory whether a device is as it should be.
pub(super) fn compliance_reported(stage: &mut Stage, count: usize) {
    let place = stage.tenant.some_device(&mut stage.rng);
    let actor = stage.machine("Intune Compliance Client Prod");
    let turns = stage.chance(45);
    let (build, until) = (stage.rng.u32(100..4_000), stage.time_text());
    let device = &mut stage.tenant.devices[place];
    if turns {
        device.is_compliant = !device.is_compliant;
    }
    let device = device.clone();
    let (before, after) = if device.is_compliant { ("[false]", "[true]") } else { ("[true]", "[false]") };
    let (activity, changes) = if turns {
        let change = ModifiedProperty::new("IsCompliant", json(before), json(after));
        let activity = if device.is_compliant { "Update device" } else { "Device no longer compliant" };
        (activity, vec![change])
    } else if device.system == "Windows" {
        let (old, new) = (format!("10.0.26100.{build}"), format!("10.0.26100.{}", build + 61));
        ("Update device", vec![listed("DeviceOSVersion", &old, &new)])
    } else {
        ("Update device", vec![listed("CompliantUntil", "", &until)])
    };
    stage.tell(count, vec![on_device(activity, OperationType::Update, &actor, &device, changes)]);
}

/// Somebody sets up a new device.
pub(super) fn enrolled(stage: &mut Stage, count: usize) {
    let owner = stage.tenant.somebody(&mut stage.rng);
    let place = stage.tenant.add_device(owner, &mut stage.rng);
    let device = stage.tenant.devices[place].clone();
    let person = stage.tenant.people[owner].clone();
    let (actor, service) = (person.actor(), stage.machine(REGISTRATION));
    let added = vec![
        ModifiedProperty::new("AccountEnabled", None, json("[true]")),
        listed("DisplayName", "", &device.name),
        listed("DeviceOSType", "", device.system),
    ];
    let certificate = certificate(stage, &device);
    let drafts = vec![
        on_device("Add device", OperationType::Create, &service, &device, added),
        on_device("Add registered owner to device", OperationType::Assign, &service, &device, Vec::new())
            .on(person.target()),
        on_device("Add registered users to device", OperationType::Assign, &service, &device, Vec::new())
            .on(person.target()),
        Draft::new(REGISTRATION, CATEGORY, "Register device", OperationType::Create, ResourceType::Device)
            .by(&actor)
            .on(device.target())
            .note("Device Id", &device.registration_id)
            .note("Device OS", device.system)
            .note("Device Trust Type", device.trust()),
        certificate,
    ];
    stage.tell(count, drafts);
}

/// Intune issues a certificate; nobody is named for it.
fn certificate(stage: &mut Stage, device: &Device) -> Draft {
    let mut actor = Actor::new(ActorKind::System);
    actor.display_name = Some("Microsoft Intune".to_owned());
    let thumbprint = format!("{:016X}{:016X}{:08X}", stage.rng.u64(..), stage.rng.u64(..), stage.rng.u32(..));
    let changes = vec![
        plain("deviceID", "", &device.managed_id),
        plain("DeviceEnrollmentType", "", "31"),
        plain("Thumbprint", "", &thumbprint),
    ];
    Draft::new(INTUNE, "Enrollment", "Create ClientCertificate", OperationType::Create, ResourceType::Device)
        .shown_as("Enrollment", "Create client certificate")
        .by(&actor)
        .on_changed(named("ClientCertificate", &thumbprint, ""), changes)
}

/// A device renews its certificate.
pub(super) fn certificate_issued(stage: &mut Stage, count: usize) {
    let device = some_device(stage);
    let draft = certificate(stage, &device);
    stage.tell(count, vec![draft]);
}

/// The help desk reads a local administrator's password, or somebody a recovery key.
pub(super) fn secret_recovered(stage: &mut Stage, count: usize) {
    let device = some_device(stage);
    let help_desk = stage.administrator(Desk::Help);
    let read = |category: &str, activity: &str| {
        Draft::new(REGISTRATION, category, activity, OperationType::Read, ResourceType::Device)
    };
    let draft = if stage.chance(50) {
        read(CATEGORY, "Recover device local administrator password")
            .by(&help_desk)
            .note("AdditionalInfo", "Successfully recovered local credential by device id")
    } else {
        let reader = if stage.chance(50) { stage.tenant.people[device.owner].actor() } else { help_desk };
        read("KeyManagement", "Read BitLocker key").by(&reader).note("keyId", &guid(&mut stage.rng))
    };
    let draft = draft.on(device.target()).note("Device Id", &device.registration_id);
    let draft = if stage.chance(10) { draft.failed("The caller may not read keys of this device.") } else { draft };
    stage.tell(count, vec![draft]);
}

/// A computer gets another name and keeps its ids.
pub(super) fn renamed(stage: &mut Stage, count: usize) {
    let devices = &stage.tenant.devices;
    let computers: Vec<usize> = (0..devices.len()).filter(|place| devices[*place].system == "Windows").collect();
    let place = stage.one_of(&computers);
    let before = stage.tenant.devices[place].name.clone();
    stage.tenant.devices[place].name = device_name("CON-WS", &mut stage.rng);
    let device = stage.tenant.devices[place].clone();
    let actor = stage.endpoint_administrator("Microsoft.Intune_RemoteTasks_SetDeviceName");
    let machine = stage.machine(REGISTRATION);
    let old = Device { name: before.clone(), ..device.clone() };
    let drafts = vec![
        task(("Rename device ManagedDevice", "Rename device", ""), &actor, &old),
        on_device(
            "Update device",
            OperationType::Update,
            &machine,
            &device,
            vec![listed("DisplayName", &before, &device.name)],
        ),
        task(SYNC, &actor, &device),
    ];
    stage.tell(count, drafts);
}
