use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{Entry, Event, PrivilegeBegan, Time};
use oam_policy::{
    PrivilegeId, State,
    decide::{ElevationUse, LeaseUse, WaiverUse},
    name::UsernameKey,
};

use super::{Privilege, Privileges, Set, open::is_about_privileges};
use crate::audit_log::{ReadError, dated};

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

/// How far the clock that dates entries may have been ahead.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(24);

impl Privileges {
    /// How long before a moment something may have been asked for that was in force then: nothing waits longer than a
    /// day, or is anybody's for longer than a month by any sensible policy.
    pub const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(32 * 24);

    /// What is in force: of one person, or of everybody.
    pub fn in_force(&self, user: Option<&UsernameKey>) -> InForce {
        let set = self.set();
        if set.is_empty() {
            return InForce::default();
        }
        let begun = |from| self.clock().begun(from);
        InForce::of(&set, user, self.clock().now(), begun, |one| self.uses.is_used_up(one))
    }

    /// The same with the beginnings that are recorded, for a decision by the time that never goes back: what is in force has
    /// begun by that, whatever the clock of the machine says.
    pub fn by_own_beginning(&self, state: State) -> State {
        let set = self.set();
        let began = |id: &PrivilegeId| set.get(id).and_then(Privilege::time).map(|(from, _)| from);
        let elevations = state.elevations.iter().map(|one| {
            let from = began(&one.id).unwrap_or(one.from);
            ElevationUse { from, ..one.clone() }
        });
        let waivers = state.waivers.iter().map(|one| {
            let from = one.id.as_ref().and_then(began).unwrap_or(one.from);
            WaiverUse { from, ..one.clone() }
        });
        let leases = state.leases.iter().map(|one| {
            let from = began(&one.id).unwrap_or(one.from);
            LeaseUse { from, ..one.clone() }
        });
        let (elevations, waivers, leases) = (elevations.collect(), waivers.collect(), leases.collect());
        State { elevations, waivers, leases, ..state }
    }

    /// What was in force at a moment that is over, as the log tells it. It blocks on the disk: what was asked for up to
    /// [`Self::LOOKED_BACK`] before is read.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn in_force_at(&self, at: Timestamp, user: Option<&UsernameKey>) -> Result<InForce, ReadError> {
        let from = self.audit.first_since(at.checked_sub(Self::LOOKED_BACK).unwrap_or(at))?;
        let until = at.checked_add(CLOCK_SLACK).unwrap_or(at);
        let mut set = Set::default();
        // Dated later, by a clock that was ahead or because they are later: which it was, the next one tells.
        let mut perhaps = Vec::new();
        for (number, line) in (from..).zip(self.audit.entries(from)?) {
            let line = line?;
            let time = dated(&line);
            if time.is_some_and(|time| time > until) {
                break;
            }
            if is_about_privileges(&line)
                && let Ok(entry) = self.audit.read(&line)
            {
                perhaps.push((number, entry));
            }
            if time.is_some_and(|time| time <= at) {
                for (number, Entry { event, time, .. }) in perhaps.drain(..) {
                    set.apply(number, &begun_by(event, time), time.timestamp());
                }
            }
        }
        Ok(InForce::of(&set, user, at, |from| from, Privilege::is_used_up))
    }
}

/// What began is in force from its entry on, also where a clock that was ahead before dates its beginning later.
fn begun_by(event: Event, time: Time) -> Event {
    match event {
        Event::PrivilegeBegan(began) => {
            Event::PrivilegeBegan(PrivilegeBegan { from: began.from.min(time), ..began })
        }
        other => other,
    }
}

impl InForce {
    fn of(
        set: &Set,
        user: Option<&UsernameKey>,
        now: Timestamp,
        begun: impl Fn(Timestamp) -> Timestamp,
        is_used_up: impl Fn(&Privilege) -> bool,
    ) -> Self {
        let live = || {
            set.live(now)
                .filter(|one| user.is_none_or(|user| one.by.key() == *user))
                .filter_map(|one| one.time().map(|(from, to)| (one, (begun(from), to))))
        };
        Self {
            elevations: live().filter_map(|(one, time)| one.elevation(time)).collect(),
            waivers: live().filter_map(|(one, time)| one.waiver(time)).collect(),
            leases: live()
                .filter(|(one, _)| !is_used_up(one))
                .filter_map(|(one, time)| one.leased(time))
                .collect(),
        }
    }
}
