//! Scenarios of the payroll application: employees, payments and approvals.
//!
//! The application identifies people by their directory ids, so that one search finds events of both. It marks values as
//! sensitive whose names no rule matches.

use crate::generator::{DemoEvent, Generator, PAYROLL, json, plain};
use crate::tenant::{AdminTeam, Person, named};
use model::{Actor, ActorApplication, ActorKind, ModifiedProperty, OperationType, ResourceType, Target};

fn target(person: &Person) -> Target {
    named("Employee", &person.id, &person.display_name)
}

/// Returns a user of the application as an actor.
fn user(generator: &Generator, person: &Person) -> Actor {
    let mut actor = person.actor();
    actor.display_name = Some(person.display_name.clone());
    actor.application = application(generator);
    actor
}

/// Returns the application as an actor.
fn application_actor(generator: &Generator) -> Actor {
    let mut actor = Actor::new(ActorKind::Application);
    actor.object_id = generator.tenant.apps.first().map(|app| app.principal_id.clone());
    actor.application = application(generator);
    actor
}

fn application(generator: &Generator) -> Option<ActorApplication> {
    let app = generator.tenant.apps.first()?;
    Some(ActorApplication { application_id: Some(app.client_id.clone()), display_name: Some(app.name.clone()) })
}

/// Returns an employee of the human resources department.
fn clerk(generator: &mut Generator) -> Person {
    let tenant = &generator.tenant;
    let clerks: Vec<usize> =
        tenant.active.iter().copied().filter(|index| tenant.people[*index].department == "Human Resources").collect();
    // A few of them have the permission.
    let few = &clerks[..clerks.len().min(6)];
    if few.is_empty() {
        return generator.tenant.administrator(AdminTeam::Apps, &mut generator.rng);
    }
    let index = few[generator.rng.usize(..few.len())];
    generator.tenant.people[index].clone()
}

/// Returns an event about an employee's file.
pub(super) fn employee(
    activity: &str,
    operation: OperationType,
    generator: &mut Generator,
    person: &Person,
    changes: Vec<ModifiedProperty>,
) -> DemoEvent {
    let clerk = clerk(generator);
    DemoEvent::new(PAYROLL, "Employee", activity, operation, ResourceType::User)
        .shown_as("Personnel", activity)
        .by(&user(generator, &clerk))
        .on_changed(target(person), changes)
        .note("employeeNumber", &person.employee.to_string())
}

/// A payslip is opened.
pub(super) fn payslip_opened(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let actor = user(generator, &person);
    let event = DemoEvent::new(PAYROLL, "Payslip", "Open payslip", OperationType::Read, ResourceType::Other)
        .shown_as("Self service", "Open payslip")
        .by(&actor)
        .on(target(&person))
        .note("month", generator.timestamp().get(..7).unwrap_or_default());
    generator.emit(count, vec![event]);
}

/// A salary is changed.
pub(super) fn salary_changed(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let before = generator.tenant.people[index].salary;
    let after = before + generator.rng.u32(1..8) * 250;
    generator.tenant.people[index].salary = after;
    let person = generator.tenant.people[index].clone();
    let amount = |euros: u32| json(&format!(r#"{{"amount":{euros}.00,"currency":"EUR"}}"#));
    let mut salary = ModifiedProperty::new("Salary", amount(before), amount(after));
    salary.is_sensitive = true;
    let event = employee("Change salary", OperationType::Update, generator, &person, vec![salary]);
    generator.emit(count, vec![event]);
}

/// A bank account is changed.
pub(super) fn bank_account_changed(generator: &mut Generator, count: usize) {
    let index = generator.tenant.random_user(&mut generator.rng);
    let person = generator.tenant.people[index].clone();
    let actor = user(generator, &person);
    let account = |generator: &mut Generator| {
        format!("XX00 CONT OSO0 {:04} {:04}", generator.rng.u32(0..9_999), generator.rng.u32(0..9_999))
    };
    let (before, after) = (account(generator), account(generator));
    let mut change = plain("iban", &before, &after);
    change.is_sensitive = true;
    let changed = DemoEvent::new(PAYROLL, "Employee", "Change bank account", OperationType::Update, ResourceType::User)
        .shown_as("Self service", "Change bank account")
        .by(&actor)
        .on_changed(target(&person), vec![change]);
    let confirmed = employee("Confirm bank account", OperationType::Update, generator, &person, Vec::new());
    generator.emit(count, vec![changed, confirmed]);
}

/// The salaries of a month are calculated, approved and paid.
pub(super) fn run(generator: &mut Generator, count: usize) {
    let month = generator.timestamp().get(..7).unwrap_or_default().to_owned();
    let (first, second) = (clerk(generator), clerk(generator));
    let (first, second, application_actor) =
        (user(generator, &first), user(generator, &second), application_actor(generator));
    let run = named("PayrollRun", &format!("run-{month}-{}", generator.rng.u32(100..999)), &format!("Payroll {month}"));
    let people = generator.tenant.active.len();
    let step = |activity: &str, operation: OperationType, actor: &Actor, before: &str, after: &str| {
        DemoEvent::new(PAYROLL, "Payroll run", activity, operation, ResourceType::Other)
            .shown_as("Payroll", activity)
            .by(actor)
            .on_changed(run.clone(), vec![plain("state", before, after)])
            .note("employees", &people.to_string())
    };
    let events = vec![
        step("Start payroll run", OperationType::Create, &first, "", "open"),
        step("Calculate payroll run", OperationType::Update, &application_actor, "open", "calculated"),
        step("Approve payroll run", OperationType::Update, &second, "calculated", "approved"),
        step("Export payments", OperationType::Read, &application_actor, "approved", "paid"),
        step("Close payroll run", OperationType::Update, &application_actor, "paid", "closed"),
    ];
    generator.emit(count, events);
}

/// An approval fails because the user lacks the permission.
pub(super) fn approval_failed(generator: &mut Generator, count: usize) {
    let month = generator.timestamp().get(..7).unwrap_or_default().to_owned();
    let clerk = clerk(generator);
    let actor = user(generator, &clerk);
    let run = named("PayrollRun", &format!("run-{month}-{}", generator.rng.u32(100..999)), &format!("Payroll {month}"));
    for _ in 0..count {
        let event =
            DemoEvent::new(PAYROLL, "Payroll run", "Approve payroll run", OperationType::Update, ResourceType::Other)
                .shown_as("Payroll", "Approve payroll run")
                .by(&actor)
                .on(run.clone())
                .failed("Whoever started a payroll run may not approve it.");
        generator.emit_one(event);
        generator.advance(40);
    }
}
