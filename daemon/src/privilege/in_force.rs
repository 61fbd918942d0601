use oam_policy::{
    decide::{ElevationUse, LeaseUse, WaiverUse},
    name::UsernameKey,
};

use super::Privileges;

/// What is in force at a moment, for decisions.
#[derive(Debug, Default)]
pub struct InForce {
    /// Roles of people.
    pub elevations: Vec<ElevationUse>,
    /// Rules that are lifted.
    pub waivers: Vec<WaiverUse>,
    /// Roles that jobs lease, as far as they are not used up.
    pub leases: Vec<LeaseUse>,
}

impl Privileges {
    /// What is in force: of one person, or of everybody.
    pub fn in_force(&self, user: Option<&UsernameKey>) -> InForce {
        let set = self.set();
        if set.is_empty() {
            return InForce::default();
        }
        let now = self.clock().now();
        let live = || {
            set.live(now)
                .filter(|one| user.is_none_or(|user| one.by.key() == *user))
                .filter_map(|one| one.time().map(|(from, to)| (one, (self.clock().begun(from), to))))
        };
        InForce {
            elevations: live().filter_map(|(one, time)| one.elevation(time)).collect(),
            waivers: live().filter_map(|(one, time)| one.waiver(time)).collect(),
            leases: live()
                .filter(|(one, _)| !self.uses.is_used_up(one))
                .filter_map(|(one, time)| one.leased(time))
                .collect(),
        }
    }
}
