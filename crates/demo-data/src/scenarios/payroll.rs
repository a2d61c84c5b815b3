//! What the company's own application records: people as employees, money, and who approved it.
//!
//! It names people by the ids of the directory, so that one search finds both. What it marks as sensitive has names
//! that no rule would know.

use crate::stage::{Draft, PAYROLL, Stage, json, plain};
use crate::tenant::{Desk, Person, named};
use model::{Actor, ActorApplication, ActorKind, ModifiedProperty, OperationType, ResourceType, Target};

fn target(person: &Person) -> Target {
    named("Employee", &person.id, &person.display_name)
}

/// The application, and whoever uses it.
fn user(stage: &Stage, person: &Person) -> Actor {
    let mut actor = person.actor();
    actor.display_name = Some(person.display_name.clone());
    actor.application = application(stage);
    actor
}

/// The application acting by itself.
fn itself(stage: &Stage) -> Actor {
    let mut actor = Actor::new(ActorKind::Application);
    actor.object_id = stage.tenant.apps.first().map(|app| app.principal_id.clone());
    actor.application = application(stage);
    actor
}

fn application(stage: &Stage) -> Option<ActorApplication> {
    let app = stage.tenant.apps.first()?;
    Some(ActorApplication { application_id: Some(app.client_id.clone()), display_name: Some(app.name.clone()) })
}

/// Somebody in the human resources department.
fn clerk(stage: &mut Stage) -> Person {
    let tenant = &stage.tenant;
    let clerks: Vec<usize> =
        tenant.active.iter().copied().filter(|place| tenant.people[*place].department == "Human Resources").collect();
    // A few of them have the permission.
    let few = &clerks[..clerks.len().min(6)];
    if few.is_empty() {
        return stage.tenant.administrator(Desk::Apps, &mut stage.rng);
    }
    let place = few[stage.rng.usize(..few.len())];
    stage.tenant.people[place].clone()
}

/// Something happens to an employee's file.
pub(super) fn employee(
    activity: &str,
    operation: OperationType,
    stage: &mut Stage,
    person: &Person,
    changes: Vec<ModifiedProperty>,
) -> Draft {
    let clerk = clerk(stage);
    Draft::new(PAYROLL, "Employee", activity, operation, ResourceType::User)
        .shown_as("Personnel", activity)
        .by(&user(stage, &clerk))
        .on_changed(target(person), changes)
        .note("employeeNumber", &person.employee.to_string())
}

/// Somebody reads a payslip.
pub(super) fn payslip_opened(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let actor = user(stage, &person);
    let draft = Draft::new(PAYROLL, "Payslip", "Open payslip", OperationType::Read, ResourceType::Other)
        .shown_as("Self service", "Open payslip")
        .by(&actor)
        .on(target(&person))
        .note("month", stage.time_text().get(..7).unwrap_or_default());
    stage.tell(count, vec![draft]);
}

/// Somebody earns more.
pub(super) fn salary_changed(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let before = stage.tenant.people[place].salary;
    let after = before + stage.rng.u32(1..8) * 250;
    stage.tenant.people[place].salary = after;
    let person = stage.tenant.people[place].clone();
    let amount = |euros: u32| json(&format!(r#"{{"amount":{euros}.00,"currency":"EUR"}}"#));
    let mut salary = ModifiedProperty::new("Salary", amount(before), amount(after));
    salary.is_sensitive = true;
    let draft = employee("Change salary", OperationType::Update, stage, &person, vec![salary]);
    stage.tell(count, vec![draft]);
}

/// Somebody's money goes elsewhere.
pub(super) fn bank_account_changed(stage: &mut Stage, count: usize) {
    let place = stage.tenant.somebody(&mut stage.rng);
    let person = stage.tenant.people[place].clone();
    let actor = user(stage, &person);
    let account =
        |stage: &mut Stage| format!("XX00 CONT OSO0 {:04} {:04}", stage.rng.u32(0..9_999), stage.rng.u32(0..9_999));
    let (before, after) = (account(stage), account(stage));
    let mut change = plain("iban", &before, &after);
    change.is_sensitive = true;
    let changed = Draft::new(PAYROLL, "Employee", "Change bank account", OperationType::Update, ResourceType::User)
        .shown_as("Self service", "Change bank account")
        .by(&actor)
        .on_changed(target(&person), vec![change]);
    let confirmed = employee("Confirm bank account", OperationType::Update, stage, &person, Vec::new());
    stage.tell(count, vec![changed, confirmed]);
}

/// The salaries of a month are computed, approved and paid.
pub(super) fn run(stage: &mut Stage, count: usize) {
    let month = stage.time_text().get(..7).unwrap_or_default().to_owned();
    let (first, second) = (clerk(stage), clerk(stage));
    let (first, second, itself) = (user(stage, &first), user(stage, &second), itself(stage));
    let run = named("PayrollRun", &format!("run-{month}-{}", stage.rng.u32(100..999)), &format!("Payroll {month}"));
    let people = stage.tenant.active.len();
    let step = |activity: &str, operation: OperationType, actor: &Actor, before: &str, after: &str| {
        Draft::new(PAYROLL, "Payroll run", activity, operation, ResourceType::Other)
            .shown_as("Payroll", activity)
            .by(actor)
            .on_changed(run.clone(), vec![plain("state", before, after)])
            .note("employees", &people.to_string())
    };
    let drafts = vec![
        step("Start payroll run", OperationType::Create, &first, "", "open"),
        step("Calculate payroll run", OperationType::Update, &itself, "open", "calculated"),
        step("Approve payroll run", OperationType::Update, &second, "calculated", "approved"),
        step("Export payments", OperationType::Read, &itself, "approved", "paid"),
        step("Close payroll run", OperationType::Update, &itself, "paid", "closed"),
    ];
    stage.tell(count, drafts);
}

/// Somebody tries to approve what they may not approve.
pub(super) fn approval_failed(stage: &mut Stage, count: usize) {
    let month = stage.time_text().get(..7).unwrap_or_default().to_owned();
    let clerk = clerk(stage);
    let actor = user(stage, &clerk);
    let run = named("PayrollRun", &format!("run-{month}-{}", stage.rng.u32(100..999)), &format!("Payroll {month}"));
    for _ in 0..count {
        let draft =
            Draft::new(PAYROLL, "Payroll run", "Approve payroll run", OperationType::Update, ResourceType::Other)
                .shown_as("Payroll", "Approve payroll run")
                .by(&actor)
                .on(run.clone())
                .failed("Whoever started a payroll run may not approve it.");
        stage.tell_one(draft);
        stage.pass(40);
    }
}
