use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use super::{Answer, Judge, Who, WhoError};
use crate::{
    decide::{PrincipalKind, State, Subject},
    name::{GroupName, Username, UsernameKey},
    question::Question,
    rule::{Policy, RefSet},
    snapshot::{Snapshot, UserView},
};

/// Everybody who could ask, apart in those who count by their roles only and those who count as themselves.
pub(super) struct Crowd<'a> {
    policy: &'a Policy,
    snapshot: &'a Snapshot,
    /// The groups that a role names, as positions in the directory's table.
    telling: BTreeSet<u32>,
    /// Whom a role or a grant names, and who has something for a while.
    named: BTreeSet<UsernameKey>,
    /// The ref, where a rule has `${user}`: to all whose name is no part of it, that is a text that does not match.
    names_in: Option<Vec<u8>>,
}

impl<'a> Crowd<'a> {
    pub(super) fn of(policy: &'a Policy, snapshot: &'a Snapshot, state: &State, question: &Question) -> Self {
        let groups = policy.roles().iter().flat_map(|role| role.any.iter().chain(&role.all));
        let services = policy.roles().iter().flat_map(|role| role.service.iter().cloned());
        let exceptions = policy.grants().iter().filter_map(|grant| grant.user.as_ref());
        let leasing = policy.workloads().iter().map(|workload| workload.principal.key());
        let named = exceptions.map(|exception| exception.user.key()).chain(services).chain(leasing);
        let lifting = state.waivers.iter().map(|one| one.by.key());
        let in_use = lifting.chain(state.elevations.iter().map(|one| one.by.key()));
        let in_use = in_use.chain(state.leases.iter().map(|one| one.by.key()));
        let blocks = policy.all_blocks().map(|block| (&block.on, &block.refs));
        let grants = policy.grants().iter().map(|grant| (&grant.on, &grant.refs));
        let requires = policy.requires().iter().map(|require| (&require.on, &require.refs));
        let waivers = policy.waivers().iter().map(|waiver| (&waiver.on, &waiver.refs));
        let all = blocks.chain(grants).chain(requires).chain(waivers);
        let here = all.filter(|(on, _)| on.matches(&question.repository));
        Self {
            policy,
            snapshot,
            telling: groups.filter_map(|group| position(snapshot, group)).collect(),
            named: named.chain(in_use).collect(),
            names_in: here.map(|(_, refs)| refs).any(has_user).then(|| question.name.as_bytes().to_vec()),
        }
    }

    /// Asks `judge` about everybody.
    pub(super) fn each(&self, judge: &mut Judge<'_>, found: &mut Who<'a>) -> Result<(), WhoError> {
        // Whoever is in the same of the telling groups holds the same roles.
        let mut by_groups: HashMap<Vec<u32>, Answer> = HashMap::new();
        let mut telling = Vec::new();
        // Whom the directory says to be cut off, `decide` refuses for who they are.
        for user in self.snapshot.users().filter(UserView::is_active) {
            let username = user.username();
            if self.counts_as_themselves(username) {
                self.one(Cow::Borrowed(username), judge, found)?;
                continue;
            }
            telling.clear();
            telling.extend(user.group_positions().iter().filter(|group| self.telling.contains(group)));
            let answer = match by_groups.get(&telling) {
                Some(answer) => answer,
                None => {
                    let (subject, bar) = Subject::resolve(self.policy, self.snapshot, username);
                    if bar.is_some() {
                        // That is about them, and says nothing of others.
                        continue;
                    }
                    by_groups.entry(telling.clone()).or_insert(judge.of_holders_like(&subject)?)
                }
            };
            found.add(Cow::Borrowed(username), PrincipalKind::User, answer);
        }
        for key in self.named.iter().filter(|key| self.snapshot.user(key).is_none()) {
            // A folded name is a name.
            if let Ok(username) = Username::parse(key.as_str()) {
                self.one(Cow::Owned(username), judge, found)?;
            }
        }
        Ok(())
    }

    fn counts_as_themselves(&self, username: &Username) -> bool {
        let name = username.as_str().as_bytes();
        let in_ref = self.names_in.as_ref().is_some_and(|text| contains(text, name));
        in_ref || !self.named.is_empty() && self.named.contains(&username.key())
    }

    fn one(
        &self,
        username: Cow<'a, Username>,
        judge: &mut Judge<'_>,
        found: &mut Who<'a>,
    ) -> Result<(), WhoError> {
        let (subject, bar) = Subject::resolve(self.policy, self.snapshot, &username);
        if bar.is_none() {
            let (kind, answer) = (subject.kind, judge.of(&subject)?);
            found.add(username, kind, &answer);
        }
        Ok(())
    }
}

/// Whether a pattern has the pusher's name in it.
fn has_user(refs: &RefSet) -> bool {
    refs.sources().iter().any(|source| source.contains("${user}"))
}

fn position(snapshot: &Snapshot, group: &GroupName) -> Option<u32> {
    u32::try_from(snapshot.groups().binary_search(group).ok()?).ok()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len().max(1)).any(|window| window == part)
}
