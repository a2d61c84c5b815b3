//! What happens: small stories of one or a few events each, and how often they are told by day and by night.
//!
//! A story is a function that records exactly as many events as it is asked for, between its bounds. The catalogue
//! gives the log its proportions; the stories themselves are in files named after their subjects.

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

use super::stage::Stage;

/// A kind of story.
pub(super) struct Story {
    /// How many events it has, at least and at most.
    size: (usize, usize),
    /// How often it is told in the office's hours, and else.
    weight: (u32, u32),
    tell: fn(&mut Stage, usize),
}

const fn story(size: (usize, usize), weight: (u32, u32), tell: fn(&mut Stage, usize)) -> Story {
    Story { size, weight, tell }
}

/// Every kind of story there is.
pub(super) const CATALOGUE: &[Story] = &[
    // people
    story((1, 1), (60, 70), person::profile_synchronised),
    story((1, 1), (30, 3), person::profile_edited),
    story((3, 4), (10, 16), person::provisioned),
    story((2, 3), (22, 4), person::password_reset_by_help_desk),
    story((2, 4), (14, 8), person::password_reset_by_oneself),
    story((1, 1), (10, 4), person::password_changed),
    story((5, 14), (1, 3), person::password_guessed),
    story((1, 2), (20, 6), person::security_info_registered),
    story((1, 2), (3, 5), person::risk_judged),
    story((1, 1), (5, 2), person::terms_accepted),
    story((4, 6), (2, 0), staff::joins),
    story((4, 6), (2, 0), staff::leaves),
    story((2, 3), (1, 0), staff::marries),
    story((2, 3), (7, 1), staff::guest_invited),
    story((2, 2), (16, 2), staff::licence_changed),
    story((2, 2), (5, 3), staff::licence_by_group),
    story((4, 9), (1, 2), staff::licences_ran_out),
    // groups
    story((1, 1), (70, 14), group::member_added),
    story((1, 1), (36, 9), group::member_removed),
    story((4, 12), (2, 0), group::members_imported),
    story((2, 3), (3, 0), group::created),
    story((1, 1), (10, 1), group::updated),
    story((1, 2), (1, 0), group::renamed),
    story((1, 1), (1, 0), group::deleted),
    story((2, 3), (6, 1), group::joined_by_request),
    story((1, 1), (8, 2), group::read),
    // roles
    story((2, 2), (3, 1), role::granted),
    story((3, 4), (20, 7), role::activated),
    story((2, 2), (14, 8), role::expired),
    story((2, 5), (2, 1), role::denied),
    story((1, 1), (2, 0), role::setting_changed),
    // applications
    story((2, 4), (8, 1), application::consented),
    story((3, 7), (2, 2), application::consent_refused),
    story((2, 3), (1, 0), application::registered),
    story((2, 2), (6, 1), application::secret_added),
    story((1, 1), (5, 1), application::permission_granted),
    story((1, 1), (8, 1), application::updated),
    story((1, 1), (12, 1), application::assigned),
    // policies
    story((1, 2), (8, 1), policy::conditional_access_updated),
    story((2, 2), (1, 0), policy::conditional_access_renamed),
    story((1, 1), (2, 0), policy::location_updated),
    story((1, 1), (1, 0), policy::methods_updated),
    story((1, 1), (22, 2), intune::configuration_patched),
    story((1, 1), (5, 1), intune::secret_configuration_patched),
    story((1, 1), (8, 1), intune::policy_assigned),
    story((2, 2), (1, 0), intune::policy_renamed),
    story((1, 1), (7, 2), intune::searched),
    story((1, 2), (8, 1), intune::app_published),
    story((1, 2), (5, 1), intune::cloud_pc_configured),
    // devices
    story((1, 1), (60, 16), device::remote_task),
    story((5, 14), (3, 0), device::fleet_synchronised),
    story((4, 9), (2, 1), device::remote_tasks_failed),
    story((2, 3), (4, 1), device::wiped),
    story((1, 1), (100, 110), device::compliance_reported),
    story((4, 5), (8, 1), device::enrolled),
    story((1, 1), (6, 2), device::secret_recovered),
    story((2, 3), (2, 0), device::renamed),
    story((1, 1), (3, 8), device::certificate_issued),
    // the rest
    story((1, 1), (3, 1), directory::company_updated),
    story((2, 6), (1, 3), directory::synchronisation_failed),
    story((1, 1), (12, 3), payroll::payslip_opened),
    story((1, 1), (6, 1), payroll::salary_changed),
    story((1, 2), (5, 2), payroll::bank_account_changed),
    story((3, 5), (3, 1), payroll::run),
    story((2, 5), (1, 0), payroll::approval_failed),
];

impl Story {
    /// A story for the time of the day that has at most so many events; its place in the catalogue.
    pub(super) fn choose(is_office_hour: bool, size_max: usize, rng: &mut Rng) -> usize {
        let weight = |story: &Self| match (story.size.0 <= size_max, is_office_hour) {
            (false, _) => 0,
            (true, true) => story.weight.0,
            (true, false) => story.weight.1,
        };
        let total: u32 = CATALOGUE.iter().map(weight).sum();
        let mut at = rng.u32(0..total.max(1));
        for (place, story) in CATALOGUE.iter().enumerate() {
            let weight = weight(story);
            if at < weight {
                return place;
            }
            at -= weight;
        }
        0
    }

    /// How many events it gets, of so many that there is room for; none if there is too little room.
    pub(super) fn size(&self, room: usize, rng: &mut Rng) -> Option<usize> {
        let (least, most) = self.size;
        (least <= room).then(|| rng.usize(least..=most.min(room)))
    }

    /// How many events it has at least.
    pub(super) fn least(&self) -> usize {
        self.size.0
    }

    /// Whether it is also told outside the office's hours.
    pub(super) fn is_told_at_night(&self) -> bool {
        self.weight.1 > 0
    }

    /// Tells it with so many events.
    pub(super) fn tell(&self, stage: &mut Stage, size: usize) {
        (self.tell)(stage, size);
    }
}
