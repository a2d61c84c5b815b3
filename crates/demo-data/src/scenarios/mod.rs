//! The scenarios, each with a few events, and their frequency during and outside of office hours.
//!
//! A scenario is a function that emits exactly the requested number of events, within its bounds. The catalogue defines
//! the frequency of each; the functions are in files named after their subjects.

mod application;
mod device;
mod directory;
mod group;
mod intune;
mod payroll;
mod person;
mod policy;
mod role;
mod staff;

use fastrand::Rng;

use super::generator::Generator;

/// A scenario.
pub(super) struct Scenario {
    /// The minimum and maximum number of events.
    size: (usize, usize),
    /// The relative frequency during and outside of office hours.
    weight: (u32, u32),
    generate: fn(&mut Generator, usize),
}

const fn scenario(size: (usize, usize), weight: (u32, u32), generate: fn(&mut Generator, usize)) -> Scenario {
    Scenario { size, weight, generate }
}

/// All scenarios.
pub(super) const CATALOGUE: &[Scenario] = &[
    // people
    scenario((1, 1), (60, 70), person::profile_synchronised),
    scenario((1, 1), (30, 3), person::profile_edited),
    scenario((3, 4), (10, 16), person::provisioned),
    scenario((2, 3), (22, 4), person::password_reset_by_help_desk),
    scenario((2, 4), (14, 8), person::password_reset_by_oneself),
    scenario((1, 1), (10, 4), person::password_changed),
    scenario((5, 14), (1, 3), person::password_reset_attacked),
    scenario((1, 2), (20, 6), person::security_info_registered),
    scenario((1, 2), (3, 5), person::risk_assessed),
    scenario((1, 1), (5, 2), person::terms_accepted),
    scenario((4, 6), (2, 0), staff::employee_joined),
    scenario((4, 6), (2, 0), staff::employee_left),
    scenario((2, 3), (1, 0), staff::employee_renamed),
    scenario((2, 3), (7, 1), staff::guest_invited),
    scenario((2, 2), (16, 2), staff::licence_changed),
    scenario((2, 2), (5, 3), staff::licence_by_group),
    scenario((4, 9), (1, 2), staff::licences_ran_out),
    // groups
    scenario((1, 1), (70, 14), group::member_added),
    scenario((1, 1), (36, 9), group::member_removed),
    scenario((4, 12), (2, 0), group::members_imported),
    scenario((2, 3), (3, 0), group::created),
    scenario((1, 1), (10, 1), group::updated),
    scenario((1, 2), (1, 0), group::renamed),
    scenario((1, 1), (1, 0), group::deleted),
    scenario((2, 3), (6, 1), group::joined_by_request),
    scenario((1, 1), (8, 2), group::read),
    // roles
    scenario((2, 2), (3, 1), role::granted),
    scenario((3, 4), (20, 7), role::activated),
    scenario((2, 2), (14, 8), role::expired),
    scenario((2, 5), (2, 1), role::denied),
    scenario((1, 1), (2, 0), role::setting_changed),
    // applications
    scenario((2, 4), (8, 1), application::consented),
    scenario((3, 7), (2, 2), application::consent_refused),
    scenario((2, 3), (1, 0), application::registered),
    scenario((2, 2), (6, 1), application::secret_added),
    scenario((1, 1), (5, 1), application::permission_granted),
    scenario((1, 1), (8, 1), application::updated),
    scenario((1, 1), (12, 1), application::assigned),
    // policies
    scenario((1, 2), (8, 1), policy::conditional_access_updated),
    scenario((2, 2), (1, 0), policy::conditional_access_renamed),
    scenario((1, 1), (2, 0), policy::location_updated),
    scenario((1, 1), (1, 0), policy::methods_updated),
    scenario((1, 1), (22, 2), intune::configuration_patched),
    scenario((1, 1), (5, 1), intune::sensitive_configuration_patched),
    scenario((1, 1), (8, 1), intune::policy_assigned),
    scenario((2, 2), (1, 0), intune::policy_renamed),
    scenario((1, 1), (7, 2), intune::searched),
    scenario((1, 2), (8, 1), intune::app_published),
    scenario((1, 2), (5, 1), intune::cloud_pc_configured),
    // devices
    scenario((1, 1), (60, 16), device::remote_task),
    scenario((5, 14), (3, 0), device::fleet_synchronised),
    scenario((4, 9), (2, 1), device::remote_tasks_failed),
    scenario((2, 3), (4, 1), device::wiped),
    scenario((1, 1), (100, 110), device::compliance_reported),
    scenario((4, 5), (8, 1), device::enrolled),
    scenario((1, 1), (6, 2), device::secret_recovered),
    scenario((2, 3), (2, 0), device::renamed),
    scenario((1, 1), (3, 8), device::certificate_issued),
    // the rest
    scenario((1, 1), (3, 1), directory::company_updated),
    scenario((2, 6), (1, 3), directory::synchronisation_failed),
    scenario((1, 1), (12, 3), payroll::payslip_opened),
    scenario((1, 1), (6, 1), payroll::salary_changed),
    scenario((1, 2), (5, 2), payroll::bank_account_changed),
    scenario((3, 5), (3, 1), payroll::run),
    scenario((2, 5), (1, 0), payroll::approval_failed),
];

impl Scenario {
    /// Chooses a random scenario with at most `size_max` events. Returns its index in the catalogue.
    pub(super) fn choose(is_office_hour: bool, size_max: usize, rng: &mut Rng) -> usize {
        let weight = |scenario: &Self| match (scenario.size.0 <= size_max, is_office_hour) {
            (false, _) => 0,
            (true, true) => scenario.weight.0,
            (true, false) => scenario.weight.1,
        };
        let total: u32 = CATALOGUE.iter().map(weight).sum();
        let mut at = rng.u32(0..total.max(1));
        for (index, scenario) in CATALOGUE.iter().enumerate() {
            let weight = weight(scenario);
            if at < weight {
                return index;
            }
            at -= weight;
        }
        0
    }

    /// Returns a random number of events up to `room`, or `None` if the minimum is greater.
    pub(super) fn size(&self, room: usize, rng: &mut Rng) -> Option<usize> {
        let (min_size, most) = self.size;
        (min_size <= room).then(|| rng.usize(min_size..=most.min(room)))
    }

    /// Returns the minimum number of events.
    pub(super) fn min_size(&self) -> usize {
        self.size.0
    }

    /// Whether the scenario also occurs outside of office hours.
    pub(super) fn runs_outside_office_hours(&self) -> bool {
        self.weight.1 > 0
    }

    /// Emits `size` events.
    pub(super) fn emit(&self, generator: &mut Generator, size: usize) {
        (self.generate)(generator, size);
    }
}
