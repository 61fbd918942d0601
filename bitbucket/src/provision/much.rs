//! The part of a plan that is not too much at once.

use super::{Automatic, Basis, Change, Plan, Seen, Step, guard};

/// What is not done of a plan since it is more than may be done at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooMuch {
    /// Why not.
    pub why: String,
    /// How many changes that is.
    pub changes: usize,
}

impl Plan {
    /// Why it does more than may be done at once.
    pub fn too_much(&self) -> impl Iterator<Item = &str> {
        let people = [&self.too_many_people, &self.too_many_members];
        let all = people.into_iter().chain([&self.too_many_permissions, &self.too_many_given]);
        all.filter_map(|why| why.as_deref())
    }

    /// The part of it that is not too much at once, and what is.
    pub fn bounded(self, seen: &Seen, basis: &Basis) -> (Self, Vec<TooMuch>) {
        let (mut changes, mut too_much) = (self.changes, Vec::new());
        if let Some(why) = &self.too_many_members {
            let put_aside = guard::put_members_aside(&mut changes, seen, basis);
            too_much.push(TooMuch { why: why.clone(), changes: put_aside });
        }
        // What is given may stand for what is taken, as where people get by themselves what their group had.
        let waits = self
            .too_many_given
            .as_ref()
            .map(|why| format!("{why}; so nothing is taken either that it may stand for"));
        for (kind, why) in [
            (Automatic::Leavers, self.too_many_people.as_ref()),
            (Automatic::Take, self.too_many_permissions.as_ref().or(waits.as_ref())),
            (Automatic::Give, self.too_many_given.as_ref()),
        ] {
            let Some(why) = why else { continue };
            // What is only forgotten is neither taken nor given.
            let is_one = |change: &Change| change.kind(basis) == kind && !change.step.is_noted_only();
            let put_aside = changes.extract_if(.., |change| is_one(change)).count();
            too_much.push(TooMuch { why: why.clone(), changes: put_aside });
        }
        (Self { changes, ..self }, too_much)
    }

    /// The part of it that may be done without being asked. Nobody reads that before, so much that is given at once is too much, too;
    /// but for the first time, when all is.
    pub fn automatic(&self, seen: &Seen, basis: &Basis) -> Self {
        let allowed = |automatic| basis.settings.automatic.contains(&automatic);
        let may = |change: &&Change| {
            // Nobody knows who uses it.
            !matches!(change.step, Step::DeleteAccessKey { .. }) && allowed(change.kind(basis))
        };
        let changes: Vec<_> = self.changes.iter().filter(may).cloned().collect();
        let gives = |change: &&Change| change.kind(basis) == Automatic::Give && !change.step.is_noted_only();
        let too_many_given = guard::too_many_given(seen, basis, changes.iter().filter(gives).count());
        // What is not done is not too much either.
        Self {
            changes,
            too_many_people: self.too_many_people.clone().filter(|_| allowed(Automatic::Leavers)),
            too_many_members: self.too_many_members.clone().filter(|_| allowed(Automatic::Leavers)),
            too_many_permissions: self.too_many_permissions.clone().filter(|_| allowed(Automatic::Take)),
            too_many_given,
            ..self.clone()
        }
    }
}
